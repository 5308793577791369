import { describe, expect, it } from 'vitest';
import { monotonic_ms, Watch } from '../../src/slave/watch.js';

/** The same memory as two threads see it: the main thread's, and the pulse's. */
function both_ends(): [main: Watch, pulse: Watch] {
  const main = new Watch();
  return [main, new Watch(main.buffer)];
}

describe('a watch', () => {
  it('says which task runs', () => {
    const [main, pulse] = both_ends();
    expect(pulse.running_seq).toBeUndefined();
    expect(pulse.is_running(0)).toBe(false);
    main.start(0);
    expect(pulse.running_seq).toBe(0);
    expect(pulse.is_running(0)).toBe(true);
    expect(pulse.is_running(1)).toBe(false);
    main.start(7);
    expect(pulse.is_running(0)).toBe(false);
    expect(pulse.running_seq).toBe(7);
    main.end();
    expect(pulse.is_running(7)).toBe(false);
    expect(pulse.running_seq).toBeUndefined();
  });

  it('counts tasks round 2^30', () => {
    const [main, pulse] = both_ends();
    const seq = 3 * 2 ** 30 + 5;
    main.start(seq);
    expect(pulse.running_seq).toBe(5);
    expect(pulse.is_running(seq)).toBe(true);
    main.start(2 ** 30 - 1);
    expect(pulse.running_seq).toBe(2 ** 30 - 1);
  });

  it('says when the time of the task that runs is over', () => {
    const [main, pulse] = both_ends();
    main.start(1, 1000.5);
    expect(pulse.is_over(1000.5)).toBe(false);
    expect(pulse.is_over(1000.6)).toBe(true);
    main.end();
    expect(pulse.is_over(5000)).toBe(false);
  });

  it('gives no task the limit of another', () => {
    const [main, pulse] = both_ends();
    main.start(1, 1000);
    main.end();
    main.start(2);
    expect(pulse.is_over(Number.MAX_VALUE)).toBe(false);
    main.start(3, 3000);
    expect(pulse.is_over(2999)).toBe(false);
    expect(pulse.is_over(3001)).toBe(true);
    main.start(4, 1000);
    expect(pulse.is_over(1001)).toBe(true);
  });

  it('judges nobody while the limit is being changed', () => {
    const [main, pulse] = both_ends();
    main.start(1, 1000);
    const turn = new Int32Array(main.buffer, 0, 1);
    Atomics.add(turn, 0, 1);
    expect(pulse.is_over(1001)).toBe(false);
    Atomics.add(turn, 0, 1);
    expect(pulse.is_over(1001)).toBe(true);
  });
});

it('the clock of all threads goes on, in ms', () => {
  const [before, at] = [monotonic_ms(), performance.now()];
  while (performance.now() - at < 3);
  const passed = monotonic_ms() - before;
  expect(passed).toBeGreaterThanOrEqual(2.9);
  expect(passed).toBeLessThan(performance.now() - at + 1);
});
