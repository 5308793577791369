import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kinds, type ModelOptions, SchedModel } from '../kit/sched_model.js';

/** A job without slaves that may have so many. */
function model_of(max_slaves: number, options: ModelOptions = {}): SchedModel {
  return new SchedModel({ max_slaves, prefetch: 1, ...options });
}

function make_ready(model: SchedModel): void {
  for (const slave of model.slaves.values()) if (slave.process === 'starting') model.ready(slave.slave_id);
}

describe('a job that may have more slaves', () => {
  it('gets as many as tasks wait, up to the maximum, and not before a run', () => {
    const model = model_of(4);
    model.queue(2);
    expect(model.slaves.size).toBe(0);
    model.open_run();
    expect(model.slaves.size).toBe(2);
    model.queue(10);
    expect(model.slaves.size).toBe(4);
    model.queue(10);
    expect(model.slaves.size).toBe(4);
  });

  it('gets none for tasks that those on their way will take', () => {
    const model = model_of(10);
    model.queue(3);
    model.open_run();
    expect(model.slaves.size).toBe(3);
    make_ready(model);
    expect(model.slaves.size).toBe(3);
    model.report(0);
    model.report(1);
    expect(model.slaves.size).toBe(3);
  });

  it('gets one for an urgent task without a run', () => {
    const model = model_of(10);
    model.queue_urgent();
    expect(model.slaves.size).toBe(1);
  });

  it('counts the slaves that it has anyway', () => {
    const model = model_of(3, { slaves: 2 });
    model.queue(10);
    model.open_run();
    expect(model.slaves.size).toBe(3);
  });

  it('gives back who is idle, and wakes those before it gets more', () => {
    const model = model_of(4, { idle_timeout: 500 });
    model.queue(4);
    model.open_run();
    make_ready(model);
    for (const slave_id of [...model.slaves.keys()]) model.report(slave_id);
    expect(kinds(model.pass(500))).toEqual(Array(4).fill('stop_slave'));
    for (const slave_id of [...model.slaves.keys()]) model.gone(slave_id);
    model.queue(2);
    expect(kinds(model.open_run()).filter((kind) => kind !== 'launch_slave')).toEqual([]);
    expect([...model.slaves.values()].filter(({ process }) => process === 'starting').length).toBe(2);
  });

  it('replaces slaves that have left', () => {
    const model = model_of(2);
    model.queue(10);
    model.open_run();
    make_ready(model);
    model.remove_slave(0);
    model.report(0);
    model.gone(0);
    expect([...model.slaves.keys()]).toEqual([1, 2]);
  });

  it('replaces its only slave that leaves, and does not take that for the end of all hope', () => {
    const model = model_of(1);
    model.queue(2);
    model.open_run();
    model.ready(0);
    model.remove_slave(0);
    model.report(0);
    expect(model.no_slaves).toBe(0);
    if (model.slaves.has(0)) model.gone(0);
    expect([...model.slaves.keys()]).toEqual([1]);
    model.ready(1);
    model.report(1);
    expect(model.runs_finished).toBe(1);
  });

  it('does not get one after another in the place of those that do not start, while one works', () => {
    const model = model_of(4);
    model.queue(100);
    model.open_run();
    model.ready(0);
    for (let turns = 0; turns < 200; turns++) {
      for (const { slave_id, process } of [...model.slaves.values()])
        if (process === 'starting') model.gone(slave_id, undefined, 'no such command');
      model.heard(0);
      model.pass(1000);
    }
    expect(model.slaves.size).toBe(4);
  });

  it('gives up when all that it got fail of the same, and tells', () => {
    const model = model_of(100);
    model.queue(3);
    model.open_run();
    for (let turns = 0; turns < 50 && model.no_slaves === 0; turns++) {
      for (const { slave_id, process } of [...model.slaves.values()])
        if (process === 'starting') model.gone(slave_id, undefined, 'no such command');
      model.pass(Math.min(1000, Math.max(0, model.core.wake_at - model.now)));
    }
    expect(model.no_slaves).toBe(1);
    expect(model.slaves.size).toBe(3);
  });

  it('tries again at the next run', () => {
    const model = model_of(1);
    model.queue(1);
    model.open_run();
    for (let turns = 0; turns < 5 && model.no_slaves === 0; turns++) {
      if (model.slave(0).process === 'starting') model.gone(0, undefined, 'no such command');
      else model.pass(1000);
    }
    model.open_run();
    make_ready(model);
    model.report(0);
    expect(model.runs_finished).toBe(1);
  });

  it('gets no more than the maximum, whatever slaves do', () => {
    const step = fc.tuple(
      fc.constantFrom('queue', 'ready', 'report', 'gone', 'fail', 'pass', 'remove', 'add'),
      fc.nat(5),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (max_slaves, steps) => {
        const model = model_of(max_slaves, { idle_timeout: 500 });
        for (const [name, n] of steps) {
          const all = [...model.slaves.values()];
          const slave = all[n % Math.max(1, all.length)];
          if (name === 'queue') {
            model.queue(1 + n);
            if (!model.is_run_open) model.open_run();
          } else if (name === 'pass') model.pass(100 * 4 ** n);
          else if (name === 'add' && all.length < 3) model.add_slave();
          else if (slave === undefined) continue;
          else if (name === 'ready' && slave.process === 'starting' && !slave.is_stopping)
            model.ready(slave.slave_id);
          else if (name === 'report' && slave.process === 'ready' && slave.held.length > 0)
            model.report(slave.slave_id);
          else if (name === 'gone' && slave.process === 'ready') model.gone(slave.slave_id, 'no_task');
          else if (name === 'fail' && slave.process === 'starting')
            model.gone(slave.slave_id, undefined, 'cause');
          else if (name === 'remove' && !slave.is_leaving) model.remove_slave(slave.slave_id);
        }
      }),
      { numRuns: 300 },
    );
  });
});
