import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYSTEM_CLOCK } from '../../src/base/clock.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the system clock', () => {
  it('fires a timer once, when its delay has passed', () => {
    const fired: number[] = [];
    SYSTEM_CLOCK.set_timer(50, () => fired.push(SYSTEM_CLOCK.now()));
    const start = SYSTEM_CLOCK.now();
    vi.advanceTimersByTime(49);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(fired).toEqual([start + 50]);
  });

  it('does not fire a timer that was taken back', () => {
    let fired = 0;
    const take_back = SYSTEM_CLOCK.set_timer(50, () => fired++);
    take_back();
    vi.advanceTimersByTime(1000);
    expect(fired).toBe(0);
  });

  it('fires in the next turn when the time has passed already', () => {
    let fired = 0;
    SYSTEM_CLOCK.set_timer(-20, () => fired++);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });

  it.each([2 ** 31, 2 ** 40, Infinity])('does not fire at once when the delay is %d ms', (delay) => {
    let fired = 0;
    const take_back = SYSTEM_CLOCK.set_timer(delay, () => fired++);
    vi.advanceTimersByTime(24 * 3600 * 1000);
    expect(fired).toBe(0);
    take_back();
  });

  it('never goes back', () => {
    vi.useRealTimers();
    const times = Array.from({ length: 1000 }, () => SYSTEM_CLOCK.now());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('keeps no process alive', () => {
    vi.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const take_back = SYSTEM_CLOCK.set_timer(60_000, () => {});
    const after = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    take_back();
    expect(after).toBe(before);
  });
});
