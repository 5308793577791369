import { expect, it } from 'vitest';
import type { SlaveRecord, TaskRecord } from '../../src/sched/records.js';
import { LeanModel, ScaleWorld } from './scale_world.js';

const TASKS = 20_000;

/** Counts every look at a field of a slave's record, and every change. */
class CountingModel extends LeanModel {
  looks = 0;

  override add_slave(): number {
    const slave_id = super.add_slave();
    this.#watch(this.core.slave(slave_id) as SlaveRecord<TaskRecord>);
    return slave_id;
  }

  #watch(slave: SlaveRecord<TaskRecord>): void {
    for (const [field, present] of Object.entries(slave)) {
      let value: unknown = present;
      Object.defineProperty(slave, field, {
        get: () => {
          this.looks++;
          return value;
        },
        set: (next: unknown) => {
          this.looks++;
          value = next;
        },
      });
    }
  }
}

/** Looks at slaves that a task takes, from its queueing to its outcome. */
function looks_per_task(slaves: number): number {
  const model = new CountingModel({ attempts: 3 });
  new ScaleWorld({ slaves, tasks: TASKS }, model).play();
  expect(model.core.unsettled).toBe(0);
  return model.looks / TASKS;
}

it('looks at no more slaves for a task when there are a hundred times as many', { timeout: 60_000 }, () => {
  const few = looks_per_task(10);
  const many = looks_per_task(1000);
  expect(many).toBeLessThan(2 * few);
});
