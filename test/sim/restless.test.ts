import { expect, it } from 'vitest';
import { play_schedules } from './schedules.js';

/** Of the 100,000 that the files of this folder play together. */
const SCHEDULES = 45_000;

it('keeps every promise, however often somebody changes his mind', { timeout: 120_000 }, () => {
  expect(() => play_schedules('restless', 0, SCHEDULES)).not.toThrow();
});
