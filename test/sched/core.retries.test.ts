import { describe, expect, it } from 'vitest';
import { kinds, ready_model, type SchedModel } from '../kit/sched_model.js';

/** A slave that runs the only task, which may be retried so often. */
function model_with_task(retries: number, options = {}): SchedModel {
  const model = ready_model(1, { prefetch: 1, retries, retry_delay: 100, ...options });
  model.queue(1);
  model.open_run();
  return model;
}

describe('a task that throws', () => {
  it('is settled when it asks for no retry', () => {
    const model = model_with_task(0);
    expect(kinds(model.report(0, 1, 1000, 'task_failed'))).toEqual(['tasks_settled', 'run_finished']);
  });

  it('is run again after a while, twice as long each time, as often as it asks for', () => {
    const model = model_with_task(3);
    for (const delay of [100, 200, 400]) {
      expect(model.report(0, 1, 1000, 'task_failed')).toEqual([
        expect.objectContaining({ kind: 'task_threw', delay }),
      ]);
      expect(model.core.wake_at).toBe(model.now + delay);
      expect(model.pass(delay - 1)).toEqual([]);
      expect(kinds(model.pass(1))).toEqual(['run_tasks']);
    }
    expect(kinds(model.report(0, 1, 1000, 'task_failed'))).toContain('tasks_settled');
    expect(model.tasks[0]).toMatchObject({ state: 'failed', attempt: 4 });
  });

  it('waits ten minutes at most', () => {
    const model = model_with_task(3, { retry_delay: 500_000, heartbeat_timeout: 1e9 });
    model.report(0, 1, 1000, 'task_failed');
    model.pass(500_000);
    expect(model.report(0, 1, 1000, 'task_failed')).toEqual([
      expect.objectContaining({ kind: 'task_threw', delay: 600_000 }),
    ]);
  });

  it('is settled when its failure is not worth a retry', () => {
    const model = model_with_task(3);
    const reports = [{ kind: 'task_failed' as const, task_id: 0, run_us: 1 }];
    expect(kinds(model.report_all(0, reports))).toContain('tasks_settled');
  });

  it('may return then', () => {
    const model = model_with_task(1);
    model.report(0, 1, 1000, 'task_failed');
    model.pass(100);
    model.report(0);
    expect(model.tasks[0]).toMatchObject({ state: 'done', attempt: 2 });
    expect(model.runs_finished).toBe(1);
  });

  it('does not hold up the others, nor end the run, while it waits', () => {
    const model = ready_model(1, { prefetch: 1, retries: 1, retry_delay: 100 });
    model.queue(2);
    model.open_run();
    model.report(0, 1, 1000, 'task_failed');
    expect(model.slave(0).tasks).toEqual([model.tasks[1]]);
    model.report(0);
    expect(model.runs_finished).toBe(0);
    expect(model.core).toMatchObject({ waiting: 0, unsettled: 1, waiting_bytes: 10 });
  });

  it('is not run again when it is cancelled while it waits', () => {
    const model = model_with_task(1);
    const [task] = model.tasks;
    model.report(0, 1, 1000, 'task_failed');
    expect(task && kinds(model.cancel(task))).toEqual(['run_finished']);
    expect(model.pass(100)).toEqual([]);
    expect(model.core.wake_at).toBeGreaterThan(model.now);
  });

  it('is not run again when it is cancelled while it runs', () => {
    const model = model_with_task(1);
    const [task] = model.tasks;
    if (task !== undefined) model.cancel(task);
    expect(model.report(0, 1, 1000, 'task_failed')).toEqual([]);
  });

  it('waits for the next run when its time comes after this was closed', () => {
    const model = model_with_task(1);
    model.report(0, 1, 1000, 'task_failed');
    model.close_run();
    expect(model.pass(100)).toEqual([]);
    expect(kinds(model.open_run())).toEqual(['run_tasks']);
  });

  it('runs again though its slave was stopped for want of work', () => {
    const model = model_with_task(1, { idle_timeout: 20 });
    model.report(0, 1, 1000, 'task_failed');
    expect(kinds(model.pass(20))).toEqual(['stop_slave']);
    model.gone(0);
    expect(kinds(model.pass(80))).toEqual(['launch_slave']);
    model.ready(0);
    expect(model.slave(0).tasks).toEqual(model.tasks);
  });
});

describe('a task that takes too long', () => {
  it('is run again after a while if it has a retry left', () => {
    const model = model_with_task(1);
    const told = model.gone(0, 0, 'killed', 'timed_out');
    expect(told).toContainEqual(
      expect.objectContaining({ kind: 'task_died', why: 'timed_out', is_last: false }),
    );
    expect(kinds(told)).toContain('launch_slave');
    model.ready(0);
    expect(model.slave(0).held).toEqual([]);
    expect(kinds(model.pass(100))).toEqual(['run_tasks']);
  });

  it('is given up if it has none', () => {
    const model = model_with_task(0);
    expect(model.gone(0, 0, 'killed', 'timed_out')).toContainEqual(
      expect.objectContaining({ kind: 'task_died', why: 'timed_out', is_last: true }),
    );
    expect(model.runs_finished).toBe(1);
  });

  it('counts as a failure, not as a death', () => {
    const model = model_with_task(1);
    model.gone(0, 0, 'killed', 'timed_out');
    expect(model.tasks[0]).toMatchObject({
      trouble: { failures: 1, deaths: 0, losses: 0 },
      is_suspect: false,
    });
  });
});
