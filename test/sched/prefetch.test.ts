import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adapt_depth, fair_share, MAX_PREFETCH } from '../../src/sched/prefetch.js';
import { SlaveRecord, type TaskRecord } from '../../src/sched/records.js';
import { held, ready_model } from '../kit/sched_model.js';

/** A slave with depth 2, as when it has just come ready, after `count` tasks of `run_us` each. */
function slave_after(count: number, run_us: number, limit?: number): SlaveRecord<TaskRecord> {
  const slave = new SlaveRecord<TaskRecord>(0);
  slave.depth = 2;
  for (let i = 0; i < count; i++) adapt_depth(slave, run_us, limit);
  return slave;
}

describe('the depth', () => {
  it('doubles with each full round of tiny tasks, from 2 to 256', () => {
    const slave = slave_after(0, 1);
    const depths = new Set<number>();
    for (let i = 0; i < 600; i++) {
      depths.add(slave.depth);
      adapt_depth(slave, 10, undefined);
    }
    expect([...depths]).toEqual([2, 4, 8, 16, 32, 64, 128, 256]);
    expect(slave.depth).toBe(MAX_PREFETCH);
  });

  it('stays at 2 for long tasks', () => {
    expect(slave_after(100, 1_000_000).depth).toBe(2);
  });

  it('settles at what fills 5 ms', () => {
    expect(slave_after(600, 500).depth).toBe(10);
  });

  it('falls at once when tasks become long', () => {
    const slave = slave_after(600, 10);
    adapt_depth(slave, 1_000_000, undefined);
    expect(slave.depth).toBe(2);
  });

  it('is not thrown by one long task among tiny ones for good', () => {
    const slave = slave_after(600, 10);
    adapt_depth(slave, 100_000, undefined);
    for (let i = 0; i < 700; i++) adapt_depth(slave, 10, undefined);
    expect(slave.depth).toBe(MAX_PREFETCH);
  });

  it('keeps to the option prefetch', () => {
    expect(slave_after(600, 10, 20).depth).toBe(20);
    expect(slave_after(600, 10, 1).depth).toBe(1);
  });

  it('takes a task of no measurable time for one of a microsecond', () => {
    expect(slave_after(600, 0).depth).toBe(MAX_PREFETCH);
  });

  it('is between 1 and the limit whatever the times are', () => {
    const limit = fc.option(fc.integer({ min: 1, max: 2048 }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.nat(10_000_000), { maxLength: 300 }), limit, (times, most) => {
        const slave = slave_after(0, 0);
        for (const run_us of times) {
          adapt_depth(slave, run_us, most);
          expect(slave.depth).toBeGreaterThanOrEqual(1);
          expect(slave.depth).toBeLessThanOrEqual(Math.min(most ?? MAX_PREFETCH, MAX_PREFETCH));
        }
      }),
    );
  });
});

describe('the fair share', () => {
  it('is half of what each slave would get of the tasks left', () => {
    expect(fair_share(400, 2)).toBe(100);
    expect(fair_share(Infinity, 2)).toBe(Infinity);
  });

  it('is never less than the one task that a slave runs', () => {
    expect(fair_share(0, 10)).toBe(1);
    expect(fair_share(3, 10)).toBe(1);
  });
});

describe('a slave is sent', () => {
  it('no more than one task ahead of time when prefetch is 1', () => {
    const model = ready_model(1, { prefetch: 1 });
    model.queue(50);
    model.open_run();
    for (let i = 0; i < 50; i++) {
      expect(held(model)).toEqual([[i]]);
      model.report(0, 1, 1);
    }
    expect(model.runs_finished).toBe(1);
  });

  it('up to 256 tiny tasks', () => {
    const model = ready_model(1);
    model.queue(4000);
    model.open_run();
    let most = 0;
    while (model.core.unsettled > 2000) {
      most = Math.max(most, model.slave(0).held.length);
      model.report(0, model.slave(0).held.length, 1);
    }
    expect(most).toBe(MAX_PREFETCH);
  });

  it('fewer tasks near the end, so that all slaves end together', () => {
    const model = ready_model(2);
    model.queue(2000);
    model.open_run();
    let waited: number;
    let largest = Infinity;
    while ((waited = model.core.waiting) > 0) {
      for (const slave_id of [0, 1]) model.report(slave_id, model.slave(slave_id).held.length, 1);
      largest = Math.max(...held(model).map((tasks) => tasks.length));
      expect(largest).toBeLessThanOrEqual(Math.max(1, waited / 4));
    }
    expect(largest).toBe(1);
  });

  it('no second task when the arguments of what it holds are large', () => {
    const model = ready_model(1);
    model.open_source();
    model.queue(4, 32 * 1024 * 1024);
    model.open_run();
    expect(held(model)).toEqual([[0]]);
    model.report(0);
    expect(held(model)).toEqual([[1]]);
  });

  it('tasks of large arguments as long as they take less than 32 MiB together', () => {
    const model = ready_model(1, { prefetch: 100 });
    model.queue(400, 10 * 1024 * 1024);
    model.open_run();
    for (let i = 0; i < 100; i++) model.report(0, 1, 1);
    expect(model.slave(0).held.length).toBe(4);
  });
});
