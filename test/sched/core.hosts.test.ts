import { describe, expect, it } from 'vitest';
import { held, kinds, type ModelOptions, SchedModel, type Told } from '../kit/sched_model.js';

/** Slaves that are ready on the hosts of these names. */
function model_on(hosts: string[], options: ModelOptions = {}): SchedModel {
  const model = new SchedModel({ slaves: hosts.length, prefetch: 1, attempts: 9, ...options });
  model.tell({ kind: 'slaves_wanted' });
  hosts.forEach((host, slave_id) => {
    model.ready(slave_id, true, host);
  });
  return model;
}

/** Slave 0 dies of its task, and comes back. */
function die_and_return(model: SchedModel, host = 'bad'): Told[] {
  const told = model.gone(0);
  model.ready(0, true, host);
  return told;
}

/** Host bad, with slave 0, is benched; slave 1 on host good runs a task and more wait. */
function model_with_benched(options: ModelOptions = {}): SchedModel {
  const model = model_on(['bad', 'good'], options);
  model.queue(20);
  model.open_run();
  for (let i = 0; i < 2; i++) die_and_return(model);
  expect(die_and_return(model)).toContainEqual({ kind: 'host_benched', host: 'bad', time: 30_000 });
  return model;
}

function hear_all(model: SchedModel): void {
  for (const slave_id of model.slaves.keys()) model.heard(slave_id);
}

/** So much time passes, with heartbeats. */
function wait(model: SchedModel, ms: number): Told[] {
  const told: Told[] = [];
  for (let left = ms; left > 0; left -= 5000) {
    hear_all(model);
    told.push(...model.pass(Math.min(left, 5000)));
  }
  return told;
}

describe('a host on which different tasks die', () => {
  it('is benched: its slaves get nothing', () => {
    const model = model_with_benched();
    expect(model.slave(0).held).toEqual([]);
    expect(model.core.waiting).toBeGreaterThan(0);
    model.report(1);
    expect(model.slave(0).held).toEqual([]);
  });

  it('gives back what its other slaves have not started', () => {
    const model = model_on(['bad', 'good', 'bad'], { prefetch: 2 });
    model.open_source();
    model.queue(20);
    model.open_run();
    expect(held(model).map((tasks) => tasks.length)).toEqual([2, 2, 2]);
    const told: Told[] = [];
    for (let i = 0; i < 3; i++) {
      const [first] = model.slave(0).tasks;
      told.push(...model.gone(0, first?.task_id));
      model.ready(0, true, 'bad');
    }
    expect(kinds(told)).toContain('host_benched');
    expect(told).toContainEqual(expect.objectContaining({ kind: 'take_back', slave_id: 2 }));
  });

  it('is probed with one task when its time is over, and let back when that ends well', () => {
    const model = model_with_benched();
    expect(model.core.wake_at).toBeLessThanOrEqual(model.now + 30_000);
    expect(kinds(wait(model, 29_999))).not.toContain('run_tasks');
    expect(wait(model, 1)).toContainEqual(expect.objectContaining({ kind: 'run_tasks', slave_id: 0 }));
    expect(model.slave(0).held.length).toBe(1);
    const told = model.report(0);
    expect(told).toContainEqual({ kind: 'host_released', host: 'bad' });
    expect(model.slave(0).held.length).toBe(1);
  });

  it('waits twice as long when the probe dies', () => {
    const model = model_with_benched();
    wait(model, 30_000);
    expect(die_and_return(model)).toContainEqual({ kind: 'host_benched', host: 'bad', time: 60_000 });
    expect(model.slave(0).held).toEqual([]);
  });

  it('has one probe only, however many slaves it has', () => {
    const model = model_on(['bad', 'good', 'bad', 'bad']);
    model.queue(20);
    model.open_run();
    for (let i = 0; i < 3; i++) die_and_return(model);
    for (const slave_id of [2, 3]) {
      model.gone(slave_id, undefined, 'gone', 'evicted');
      model.ready(slave_id, true, 'bad');
    }
    expect(held(model).map((tasks) => tasks.length)).toEqual([0, 1, 0, 0]);
    wait(model, 30_000);
    expect(
      held(model)
        .map((tasks) => tasks.length)
        .sort(),
    ).toEqual([0, 0, 1, 1]);
    wait(model, 60_000);
    expect(
      held(model)
        .map((tasks) => tasks.length)
        .sort(),
    ).toEqual([0, 0, 1, 1]);
  });

  it('has another probe when the slave with the first is lost for another reason', () => {
    const model = model_with_benched();
    wait(model, 30_000);
    expect(kinds(model.gone(0, undefined, 'gone', 'evicted'))).not.toContain('host_benched');
    expect(model.ready(0, true, 'bad')).toContainEqual(
      expect.objectContaining({ kind: 'run_tasks', slave_id: 0 }),
    );
  });

  it('is let back at once when it becomes the only one', () => {
    const model = model_with_benched();
    expect(model.gone(1, 'no_task')).toContainEqual({ kind: 'host_released', host: 'bad' });
    expect(model.slave(0).held.length).toBe(1);
  });

  it('is let back when it is the first to come back after all were lost', () => {
    const model = model_with_benched();
    model.gone(0, 'no_task');
    model.gone(1, 'no_task');
    model.pass(250);
    expect(model.ready(0, true, 'bad')).toContainEqual({ kind: 'host_released', host: 'bad' });
  });

  it('is let back when a task that it had before ends well', () => {
    const model = model_on(['bad', 'good', 'bad']);
    model.queue(20);
    model.open_run();
    for (let i = 0; i < 3; i++) die_and_return(model);
    expect(model.report(2)).toContainEqual({ kind: 'host_released', host: 'bad' });
    expect(held(model).every((tasks) => tasks.length === 1)).toBe(true);
  });

  it('does not keep the scheduler awake while it waits for its slaves to be free', () => {
    const model = model_with_benched();
    model.send_command(0);
    wait(model, 30_000);
    hear_all(model);
    model.pass(0);
    expect(model.core.wake_at).toBeGreaterThan(model.now);
    expect(kinds(model.end_command(0))).toEqual(['run_tasks']);
  });

  it('is not probed for nothing: there must be a task', () => {
    const model = model_with_benched();
    model.set_reader_behind(true);
    expect(kinds(wait(model, 40_000))).not.toContain('run_tasks');
    expect(kinds(model.set_reader_behind(false))).toContain('run_tasks');
    expect(model.slave(0).held.length).toBe(1);
  });

  it('rests like any other', () => {
    const model = model_with_benched({ idle_timeout: 2000 });
    model.set_reader_behind(true);
    expect(kinds(wait(model, 4000))).toContain('stop_slave');
    expect(model.slave(0).is_stopping).toBe(true);
  });
});

describe('a task whose slave died', () => {
  it('goes to another host, and waits for one that is busy', () => {
    const model = model_on(['a', 'b', 'a']);
    model.queue(3);
    model.open_run();
    expect(held(model)).toEqual([[0], [1], [2]]);
    model.report(2);
    model.gone(0);
    expect(held(model)).toEqual([[], [1], []]);
    model.report(1);
    expect(held(model)).toEqual([[], [0], []]);
  });

  it('does not wait for another host longer than a minute', () => {
    const model = model_on(['a', 'b', 'a']);
    model.queue(3);
    model.open_run();
    model.report(2);
    model.gone(0);
    model.ready(0, true, 'a');
    expect(kinds(wait(model, 59_999))).not.toContain('run_tasks');
    expect(kinds(wait(model, 1))).toContain('run_tasks');
    expect(held(model)).toEqual([[], [1], [0]]);
  });

  it('does not wait for a host whose slaves only run commands, or leave', () => {
    const model = model_on(['a', 'b', 'a']);
    model.queue(3);
    model.open_run();
    model.report(2);
    model.gone(0);
    expect(held(model)).toEqual([[], [1], []]);
    model.remove_slave(1);
    expect(held(model)).toEqual([[], [1], [0]]);
  });

  it('goes to another slave of the same host when there is no other host', () => {
    const model = model_on(['a', 'a']);
    model.queue(1);
    model.open_run();
    model.gone(0);
    expect(held(model)).toEqual([[], [0]]);
  });

  it('goes to the same slave when there is no other', () => {
    const model = model_on(['a']);
    model.queue(1);
    model.open_run();
    model.gone(0);
    model.ready(0, true, 'a');
    expect(held(model)).toEqual([[0]]);
  });

  it('does not hold up tasks that wait behind it', () => {
    const model = model_on(['a', 'b', 'a']);
    model.queue(5);
    model.open_run();
    model.gone(0);
    model.report(2);
    expect(held(model)).toEqual([[], [1], [3]]);
  });

  it('does not keep others from being sent ahead to slaves that may not run it', () => {
    const model = model_on(['a', 'b', 'a'], { prefetch: 2 });
    model.queue(1);
    model.open_run();
    model.gone(0, 0);
    expect(held(model)).toEqual([[], [0], []]);
    model.gone(1, 0);
    model.ready(1, true, 'b');
    model.open_source();
    model.queue(4);
    expect(model.slave(1).held.length).toBe(2);
  });
});
