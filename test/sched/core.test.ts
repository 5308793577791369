import { describe, expect, it } from 'vitest';
import { held, kinds, ready_model, SchedModel } from '../kit/sched_model.js';

describe('a run', () => {
  it('sends nothing of the queue before it is opened', () => {
    const model = ready_model(1);
    model.queue(3);
    expect(held(model)).toEqual([[]]);
    model.open_run();
    expect(held(model)).toEqual([[0]]);
  });

  it('launches the slaves when it is opened and something waits', () => {
    const model = new SchedModel({ slaves: 2 });
    model.queue();
    expect(kinds(model.open_run())).toEqual(['launch_slave', 'launch_slave']);
  });

  it('finishes at once, and launches nobody, when there is nothing to do', () => {
    const model = new SchedModel({ slaves: 2 });
    expect(kinds(model.open_run())).toEqual(['run_finished']);
  });

  it('launches the slaves with its first task when it was opened for a source that is slow', () => {
    const model = new SchedModel({ slaves: 1 });
    model.open_source();
    expect(kinds(model.open_run())).toEqual(['launch_slave']);
  });

  it('finishes with the last report, and not before the last source is closed', () => {
    const model = ready_model(1);
    model.open_source();
    model.queue(1);
    model.open_run();
    expect(kinds(model.report(0))).toEqual(['tasks_settled']);
    expect(model.runs_finished).toBe(0);
    expect(kinds(model.close_source())).toEqual(['run_finished']);
  });

  it('sends tasks in the order of the queue', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(4);
    model.open_run();
    const order: (number | undefined)[] = [];
    while (model.slave(0).held.length > 0) {
      order.push(model.slave(0).tasks[0]?.index);
      model.report(0);
    }
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('gives every idle slave one task before it gives any a second', () => {
    const model = ready_model(3);
    model.queue(15);
    model.open_run();
    expect(held(model)).toEqual([[0, 3], [1], [2]]);
  });

  it('starts tasks that are queued while it goes on', () => {
    const model = ready_model(2, { prefetch: 1 });
    model.queue(1);
    model.open_run();
    model.queue(2);
    expect(held(model)).toEqual([[0], [1]]);
  });

  it('takes back what has not started when it is closed, and goes on from there when it is opened again', () => {
    const model = ready_model(1);
    model.queue(9);
    model.open_run();
    model.report(0);
    expect(held(model)).toEqual([[1, 2]]);
    expect(kinds(model.close_run())).toEqual(['take_back']);
    model.give_back(0);
    expect(held(model)).toEqual([[1]]);
    model.report(0);
    expect(held(model)).toEqual([[]]);
    expect(model.core.waiting).toBe(7);
    model.open_run();
    expect(held(model)).toEqual([[2, 3]]);
  });

  it('says that no slave is left when the job has none', () => {
    const model = new SchedModel();
    model.queue();
    expect(kinds(model.open_run())).toEqual(['no_slaves']);
  });

  it('reports a task that threw as failed, and goes on', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [first, second] = model.queue(2);
    model.open_run();
    model.report(0, 1, 1000, 'task_failed');
    model.report(0);
    expect([first, second].map((task) => task?.state)).toEqual(['failed', 'done']);
    expect(model.runs_finished).toBe(1);
  });

  it('settles the reports of one frame together', () => {
    const model = ready_model(1);
    model.queue(9);
    model.open_run();
    model.report(0);
    const [settled] = model.report(0, 2);
    expect(settled?.kind === 'tasks_settled' && settled.tasks.map(({ index }) => index)).toEqual([1, 2]);
  });
});

describe('a reader that is behind', () => {
  it('pauses the queue until it has caught up', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.set_reader_behind(true);
    model.report(0);
    expect(held(model)).toEqual([[]]);
    model.set_reader_behind(false);
    expect(held(model)).toEqual([[1]]);
  });

  it('does not pause urgent tasks', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.set_reader_behind(true);
    const urgent = model.queue_urgent();
    model.report(0);
    expect(model.slave(0).tasks).toEqual([urgent]);
  });
});

describe('an urgent task', () => {
  it('goes ahead of the queue', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(3);
    model.open_run();
    const urgent = model.queue_urgent();
    model.report(0);
    expect(model.slave(0).tasks).toEqual([urgent]);
    model.report(0);
    expect(held(model)).toEqual([[1]]);
  });

  it('needs no run, and launches the slaves', () => {
    const model = new SchedModel({ slaves: 1 });
    const urgent = model.queue_urgent();
    expect(model.slave(0).process).toBe('starting');
    model.ready(0);
    expect(kinds(model.report(0))).toEqual(['tasks_settled']);
    expect(urgent.state).toBe('done');
  });

  it('is told when no slave is left', () => {
    const model = new SchedModel();
    const urgent = model.queue_urgent();
    expect(model.no_slaves).toBe(1);
    expect(urgent.state).toBe('cancelled');
  });
});

describe('a cancelled task', () => {
  it('is never sent when it waits', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [, second] = model.queue(3);
    model.open_run();
    if (second !== undefined) model.cancel(second);
    expect(model.core.waiting).toBe(1);
    model.report(0);
    expect(held(model)).toEqual([[2]]);
  });

  it('is aborted on the slave that has it, and its report is dropped', () => {
    const model = ready_model(1, { prefetch: 1 });
    const [task] = model.queue(1);
    model.open_run();
    expect(task && model.cancel(task)).toContainEqual({ kind: 'abort_task', slave_id: 0, task_id: 0 });
    expect(model.runs_finished).toBe(1);
    expect(model.report(0)).toEqual([]);
    expect(task?.state).toBe('cancelled');
  });

  it('ends the run when it was the last', () => {
    const model = ready_model(1);
    model.open_source();
    model.open_run();
    model.set_reader_behind(true);
    const [task] = model.queue(1);
    model.close_source();
    expect(task && kinds(model.cancel(task))).toEqual(['run_finished']);
  });

  it('changes nothing when it has been settled before', () => {
    const model = ready_model(1);
    const [task] = model.queue(1);
    model.open_run();
    model.report(0);
    expect(task && model.tell({ kind: 'task_cancelled', task })).toEqual([]);
    expect(task?.state).toBe('done');
  });
});

describe('a slave that breaks the protocol', () => {
  it('is abandoned when it reports a task that is not its first', () => {
    const { core } = ready_model(1);
    const reports = [{ kind: 'task_done' as const, task_id: 7, run_us: 1 }];
    expect(core.handle({ kind: 'tasks_ended', slave_id: 0, reports }, 0)).toContainEqual({
      kind: 'abandon_slave',
      slave_id: 0,
      why: 'protocol',
    });
    core.check();
  });

  it('is abandoned when it gives back what it was not asked for', () => {
    const { core } = ready_model(1);
    expect(core.handle({ kind: 'tasks_taken_back', slave_id: 0, from: 0, to: 1 }, 0)).toEqual([
      { kind: 'abandon_slave', slave_id: 0, why: 'protocol' },
    ]);
    core.check();
  });
});

it('refuses an event of a slave that it does not have', () => {
  const { core } = new SchedModel();
  expect(() => core.handle({ kind: 'slave_ready', slave_id: 3, host: 'here' }, 0)).toThrow(
    'the scheduler has no slave 3',
  );
});
