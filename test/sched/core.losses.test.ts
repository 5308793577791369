import { describe, expect, it } from 'vitest';
import type { LossKind } from '../../src/sched/events.js';
import { held, kinds, ready_model, SchedModel } from '../kit/sched_model.js';

const NOBODYS_FAULT: LossKind[] = ['lost', 'evicted'];

function model_with_task(options = {}): SchedModel {
  const model = ready_model(2, { prefetch: 1, ...options });
  model.queue(1);
  model.open_run();
  expect(held(model)).toEqual([[0], []]);
  return model;
}

describe("a loss that is nobody's fault", () => {
  it.each(NOBODYS_FAULT)('(%s) is not counted as a death of the task', (why) => {
    const model = model_with_task({ attempts: 1 });
    model.gone(0, 0, 'gone', why);
    expect(model.tasks[0]).toMatchObject({ trouble: { deaths: 0, losses: 1, failures: 0 }, attempt: 2 });
    expect(held(model)).toEqual([[], [0]]);
  });

  it.each(NOBODYS_FAULT)('(%s) is counted, lest a task take slaves along for ever', (why) => {
    const model = model_with_task({ losses: 2 });
    model.gone(0, 0, 'gone', why);
    expect(model.gone(1, 0, 'gone', why)).toContainEqual(
      expect.objectContaining({ kind: 'task_died', why, is_last: true }),
    );
    expect(model.tasks[0]?.state).toBe('failed');
  });

  it('has the slave launched again at once when its batch system ended it', () => {
    expect(kinds(model_with_task().gone(0, 0, 'gone', 'evicted'))).toContain('launch_slave');
  });

  it('has the slave launched again after a while when it fell silent', () => {
    const model = model_with_task();
    expect(kinds(model.gone(0, 0, 'gone', 'lost'))).not.toContain('launch_slave');
    expect(kinds(model.pass(250))).toEqual(['launch_slave']);
  });

  it('is no trouble of the host', () => {
    const model = ready_model(2, { prefetch: 1, losses: 10 });
    model.queue(9);
    model.open_run();
    for (let i = 0; i < 5; i++) {
      const told = model.gone(0, undefined, 'gone', 'evicted');
      expect(kinds(told)).not.toContain('host_benched');
      model.ready(0);
    }
  });
});

describe('a slave that took too much memory', () => {
  it('is charged to the task that ran', () => {
    const model = model_with_task();
    expect(model.gone(0, 0, 'killed', 'too_large')).toContainEqual(
      expect.objectContaining({ kind: 'task_died', why: 'too_large', is_last: false }),
    );
    expect(model.tasks[0]).toMatchObject({ trouble: { deaths: 1 } });
  });

  it('after tasks that have ended is launched again at once, and charged to nobody', () => {
    const model = model_with_task();
    model.report(0);
    expect(kinds(model.gone(0, 'no_task', 'killed', 'too_large'))).toEqual(['launch_slave']);
    expect(model.core.slave(0)?.failures).toBe(0);
  });

  it('before it has run anything is given up after a few times: it would never be small enough', () => {
    const model = ready_model(2);
    for (let i = 0; i < 2; i++) {
      expect(kinds(model.gone(0, 'no_task', 'killed', 'too_large'))).toEqual([]);
      model.pass(1000);
      model.ready(0);
    }
    expect(kinds(model.gone(0, 'no_task', 'killed', 'too_large'))).toEqual(['slave_given_up']);
  });
});

describe('an idle slave that is lost', () => {
  it('is not given up for it when it had been well for long', () => {
    const model = ready_model(2);
    for (let i = 0; i < 5; i++) {
      for (let minute = 0; minute < 6; minute++) {
        for (const slave_id of [0, 1]) model.heard(slave_id);
        model.pass(10_000 - 1);
      }
      model.heard(1);
      model.pass(10);
      model.heard(0);
      expect(kinds(model.gone(0, 'no_task', 'gone', 'evicted'))).not.toContain('slave_given_up');
      model.heard(1);
      model.pass(250);
      model.ready(0);
    }
  });
});

describe('a slave that ends though it was not told to', () => {
  it('is lost, and comes back', () => {
    const { core } = ready_model(2);
    core.handle({ kind: 'slave_ended', slave_id: 0 }, 1000);
    expect(core.slave(0)).toMatchObject({ state: 'created', failures: 1 });
    expect(kinds([...core.handle({ kind: 'tick' }, 1250)])).toContain('launch_slave');
    core.check();
  });

  it('has not started if it was starting', () => {
    const model = new SchedModel({ slaves: 2 });
    model.tell({ kind: 'slaves_wanted' });
    model.core.handle({ kind: 'slave_ended', slave_id: 0 }, 1000);
    expect(model.core.slave(0)).toMatchObject({ state: 'created', failures: 1 });
    model.core.check();
  });

  it('changes nothing when it is not there', () => {
    const { core } = new SchedModel({ slaves: 1 });
    expect(core.handle({ kind: 'slave_ended', slave_id: 0 }, 0)).toEqual([]);
    expect(core.slave(0)?.state).toBe('created');
  });
});

describe('what is told twice, or too late', () => {
  it('is dropped: a loss of a slave that is not there', () => {
    const { core } = ready_model(2);
    const lost = { kind: 'slave_lost', slave_id: 0, error: new Error('lost'), why: 'died' } as const;
    core.handle(lost, 1000);
    expect(core.handle(lost, 1000)).toEqual([]);
    expect(core.slave(0)?.failures).toBe(1);
    core.check();
  });

  it('is dropped: the start of a process that has failed meanwhile', () => {
    const model = new SchedModel({ slaves: 2 });
    model.tell({ kind: 'slaves_wanted' });
    model.gone(0);
    const { wake_at } = model.core;
    model.tell({ kind: 'slave_launched', slave_id: 0 });
    expect(model.core.wake_at).toBe(wake_at);
  });
});
