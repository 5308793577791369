import { describe, expect, it } from 'vitest';
import { held, kinds, ready_model } from '../kit/sched_model.js';

describe('a process that has served long enough', () => {
  it('is replaced after max_tasks_per_slave tasks', () => {
    const model = ready_model(1, { prefetch: 1, max_tasks_per_slave: 2 });
    model.queue(3);
    model.open_run();
    model.report(0);
    expect(model.report(0)).toContainEqual({ kind: 'stop_slave', slave_id: 0, reason: 'recycle' });
    expect(held(model)).toEqual([[]]);
    expect(kinds(model.gone(0))).toEqual(['launch_slave']);
    model.ready(0);
    expect(held(model)).toEqual([[2]]);
  });

  it('is sent no more tasks than it may still run', () => {
    const model = ready_model(1, { max_tasks_per_slave: 5 });
    model.open_source();
    model.queue(100);
    model.open_run();
    model.report(0, 2, 1);
    expect(held(model)).toEqual([[2, 3, 4]]);
    model.report(0, 2, 1);
    expect(held(model)).toEqual([[4]]);
    expect(kinds(model.report(0, 1, 1))).toContain('stop_slave');
  });

  it('is counted anew after it was replaced', () => {
    const model = ready_model(1, { prefetch: 1, max_tasks_per_slave: 1 });
    model.queue(3);
    model.open_run();
    for (let i = 0; i < 3; i++) {
      expect(held(model)).toEqual([[i]]);
      model.report(0);
      model.gone(0);
      model.ready(0);
    }
    expect(model.runs_finished).toBe(1);
  });

  it('is replaced also when nothing waits, so that it is ready then', () => {
    const model = ready_model(1, { prefetch: 1, max_tasks_per_slave: 1 });
    model.queue(1);
    model.open_run();
    expect(kinds(model.report(0))).toEqual(['tasks_settled', 'stop_slave', 'run_finished']);
    expect(kinds(model.gone(0))).toEqual(['launch_slave']);
  });

  it('is not missed: a run whose only slave is being replaced goes on', () => {
    const model = ready_model(1, { prefetch: 1, max_tasks_per_slave: 1 });
    model.queue(2);
    model.open_run();
    model.report(0);
    expect(model.no_slaves).toBe(0);
    model.gone(0);
    model.ready(0);
    model.report(0);
    expect(model.runs_finished).toBe(1);
  });

  it('is not replaced when its slave leaves, or the job ends', () => {
    const model = ready_model(2, { prefetch: 1, max_tasks_per_slave: 1 });
    model.queue(2);
    model.open_run();
    model.report(0);
    model.remove_slave(0);
    expect(model.gone(0)).toEqual([]);
    expect([...model.slaves.keys()]).toEqual([1]);
    model.report(1);
    model.stop_job();
    expect(model.gone(1)).toEqual([]);
    expect(model.core.slave(1)?.state).toBe('stopped');
  });

  it('finishes the command that came with its last task', () => {
    const model = ready_model(1, { prefetch: 1, max_tasks_per_slave: 1 });
    model.queue(1);
    model.open_run();
    model.send_command(0);
    expect(kinds(model.report(0))).toEqual(['tasks_settled', 'run_finished']);
    expect(kinds(model.end_command(0))).toEqual(['stop_slave']);
  });
});

describe('a process that has grown too large', () => {
  it('is replaced at once when it has nothing to do', () => {
    const model = ready_model(1);
    expect(model.swollen(0)).toEqual([{ kind: 'stop_slave', slave_id: 0, reason: 'recycle' }]);
    expect(model.swollen(0)).toEqual([]);
    expect(kinds(model.gone(0))).toEqual(['launch_slave']);
  });

  it('finishes its task, gives back the others, and is replaced', () => {
    const model = ready_model(1);
    model.open_source();
    model.queue(2);
    model.open_run();
    expect(kinds(model.swollen(0))).toEqual(['take_back']);
    model.give_back(0);
    expect(held(model)).toEqual([[0]]);
    expect(kinds(model.report(0))).toEqual(['tasks_settled', 'stop_slave']);
    model.gone(0);
    model.ready(0);
    expect(held(model)).toEqual([[1]]);
  });

  it('runs what it has when it cannot give it back, and nothing else', () => {
    const model = ready_model(1);
    model.gone(0, 'no_task');
    model.pass(250);
    model.ready(0, false);
    model.open_source();
    model.queue(3);
    model.open_run();
    expect(held(model)).toEqual([[0, 1]]);
    expect(model.swollen(0)).toEqual([]);
    model.report(0);
    expect(held(model)).toEqual([[1]]);
    expect(kinds(model.report(0))).toContain('stop_slave');
  });

  it('gives back what it has when it can do so later', () => {
    const model = ready_model(1);
    model.gone(0, 'no_task');
    model.pass(250);
    model.ready(0, false);
    model.open_source();
    model.queue(3);
    model.open_run();
    model.swollen(0);
    expect(kinds(model.pulse(0))).toEqual(['take_back']);
  });

  it('finishes its command', () => {
    const model = ready_model(1);
    model.send_command(0);
    expect(model.swollen(0)).toEqual([]);
    expect(kinds(model.end_command(0))).toEqual(['stop_slave']);
  });

  it('is no news of a slave that stops, or is gone', () => {
    const model = ready_model(2);
    model.remove_slave(0);
    expect(model.tell({ kind: 'slave_swollen', slave_id: 0 })).toEqual([]);
    model.gone(1, 'no_task');
    expect(model.tell({ kind: 'slave_swollen', slave_id: 1 })).toEqual([]);
  });

  it('is small again after it was lost', () => {
    const model = ready_model(1);
    model.send_command(0);
    model.swollen(0);
    model.gone(0, 'no_task');
    model.pass(250);
    model.ready(0);
    model.queue(1);
    model.open_run();
    expect(held(model)).toEqual([[0]]);
  });
});
