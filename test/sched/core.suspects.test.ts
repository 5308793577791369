import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../src/sched/records.js';
import { held, kinds, ready_model, type SchedModel } from '../kit/sched_model.js';

/** `slaves` ready slaves, the first of which holds the tasks 0 and 1 of `count`. */
function model_with_two_on_the_first(slaves: number, count: number): SchedModel {
  const model = ready_model(1);
  // as long as more tasks may come, there is no fair share to keep to
  model.open_source();
  model.queue(count);
  model.open_run();
  model.close_source();
  expect(held(model)).toEqual([[0, 1]]);
  for (let i = 1; i < slaves; i++) model.ready(model.add_slave());
  return model;
}

/** Two urgent tasks that a slave of `model` holds, before one of the queue. */
function model_tasks_on_one_slave(model: SchedModel): [TaskRecord, TaskRecord] {
  model.send_command(0);
  const urgent: [TaskRecord, TaskRecord] = [model.queue_urgent(), model.queue_urgent()];
  model.queue(1);
  model.open_source();
  model.open_run();
  model.end_command(0);
  expect(model.slave(0).tasks).toEqual(urgent);
  return urgent;
}

describe('the tasks of a lost slave', () => {
  it('go back to the queue when it says that it ran none', () => {
    const model = model_with_two_on_the_first(1, 3);
    model.gone(0, 'no_task');
    expect(model.core.waiting).toBe(3);
    expect(model.tasks).toMatchObject(Array(3).fill({ state: 'queued', is_suspect: false, attempt: 1 }));
  });

  it('are run again in their order', () => {
    const model = model_with_two_on_the_first(1, 5);
    model.open_source();
    model.report(0, 2, 1);
    expect(held(model)).toEqual([[2, 3, 4]]);
    model.gone(0, 'no_task');
    model.pass(1000);
    model.ready(0);
    expect(held(model)).toEqual([[2, 3]]);
  });

  it('go to other slaves, but for the one that it said it was running', () => {
    const model = model_with_two_on_the_first(2, 4);
    const [first, second] = model.tasks;
    const told = model.gone(0, 0);
    expect(kinds(told)).toContain('task_died');
    expect(first).toMatchObject({ trouble: { deaths: 1 }, attempt: 2, is_suspect: true });
    expect(second).toMatchObject({ trouble: undefined, attempt: 1, is_suspect: false });
  });

  it('are only suspects when it is not known which of them it ran', () => {
    const model = model_with_two_on_the_first(1, 2);
    expect(kinds(model.gone(0))).not.toContain('task_died');
    expect(model.tasks).toMatchObject([
      { trouble: { deaths: 0 }, attempt: 2, is_suspect: true },
      { trouble: { deaths: 0 }, attempt: 2, is_suspect: true },
    ]);
  });

  it('are not charged when they had been reported', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [first] = model.queue(1);
    model.open_run();
    model.report(0);
    model.gone(0, first?.task_id);
    expect(first).toMatchObject({ state: 'done', trouble: undefined });
  });

  it('that were cancelled are gone with it', () => {
    const model = model_with_two_on_the_first(1, 2);
    const [first, second] = model.tasks;
    if (first !== undefined) model.cancel(first);
    model.gone(0, 'no_task');
    model.pass(1000);
    model.ready(0);
    expect(model.slave(0).tasks).toEqual([second]);
  });
});

describe('suspects', () => {
  it('are run one per slave', () => {
    const model = model_with_two_on_the_first(3, 9);
    model.gone(0);
    model.report(1, model.slave(1).held.length);
    model.report(2, model.slave(2).held.length);
    model.pass(1000);
    model.ready(0);
    for (const slave of model.slaves.values()) {
      const has_suspect = slave.tasks.some((task) => task.is_suspect);
      expect(slave.held.length).toBeLessThanOrEqual(has_suspect ? 1 : 2);
    }
    expect([...model.slaves.values()].flatMap((slave) => slave.tasks)).toEqual(
      expect.arrayContaining(model.tasks.slice(0, 2)),
    );
  });

  it('are cleared when they return', () => {
    const model = model_with_two_on_the_first(1, 3);
    model.gone(0);
    model.pass(1000);
    model.ready(0);
    model.report(0);
    expect(model.tasks[0]).toMatchObject({ state: 'done', is_suspect: false, attempt: 2 });
  });

  it('of a queue that does not move do not hold up urgent suspects', () => {
    const model = ready_model(1);
    model.open_source();
    model.queue(1);
    model.open_run();
    const urgent = model.queue_urgent();
    expect(model.slave(0).tasks).toMatchObject([{ index: 0 }, urgent]);
    model.gone(0);
    model.close_run();
    model.pass(1000);
    model.ready(0);
    expect(model.slave(0).tasks).toEqual([urgent]);
  });

  it('start again when the run is opened after their slave came back', () => {
    const model = model_with_two_on_the_first(1, 2);
    model.gone(0);
    model.close_run();
    model.pass(1000);
    model.ready(0);
    expect(held(model)).toEqual([[]]);
    model.open_run();
    expect(held(model)).toEqual([[0]]);
  });

  it('start again when the reader has caught up after their slave came back', () => {
    const model = model_with_two_on_the_first(1, 2);
    model.gone(0);
    model.set_reader_behind(true);
    model.pass(1000);
    model.ready(0);
    model.set_reader_behind(false);
    expect(held(model)).toEqual([[0]]);
  });

  it('that are cancelled while they wait do not stop the queue', () => {
    const model = ready_model(1);
    const [first, second] = model_tasks_on_one_slave(model);
    model.gone(0);
    model.pass(1000);
    model.ready(0);
    expect(model.slave(0).tasks).toEqual([first]);
    model.cancel(second);
    model.report(0);
    expect(held(model)).toEqual([[0]]);
  });
});

describe('a task that kills its slave', () => {
  it('is run again alone, and given up when its slave dies twice', () => {
    const model = ready_model(1);
    const [task] = model.queue(3);
    model.open_run();
    expect(model.gone(0, task?.task_id)).toContainEqual(
      expect.objectContaining({ kind: 'task_died', task, is_last: false }),
    );
    model.ready(0);
    expect(held(model)).toEqual([[0]]);
    expect(model.gone(0)).toContainEqual(expect.objectContaining({ kind: 'task_died', task, is_last: true }));
    expect(task).toMatchObject({ state: 'failed', trouble: { deaths: 2 }, attempt: 2 });
  });

  it('is charged though nobody said what ran, when it was alone', () => {
    const model = ready_model(1, { prefetch: 1, attempts: 1 });
    const [task] = model.queue(1);
    model.open_run();
    model.gone(0);
    expect(task && model.fates.get(task)).toBe('died');
    expect(model.runs_finished).toBe(1);
  });

  it('has its slave launched again at once', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(1);
    model.open_run();
    expect(kinds(model.gone(0))).toContain('launch_slave');
  });

  it('does not count against its slave, however often', () => {
    const model = ready_model(1, { prefetch: 1, attempts: 9 });
    model.queue(1);
    model.open_run();
    for (let i = 0; i < 8; i++) {
      model.gone(0);
      model.ready(0);
    }
    expect(model.core.slave(0)?.failures).toBe(0);
    model.report(0);
    expect(model.runs_finished).toBe(1);
  });

  it('does not hold up the others', () => {
    const model = ready_model(2, { prefetch: 1 });
    model.queue(4);
    model.open_run();
    model.gone(0);
    model.report(1);
    expect(held(model)[1]).toEqual([0]);
    model.ready(0);
    expect(held(model)).toEqual([[2], [0]]);
  });
});
