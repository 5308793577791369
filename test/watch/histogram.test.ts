import { expect, it } from 'vitest';
import { Histogram } from '../../src/watch/histogram.js';

function histogram(...times: number[]): Histogram {
  const all = new Histogram();
  for (const time of times) all.add(time);
  return all;
}

it('knows count, sum, mean, deviation and the longest', () => {
  const times = histogram(2, 4, 4, 4, 5, 5, 7, 9);
  expect([times.count, times.sum, times.mean, times.longest]).toEqual([8, 40, 5, 9]);
  expect(times.deviation).toBeCloseTo(Math.sqrt(32 / 7), 9);
  expect([histogram().mean, histogram().deviation, histogram(3).deviation]).toEqual([0, 0, 0]);
});

it('counts a time that is a limit with those below it', () => {
  const times = histogram(1, 1.0001, 2, 2.0001, 4);
  expect([-1, 0, 1, 2, 3].map((power) => times.up_to(power))).toEqual([0, 1, 3, 5, 5]);
});

it('keeps the bins apart by a quarter of a power of 2', () => {
  expect(histogram(1, 1.25, 1.26, 1.9).bins()).toEqual([
    { up_to: 1, count: 1 },
    { up_to: 1.25, count: 1 },
    { up_to: 1.5, count: 1 },
    { up_to: 1.75, count: 0 },
    { up_to: 2, count: 1 },
  ]);
  expect(histogram().bins()).toEqual([]);
});

it('puts what is outside into the first and the last bin, and loses nothing', () => {
  const times = histogram(0, -0, 1e-12, 1e12, Infinity);
  const bins = times.bins();
  expect([bins.at(0)?.count, bins.at(-1)?.count]).toEqual([3, 2]);
  expect(times.up_to(-30)).toBe(0);
  expect(times.up_to(60)).toBe(5);
});

it('finds quantiles as exactly as its bins are wide', () => {
  const times = new Histogram();
  for (let i = 1; i <= 1000; i++) times.add(i);
  for (const share of [0.1, 0.5, 0.9, 0.99]) {
    const found = times.quantile(share);
    expect(found).toBeGreaterThanOrEqual(share * 1000);
    expect(found).toBeLessThanOrEqual(share * 1000 * 1.26);
  }
  expect(times.quantile(1)).toBe(1000);
  expect(histogram().quantile(0.5)).toBe(0);
});

it('takes in another', () => {
  const times = histogram(1, 2);
  times.add_all(histogram(3, 8));
  expect([times.count, times.sum, times.longest, times.up_to(1)]).toEqual([4, 14, 8, 2]);
});
