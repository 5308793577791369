import { describe, expect, it } from 'vitest';
import { held, kinds, ready_model, SchedModel } from '../kit/sched_model.js';

describe('a slave that is added', () => {
  it('is launched at once in mid-run, and given tasks', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(3);
    model.open_run();
    const slave_id = model.add_slave();
    model.ready(slave_id);
    expect(held(model)).toEqual([[0], [1]]);
  });

  it('is launched at once when an urgent task waits', () => {
    const model = ready_model(1);
    model.queue_urgent();
    expect(model.slave(model.add_slave()).process).toBe('starting');
  });

  it('waits to be wanted when nothing is to be done', () => {
    const model = ready_model(1);
    expect(model.slave(model.add_slave()).process).toBe('none');
  });

  it('is another chance for the dead', () => {
    const model = new SchedModel({ slaves: 1 });
    model.open_source();
    model.open_run();
    model.pass(1);
    model.add_slave();
    model.gone(0, undefined, 'a');
    for (let i = 0; i < 2; i++) {
      model.pass(1000);
      model.gone(0, undefined, 'a');
    }
    expect(model.core.slave(0)?.state).toBe('dead');
    model.add_slave();
    expect(model.core.slave(0)?.state).toBe('started');
  });
});

describe('a slave that is removed', () => {
  it('finishes its task, gives back the others, and is stopped', () => {
    const model = ready_model(1);
    model.open_source();
    model.queue(2);
    model.open_run();
    model.ready(model.add_slave());
    expect(held(model)).toEqual([[0, 1], []]);
    expect(kinds(model.remove_slave(0))).toEqual(['take_back']);
    model.give_back(0);
    expect(held(model)).toEqual([[0], [1]]);
    expect(kinds(model.report(0))).toEqual(['tasks_settled', 'stop_slave']);
    model.gone(0);
    expect([...model.slaves.keys()]).toEqual([1]);
  });

  it('finishes its command, and is stopped', () => {
    const model = ready_model(1);
    model.send_command(0);
    expect(model.remove_slave(0)).toEqual([]);
    expect(kinds(model.end_command(0))).toEqual(['stop_slave']);
  });

  it('is stopped at once when it has nothing to do', () => {
    const model = ready_model(1);
    expect(kinds(model.remove_slave(0))).toEqual(['stop_slave']);
    expect(model.tell({ kind: 'slave_removed', slave_id: 0 })).toEqual([]);
  });

  it('is stopped while it starts', () => {
    const model = new SchedModel({ slaves: 1 });
    model.tell({ kind: 'slaves_wanted' });
    expect(kinds(model.remove_slave(0))).toEqual(['stop_slave']);
    model.gone(0);
    expect(model.slaves.size).toBe(0);
  });

  it('is forgotten at once when it was never launched', () => {
    const model = new SchedModel({ slaves: 1 });
    expect(model.remove_slave(0)).toEqual([]);
    expect(model.slaves.size).toBe(0);
    expect(model.tell({ kind: 'slave_removed', slave_id: 0 })).toEqual([]);
    expect(model.tell({ kind: 'slave_ended', slave_id: 0 })).toEqual([]);
  });

  it('is forgotten when it is dead', () => {
    const model = new SchedModel({ slaves: 1 });
    model.tell({ kind: 'slaves_wanted' });
    model.gone(0);
    expect(model.core.slave(0)?.state).toBe('dead');
    model.remove_slave(0);
    expect(model.slaves.size).toBe(0);
  });

  it('is forgotten when it is lost with its task, which another slave runs', () => {
    const model = ready_model(2, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.remove_slave(0);
    model.gone(0);
    expect([...model.slaves.keys()]).toEqual([1]);
    model.report(1);
    expect(held(model)).toEqual([[0]]);
  });

  it('is forgotten when that uses its budget of launches up', () => {
    const model = new SchedModel({ slaves: 2 });
    model.tell({ kind: 'slaves_wanted' });
    model.ready(1);
    for (let i = 0; i < 2; i++) {
      model.gone(0);
      model.pass(1000);
    }
    model.ready(0);
    model.send_command(0);
    model.remove_slave(0);
    expect(kinds(model.gone(0))).toEqual(['slave_given_up']);
    expect([...model.slaves.keys()]).toEqual([1]);
  });

  it('ends the run with no_slaves when it was the last', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.remove_slave(0);
    expect(model.no_slaves).toBe(0);
    model.report(0);
    model.gone(0);
    expect(model.no_slaves).toBe(1);
  });

  it('ends the run with no_slaves when it was the last and dies of its task', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.remove_slave(0);
    expect(kinds(model.gone(0))).toContain('no_slaves');
  });
});

describe('a command', () => {
  it('holds up the tasks of its slave, and of no other', () => {
    const model = ready_model(2, { prefetch: 1 });
    model.send_command(0);
    expect(model.core.slave(0)?.state).toBe('running_cmd');
    model.queue(3);
    model.open_run();
    expect(held(model)).toEqual([[], [0]]);
    model.end_command(0);
    expect(held(model)).toEqual([[1], [0]]);
  });

  it('may follow tasks, and be followed by others', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(2);
    model.open_run();
    model.send_command(0);
    model.report(0);
    expect(model.core.slave(0)?.state).toBe('running_cmd');
    model.send_command(0);
    model.end_command(0);
    expect(held(model)).toEqual([[]]);
    model.end_command(0);
    expect(held(model)).toEqual([[1]]);
  });

  it('that ends before the tasks that came with it leaves its slave running them', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(1);
    model.open_run();
    model.send_command(0);
    model.end_command(0);
    expect(model.core.slave(0)?.state).toBe('running_task');
  });

  it('of a slave that stops counts no more', () => {
    const model = ready_model(1);
    model.send_command(0);
    model.stop_job();
    expect(model.end_command(0)).toEqual([]);
  });
});

describe('a job that is stopped', () => {
  it('stops every slave, whatever it does', () => {
    const model = ready_model(3, { prefetch: 1 });
    model.queue(1);
    model.open_run();
    model.send_command(1);
    model.add_slave();
    expect(model.stop_job()).toEqual(
      [0, 1, 2, 3].map((slave_id) => ({ kind: 'stop_slave', slave_id, reason: 'leave' })),
    );
    for (const slave_id of [0, 1, 2, 3]) model.gone(slave_id);
    expect([...model.core.slaves].map(({ state }) => state)).toEqual(Array(4).fill('stopped'));
    expect(model.core.unsettled).toBe(1);
  });

  it('launches nobody', () => {
    const model = new SchedModel({ slaves: 1 });
    model.stop_job();
    model.queue(1);
    expect(kinds(model.open_run())).not.toContain('launch_slave');
    expect(model.tell({ kind: 'slaves_wanted' })).toEqual([]);
  });

  it('takes the loss of a slave for its end', () => {
    const { core } = ready_model(1);
    core.handle({ kind: 'job_stopped' }, 0);
    expect(
      core.handle({ kind: 'slave_lost', slave_id: 0, error: new Error('lost'), why: 'died' }, 0),
    ).toEqual([]);
    expect(core.slave(0)?.state).toBe('stopped');
  });

  it('does not take a slave that comes ready too late', () => {
    const model = new SchedModel({ slaves: 1 });
    model.tell({ kind: 'slaves_wanted' });
    model.stop_job();
    expect(model.core.handle({ kind: 'slave_ready', slave_id: 0, host: 'here' }, 0)).toEqual([]);
    expect(model.core.slave(0)?.state).toBe('stopping');
  });
});
