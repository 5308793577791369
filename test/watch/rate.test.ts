import { describe, expect, it } from 'vitest';
import { Rate } from '../../src/watch/rate.js';

/** A rate that was told of `per_second` tasks for so many seconds, four times a second. */
function steady(rate: Rate, from: number, seconds: number, per_second: number): number {
  let now = from;
  for (let i = 0; i < seconds * 4; i++) {
    now += 250;
    rate.tick(now, per_second / 4);
  }
  return now;
}

describe('Rate', () => {
  it('is right from the first tick on', () => {
    const rate = new Rate(0);
    expect(rate.recent).toBe(0);
    steady(rate, 0, 1, 8);
    expect(rate.recent * 1000).toBeCloseTo(8, 6);
  });

  it('forgets what is long ago', () => {
    const rate = new Rate(0);
    const now = steady(rate, 0, 60, 100);
    steady(rate, now, 60, 10);
    expect(rate.recent * 1000).toBeCloseTo(10, 0);
    expect(rate.overall * 1000).toBeCloseTo(55, 6);
  });

  it('remembers longer when tasks are rare', () => {
    const rate = new Rate(0);
    for (let minute = 1; minute <= 60; minute++) rate.tick(minute * 60_000, minute % 2);
    expect(rate.recent * 120_000).toBeGreaterThan(0.9);
    expect(rate.recent * 120_000).toBeLessThan(1.1);
  });

  const known = { known: 100, mean: 500, deviation: 50 };

  it('says how long the rest takes, and how sure that is', () => {
    const rate = new Rate(0);
    steady(rate, 0, 25, 4);
    const left = rate.time_left(400, known, 2);
    expect(left?.ms).toBeCloseTo(100_000, 3);
    // 50 ms x sqrt(400 + 400^2 / 100) / 2
    expect(left?.spread_ms).toBeCloseTo(25 * Math.sqrt(2000), 3);
  });

  it('is less sure when the rate has changed', () => {
    const [even, uneven] = [new Rate(0), new Rate(0)];
    steady(even, 0, 60, 4);
    steady(uneven, steady(uneven, 0, 30, 7), 30, 1);
    const spread = (rate: Rate) => rate.time_left(400, known, 2)?.spread_ms ?? Number.NaN;
    expect(spread(uneven)).toBeGreaterThan(10 * spread(even));
  });

  it('says nothing before a task has ended, and 0 when none is left', () => {
    const rate = new Rate(0);
    rate.tick(1000, 0);
    expect(rate.time_left(5, { known: 0, mean: 0, deviation: 0 }, 2)).toBeUndefined();
    expect(rate.time_left(0, known, 2)).toEqual({ ms: 0, spread_ms: 0 });
  });
});
