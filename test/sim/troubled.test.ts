import { expect, it } from 'vitest';
import { play_schedules } from './schedules.js';

/** Of the 100,000 that the files of this folder play together. */
const SCHEDULES = 45_000;

it('keeps every promise, whatever breaks', { timeout: 120_000 }, () => {
  expect(() => play_schedules('troubled', 0, SCHEDULES)).not.toThrow();
});
