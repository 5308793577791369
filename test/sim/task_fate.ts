/** What the tasks of a simulation are like. Most are well and short; the times have a heavy tail. */
import type { LossKind, Report } from '../../src/sched/events.js';

/** ms. */
const LONGEST_TASK = 30_000;

export type Trait =
  | 'well'
  /** Throws in its first run, and may be retried. */
  | 'flaky'
  | 'throws'
  /** Its slave dies of it, in every run. */
  | 'poison'
  /** Takes too much memory, in its first run. */
  | 'fat'
  /** Takes longer than its timeout, in every run. */
  | 'slow'
  /** Does not end before it is cancelled. */
  | 'endless'
  /** Nor then. */
  | 'stubborn';

export function trait_of(luck: number): Trait {
  if (luck < 0.65) return 'well';
  if (luck < 0.71) return 'flaky';
  if (luck < 0.77) return 'throws';
  if (luck < 0.85) return 'poison';
  if (luck < 0.88) return 'fat';
  if (luck < 0.92) return 'slow';
  return luck < 0.96 ? 'endless' : 'stubborn';
}

/** How a run ends, and after how long, ms. */
export interface TaskFate {
  after: number;
  end: Report['kind'] | LossKind;
}

export function fate_of(trait: Trait, luck: number, run: number, pace: number): TaskFate {
  const after = Math.min(LONGEST_TASK, task_time(luck) * pace);
  switch (trait) {
    case 'well':
      return { after, end: 'task_done' };
    case 'flaky':
      return { after, end: run === 0 ? 'task_failed' : 'task_done' };
    case 'throws':
      return { after, end: 'task_failed' };
    case 'poison':
      return { after, end: 'died' };
    case 'fat':
      return { after, end: run === 0 ? 'too_large' : 'task_done' };
    case 'slow':
      return { after: 100 + after, end: 'timed_out' };
    case 'endless':
    case 'stubborn':
      return { after: Infinity, end: 'task_done' };
  }
}

/** From 0.05 ms up; one in a hundred takes more than a second. */
function task_time(luck: number): number {
  return 0.05 / (1 - luck) ** 2.2;
}
