/** Failure counts: how often each kind of thing went wrong in a job so far. */
import type { LossKind } from '../errors.js';

/** One number for each kind of failure. Each is charged to somebody else, so each has a limit of its own. */
export interface FailureCounts extends Record<LossKind, number> {
  /** Runs of tasks that threw. Limit: the task's `retries`. */
  threw: number;
  /** Slaves whose process ended in a task. Limit: the task's `attempts`. */
  died: number;
  /** Slaves that fell silent or whose connection could not be made anew. Limit: ten for a task, three in a row for a slave. */
  lost: number;
  /** Slaves that were ended by their batch system. Limit: as `lost`. */
  evicted: number;
  /** Runs of tasks that took longer than their timeout. Limit: the task's `retries`. */
  timed_out: number;
  /** Slaves that were killed because a cancelled task did not end. */
  cancelled: number;
  /** Slaves that were killed because they took too much memory. Limit: the task's `attempts`. */
  too_large: number;
  /** Launches that failed. Limit: three in a row for a slave. */
  cannot_start: number;
}

export function no_failures(): FailureCounts {
  return {
    threw: 0,
    died: 0,
    lost: 0,
    evicted: 0,
    timed_out: 0,
    cancelled: 0,
    too_large: 0,
    cannot_start: 0,
  };
}
