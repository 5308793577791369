import { describe, expect, it } from 'vitest';
import { held, kinds, ready_model, type SchedModel } from '../kit/sched_model.js';

/** All of its slaves were stopped for want of work. */
function resting_model(slaves: number, options = {}): SchedModel {
  const model = ready_model(slaves, { idle_timeout: 500, prefetch: 1, ...options });
  model.pass(500);
  for (const slave_id of model.slaves.keys()) model.gone(slave_id);
  return model;
}

describe('a slave that has nothing to do', () => {
  it('is stopped after idle_timeout', () => {
    const model = ready_model(1, { idle_timeout: 500 });
    expect(model.core.wake_at).toBe(model.now + 500);
    expect(model.pass(499)).toEqual([]);
    expect(model.pass(1)).toEqual([{ kind: 'stop_slave', slave_id: 0, reason: 'rest' }]);
    expect(model.gone(0)).toEqual([]);
    expect(model.pass(60_000)).toEqual([]);
    expect(model.core.wake_at).toBe(Infinity);
  });

  it('is not stopped when no such time is given', () => {
    const model = ready_model(1);
    model.pass(9999);
    expect(model.slave(0).is_stopping).toBe(false);
  });

  it('has the time from the end of its last task or command on', () => {
    const model = ready_model(1, { idle_timeout: 500 });
    model.pass(400);
    model.queue(1);
    model.open_run();
    model.pass(50);
    model.report(0);
    model.pass(50);
    model.send_command(0);
    model.pass(600);
    model.end_command(0);
    expect(model.pass(499)).toEqual([]);
    expect(kinds(model.pass(1))).toEqual(['stop_slave']);
  });

  it('rests alone: those who work go on', () => {
    const model = ready_model(2, { idle_timeout: 500, prefetch: 1 });
    model.queue(1);
    model.open_run();
    expect(kinds(model.pass(500))).toEqual(['stop_slave']);
    expect(held(model)).toEqual([[0], []]);
  });

  it('is not stopped when there is something for it that another is about to give back', () => {
    const model = ready_model(2, { idle_timeout: 500 });
    model.open_source();
    model.queue(4);
    model.open_run();
    expect(held(model)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    model.report(1, 2);
    // nobody was awake in between
    expect(kinds(model.pass(1000))).toEqual(['take_back']);
    model.give_back(0);
    expect(held(model)).toEqual([[0], [2]]);
  });

  it('is stopped later when there was nothing after all', () => {
    const model = ready_model(2, { idle_timeout: 500 });
    model.open_source();
    model.queue(4);
    model.open_run();
    model.report(1, 2);
    model.pass(1000);
    model.give_back(0, 2);
    model.report(0, 2);
    for (let seconds = 0; seconds < 2; seconds++) model.pass(1000);
    expect(model.slave(1).is_stopping).toBe(true);
  });
});

describe('a slave that rests', () => {
  it('is launched when there is work, no more of them than there is', () => {
    const model = resting_model(4);
    model.queue(2);
    expect(kinds(model.open_run())).toEqual(['launch_slave', 'launch_slave']);
  });

  it('is launched for an urgent task', () => {
    const model = resting_model(2);
    model.queue_urgent();
    expect([...model.slaves.values()].filter(({ process }) => process === 'starting').length).toBe(1);
  });

  it('is launched when more tasks come than slaves are on their way', () => {
    const model = resting_model(3);
    model.open_source();
    model.open_run();
    for (const starting of [1, 2, 3, 3]) {
      model.queue(1);
      expect([...model.slaves.values()].filter(({ process }) => process === 'starting').length).toBe(
        starting,
      );
    }
  });

  it('is launched by whoever wants all slaves', () => {
    const model = resting_model(2);
    expect(kinds(model.tell({ kind: 'slaves_wanted' }))).toEqual(['launch_slave', 'launch_slave']);
  });

  it('is launched by whoever wanted all slaves while it was being stopped', () => {
    const model = ready_model(1, { idle_timeout: 500 });
    model.pass(500);
    model.tell({ kind: 'slaves_wanted' });
    expect(kinds(model.gone(0))).toEqual(['launch_slave']);
  });

  it('is launched at once when work came while it was being stopped', () => {
    const model = ready_model(1, { idle_timeout: 500 });
    model.pass(500);
    model.queue(1);
    model.open_run();
    expect(kinds(model.gone(0))).toEqual(['launch_slave']);
  });

  it('is launched when it is needed because another was lost', () => {
    const model = ready_model(2, { idle_timeout: 500, prefetch: 1 });
    model.queue(1);
    model.open_run();
    model.pass(500);
    model.gone(1);
    model.heard(0);
    expect(kinds(model.gone(0, 0, 'gone', 'lost'))).toContain('launch_slave');
  });

  it('is hope enough: nobody says that no slave is left', () => {
    const model = resting_model(1);
    model.open_source();
    model.open_run();
    expect(model.no_slaves).toBe(0);
  });

  it('is given up like any other when it does not start any more', () => {
    const model = resting_model(1);
    model.queue(1);
    model.open_run();
    model.gone(0, undefined, 'not found');
    expect(model.no_slaves).toBe(1);
  });

  it('can be removed', () => {
    const model = resting_model(2);
    expect(model.remove_slave(0)).toEqual([]);
    expect([...model.slaves.keys()]).toEqual([1]);
  });

  it('is stopped for good with the job', () => {
    const model = resting_model(1);
    expect(model.stop_job()).toEqual([]);
    expect(model.tell({ kind: 'slaves_wanted' })).toEqual([]);
  });
});
