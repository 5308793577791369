import { expect, it } from 'vitest';
import { play_schedules } from './schedules.js';

/** Of the 100,000 that the files of this folder play together. */
const SCHEDULES = 10_000;

it('keeps every promise, while one host is worse than the others', { timeout: 110_000 }, () => {
  expect(() => play_schedules('benched', 0, SCHEDULES)).not.toThrow();
});
