import { describe, expect, it } from 'vitest';
import { held, kinds, ready_model, SchedModel } from '../kit/sched_model.js';

/** A model whose slaves are all being started. */
function starting_model(slaves: number, options = {}): SchedModel {
  const model = new SchedModel({ slaves, ...options });
  model.tell({ kind: 'slaves_wanted' });
  return model;
}

describe('a failed launch', () => {
  it('is tried again while others work', () => {
    const model = starting_model(2);
    model.queue(2);
    model.open_run();
    model.ready(1);
    model.gone(0, undefined, 'no memory');
    expect(model.no_slaves).toBe(0);
    expect(kinds(model.pass(250))).toEqual(['launch_slave']);
    model.ready(0);
    expect(held(model)).toEqual([[1], [0]]);
  });

  it('is tried again after 250 ms and then 500 ms, and then the slave is given up', () => {
    const model = starting_model(2);
    model.ready(1);
    model.gone(0);
    expect(model.core.wake_at).toBe(model.now + 250);
    expect(model.pass(249)).toEqual([]);
    expect(kinds(model.pass(1))).toEqual(['launch_slave']);
    model.gone(0);
    expect(model.pass(499)).toEqual([]);
    expect(kinds(model.pass(1))).toEqual(['launch_slave']);
    expect(kinds(model.gone(0))).toEqual(['slave_given_up']);
    expect(model.core.slave(0)?.state).toBe('dead');
    expect(model.pass(60_000)).not.toContainEqual({ kind: 'launch_slave', slave_id: 0 });
  });

  it('does not keep a slave out for ever, if others work and tasks wait', () => {
    const model = starting_model(2);
    model.ready(1);
    model.queue(100);
    model.open_run();
    const work_on = () => model.heard(1);
    for (const pause of [250, 500, 0]) {
      model.gone(0);
      model.pass(pause);
    }
    for (const parole of [5000, 10_000, 20_000]) {
      expect(model.core.slave(0)?.state).toBe('dead');
      work_on();
      expect(kinds(model.pass(parole - 1))).not.toContain('launch_slave');
      work_on();
      expect(kinds(model.pass(1))).toContain('launch_slave');
      // one more failure is one too many
      expect(kinds(model.gone(0))).toContain('slave_given_up');
    }
    work_on();
    model.pass(40_000);
    model.ready(0);
    expect(model.core.slave(0)?.state).toBe('running_task');
  });

  it('of one cause for all slaves ends the run at once', () => {
    const model = starting_model(3);
    model.queue(1);
    model.open_run();
    model.gone(0, undefined, 'node: not found');
    model.gone(1, undefined, 'node: not found');
    expect(model.no_slaves).toBe(0);
    expect(kinds(model.gone(2, undefined, 'node: not found'))).toEqual([
      'slave_given_up',
      'slave_given_up',
      'slave_given_up',
      'no_slaves',
    ]);
  });

  it('of one cause for all slaves gives them up at once, also when nobody waits for tasks', () => {
    const model = starting_model(2);
    model.gone(0, undefined, 'same');
    expect(kinds(model.gone(1, undefined, 'same'))).toEqual(['slave_given_up', 'slave_given_up']);
  });

  it('of different causes is tried again, until all are given up', () => {
    const model = starting_model(2);
    model.queue(1);
    model.open_run();
    for (let failures = 1; failures <= 3; failures++) {
      expect(model.no_slaves).toBe(0);
      model.gone(0, undefined, 'not found');
      model.gone(1, undefined, 'no memory');
      model.pass(1000);
    }
    expect(model.no_slaves).toBe(1);
    expect([...model.core.slaves].map(({ state }) => state)).toEqual(['dead', 'dead']);
  });

  it('is forgiven when a task has ended since', () => {
    const model = starting_model(2);
    model.ready(1);
    for (let i = 0; i < 2; i++) {
      model.gone(0);
      model.pass(1000);
    }
    model.ready(0);
    expect(model.core.slave(0)?.failures).toBe(2);
    model.queue(2);
    model.open_run();
    model.report(0);
    expect(model.core.slave(0)?.failures).toBe(0);
  });

  it('is forgiven when a task was proven to have killed the slave since', () => {
    const model = starting_model(2, { prefetch: 1 });
    model.ready(1);
    for (let i = 0; i < 2; i++) {
      model.gone(0);
      model.pass(1000);
    }
    model.ready(0);
    model.queue(2);
    model.open_run();
    model.gone(0);
    expect(kinds(model.gone(0))).toEqual([]);
    expect(kinds(model.pass(250))).toEqual(['launch_slave']);
  });

  it('is not held to be of the cause of all others when the slave has run since', () => {
    const model = starting_model(2);
    model.queue(1);
    model.open_run();
    model.gone(0, undefined, 'not found');
    model.pass(250);
    model.ready(0);
    model.gone(0, 'no_task');
    expect(kinds(model.gone(1, undefined, 'not found'))).toEqual([]);
    expect(model.no_slaves).toBe(0);
  });

  it('of a slave that was told to stop is its end', () => {
    const { core } = starting_model(1);
    core.handle({ kind: 'job_stopped' }, 0);
    const error = new Error('killed');
    expect(core.handle({ kind: 'launch_failed', slave_id: 0, error, same: '' }, 0)).toEqual([]);
    expect(core.slave(0)?.state).toBe('stopped');
    expect(core.handle({ kind: 'launch_failed', slave_id: 0, error, same: '' }, 0)).toEqual([]);
  });

  it('is also what the loss of a slave that was not ready is', () => {
    const { core } = starting_model(1);
    core.handle({ kind: 'slave_lost', slave_id: 0, error: new Error('lost'), why: 'lost' }, 0);
    expect(core.slave(0)).toMatchObject({ failures: 1 });
  });
});

describe('a dead slave', () => {
  it('has another chance when slaves are wanted', () => {
    const model = starting_model(1);
    model.gone(0);
    expect(model.core.slave(0)?.state).toBe('dead');
    expect(kinds(model.tell({ kind: 'slaves_wanted' }))).toEqual(['launch_slave']);
    expect(model.core.slave(0)?.failures).toBe(0);
  });

  it('has another chance with the next run', () => {
    const model = starting_model(1);
    model.queue(1);
    model.open_run();
    model.gone(0);
    expect(model.no_slaves).toBe(1);
    model.open_run();
    model.ready(0);
    model.report(0);
    expect(model.runs_finished).toBe(1);
  });
});

describe('the time to start', () => {
  it('is start_timeout from the launch on', () => {
    const model = starting_model(1, { start_timeout: 300 });
    model.launched(0);
    expect(model.pass(299)).toEqual([]);
    expect(model.pass(1)).toEqual([{ kind: 'abandon_slave', slave_id: 0, why: 'start_timeout' }]);
  });

  it('does not count the time in a queue of launches', () => {
    const model = starting_model(1, { start_timeout: 300 });
    model.pass(100_000);
    expect(model.slave(0)).toMatchObject({ process: 'starting', is_abandoned: false });
    model.launched(0);
    expect(model.pass(299)).toEqual([]);
    expect(kinds(model.pass(1))).toEqual(['abandon_slave']);
  });
});

describe('a silent slave', () => {
  it('is abandoned after heartbeat_timeout, busy or not', () => {
    const model = ready_model(3, { heartbeat_timeout: 500 });
    model.send_command(1);
    model.queue(1);
    model.open_run();
    expect(model.pass(499)).toEqual([]);
    model.heard(2);
    expect(model.pass(1)).toEqual([
      { kind: 'abandon_slave', slave_id: 0, why: 'silent' },
      { kind: 'abandon_slave', slave_id: 1, why: 'silent' },
    ]);
  });
});

describe('an idle slave that is lost for no known reason', () => {
  it('is launched again after a while', () => {
    const model = ready_model(2);
    expect(model.gone(0)).toEqual([]);
    expect(kinds(model.pass(250))).toEqual(['launch_slave']);
  });

  it('is given up after three times in a row', () => {
    const model = ready_model(2);
    for (let i = 0; i < 2; i++) {
      model.gone(0);
      model.pass(1000);
      model.ready(0);
    }
    expect(kinds(model.gone(0))).toEqual(['slave_given_up']);
  });
});

it('forgets the prefetch of a slave with its process', () => {
  const model = ready_model(1);
  model.queue(2000);
  model.open_run();
  for (let i = 0; i < 10; i++) model.report(0, model.slave(0).held.length, 1);
  expect(model.core.slave(0)?.depth).toBeGreaterThan(50);
  model.gone(0, 'no_task');
  model.pass(1000);
  model.ready(0);
  expect(model.slave(0).held.length).toBe(2);
});
