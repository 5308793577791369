import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../src/sched/records.js';
import { held, kinds, ready_model, type SchedModel } from '../kit/sched_model.js';

/** Slave 0 runs a task that has just been cancelled, and holds so many others. */
function model_with_cancelled(others = 0, options = {}): { model: SchedModel; task: TaskRecord } {
  const model = ready_model(1, { cancel_grace: 300, ...options });
  model.open_source();
  const [task] = model.queue(1 + others) as [TaskRecord];
  model.open_run();
  model.close_source();
  expect(model.slave(0).held.length).toBe(1 + others);
  model.cancel(task);
  return { model, task };
}

describe('a task that is cancelled while it runs', () => {
  it('has its grace time, then its pulse kills it', () => {
    const { model } = model_with_cancelled();
    expect(model.core.wake_at).toBe(model.now + 300);
    expect(model.pass(299)).toEqual([]);
    expect(model.pass(1)).toEqual([{ kind: 'kill_task', slave_id: 0, seq: 0 }]);
  });

  it('is killed by whoever started its slave, if the pulse does not', () => {
    const { model } = model_with_cancelled();
    model.pass(300);
    expect(model.core.wake_at).toBe(model.now + 2000);
    expect(model.pass(1999)).toEqual([]);
    expect(model.pass(1)).toEqual([{ kind: 'abandon_slave', slave_id: 0, why: 'cancelled' }]);
    expect(model.pass(5000)).toEqual([]);
  });

  it('is charged to nobody, and its slave is launched again at once', () => {
    const { model, task } = model_with_cancelled(1);
    model.pass(300);
    expect(kinds(model.gone(0, task.task_id, 'killed', 'cancelled'))).toEqual(['launch_slave']);
    expect(model.tasks[1]).toMatchObject({ attempt: 1, trouble: undefined });
    model.ready(0);
    expect(held(model)).toEqual([[1]]);
  });

  it('is known for what the slave was killed for, though the slave said nothing', () => {
    const { model } = model_with_cancelled(1);
    model.pass(300);
    model.gone(0, undefined, 'killed', 'cancelled');
    expect(model.tasks[1]).toMatchObject({ attempt: 1, trouble: undefined });
  });

  it('spares its slave when it ends in time', () => {
    const { model } = model_with_cancelled(1);
    model.pass(299);
    model.report(0);
    expect(kinds(model.pass(9000))).not.toContain('kill_task');
    expect(model.core.slave(0)?.kill_at).toBe(Infinity);
  });

  it('spares its slave when it ends after the order to kill, and before it is carried out', () => {
    const { model } = model_with_cancelled(1);
    model.pass(300);
    model.report(0);
    expect(kinds(model.pass(9000))).not.toContain('abandon_slave');
  });

  it('gets no more time because others are cancelled after it', () => {
    const { model } = model_with_cancelled(1);
    model.pass(200);
    model.cancel(model.tasks[1] as TaskRecord);
    expect(kinds(model.pass(100))).toEqual(['kill_task']);
    model.heard(0);
    expect(kinds(model.pass(2000))).toEqual(['abandon_slave']);
  });

  it('has no grace time if none is given', () => {
    const { model } = model_with_cancelled(0, { cancel_grace: 0 });
    expect(kinds(model.pass(0))).toEqual(['kill_task']);
  });

  it('is found at once among thousands of slaves', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [task] = model.queue(1) as [TaskRecord];
    model.open_run();
    expect(task.holder).toBe(0);
    expect(kinds(model.cancel(task))).toEqual(['abort_task', 'run_finished']);
  });
});

describe('a task that is cancelled while it waits on its slave', () => {
  it('gets its grace time when its turn comes', () => {
    const model = ready_model(1, { cancel_grace: 300 });
    model.open_source();
    const [, second] = model.queue(2) as [TaskRecord, TaskRecord];
    model.open_run();
    model.cancel(second);
    expect(kinds(model.pass(1000))).toEqual([]);
    model.report(0);
    expect(kinds(model.pass(299))).toEqual([]);
    expect(model.pass(1)).toEqual([{ kind: 'kill_task', slave_id: 0, seq: 1 }]);
  });

  it('is not waited for when it is taken back, even if it was at the head by then', () => {
    const model = ready_model(1, { cancel_grace: 300 });
    model.open_source();
    const [, second] = model.queue(2) as [TaskRecord, TaskRecord];
    model.open_run();
    model.pass(10);
    model.close_run();
    expect(model.slave(0).asked).toEqual({ from: 1, to: 2 });
    model.cancel(second);
    // the report of the first overtakes the answer, which came over the other connection
    const from = model.slave(0).give_back(1);
    model.report(0);
    expect(model.slave(0).tasks).toEqual([second]);
    model.given_back(0, from);
    expect(model.slave(0).tasks).toEqual([]);
    expect(kinds(model.pass(5000))).toEqual([]);
    model.open_run();
    model.queue(1);
    expect(model.slave(0).tasks).toEqual([model.tasks[2]]);
    expect(kinds(model.pass(3000))).not.toContain('kill_task');
  });
});

describe('a task that is cancelled while it waits in the queue', () => {
  it('takes no slave along', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [, second] = model.queue(2) as [TaskRecord, TaskRecord];
    model.open_run();
    expect(model.cancel(second)).toEqual([]);
    expect(model.core.waiting_bytes).toBe(0);
  });
});
