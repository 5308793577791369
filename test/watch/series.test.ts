import { expect, it } from 'vitest';
import { Series } from '../../src/watch/series.js';

it('adds up a rate, and says it per second', () => {
  const series = new Series('rate', 1000, 500, 8);
  series.add(1000, 3);
  series.add(1499, 2);
  series.add(1600, 1);
  expect(series.points(2000)).toEqual({ interval: 500, at: [0, 500], values: [10, 2] });
});

it('takes the mean of a level, and keeps it where nobody looked', () => {
  const series = new Series('level', 0, 100, 8);
  series.add(10, 4);
  series.add(20, 8);
  series.add(310, 1);
  expect(series.points(350).values).toEqual([6, 6, 6, 1]);
});

it('doubles its bins when they are used up, and loses nothing', () => {
  const series = new Series('rate', 0, 100, 4);
  for (let time = 0; time < 100_000; time += 100) series.add(time, 1);
  const { interval, at, values } = series.points(100_000);
  expect(at.length).toBeLessThanOrEqual(4);
  const total = values.reduce((sum, value) => sum + (value * interval) / 1000, 0);
  expect(total).toBeGreaterThan(900);
  expect(interval).toBe(25_600);
});

it('does not take the beginning of a bin for the whole', () => {
  const series = new Series('rate', 0, 1000, 4);
  series.add(1500, 5);
  expect(series.points(1500).values).toEqual([0, 10]);
});

it('says of spans how many go on at a time', () => {
  const series = new Series('rate', 0, 100, 4);
  series.add_span(50, 250);
  series.add_span(0, 100);
  series.add_span(-100, 50);
  const [first = 0, second = 0, third = 0] = series.points(300).values;
  expect([first, second, third].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([2, 1, 0.5]);
  // of twice the width, for one that is longer than all
  series.add_span(300, 700);
  expect(series.points(800).values.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([
    1.5, 0.75, 1, 0.5,
  ]);
});
