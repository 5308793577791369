/**
 * Blame: which of the tasks of a slave that is gone has to answer for it, and with what.
 *
 *     why            counts as    limit        then
 *     ──────────────────────────────────────────────────────────────────────────────
 *     died           a death      attempts     runs again at once, alone, elsewhere
 *     too_large      a death      attempts     as above
 *     timed_out      a failure    retries      runs again after a while
 *     lost           a loss       losses       runs again at once, alone, elsewhere
 *     evicted        a loss       losses       as above
 *     cancelled      a loss       losses       as above; of a task that was cancelled, nothing
 *
 * A task that throws takes no slave with it, and is not seen here: it is a failure too. So is a slave that
 * does not start, for which no task is to blame: see Roster.
 */
import type { LossKind } from './events.js';
import type { TaskRecord } from './records.js';

export interface Verdict<T extends TaskRecord> {
  /** It certainly ran. */
  guilty: T | undefined;
  /** Nobody knows which of the tasks ran. */
  is_open: boolean;
}

/** Finds out which of the tasks `held` ran, the first of which was sent first. */
export function judge<T extends TaskRecord>(
  held: readonly T[],
  why: LossKind,
  ended_with: number | 'no_task' | undefined,
): Verdict<T> {
  if (ended_with !== undefined)
    return { guilty: held.find(({ task_id }) => task_id === ended_with), is_open: false };
  const [head] = held;
  // what it was killed for is what it ran
  if (held.length === 1 || (why === 'cancelled' && head?.state === 'cancelled'))
    return { guilty: head, is_open: false };
  return { guilty: undefined, is_open: held.length > 0 };
}

/** Counts against `task` that its slave was lost while it ran. True when that was once too often. */
export function count_loss(task: TaskRecord, why: LossKind): boolean {
  const trouble = task.have_trouble();
  switch (why) {
    case 'timed_out':
      return !count_failure(task);
    case 'died':
    case 'too_large':
      return ++trouble.deaths >= task.policy.attempts;
    case 'lost':
    case 'evicted':
    case 'cancelled':
      return ++trouble.losses >= task.policy.losses;
  }
}

/** Counts that `task` threw, or took too long. True when it is to be run again. */
export function count_failure(task: TaskRecord): boolean {
  const trouble = task.have_trouble();
  if (trouble.failures >= task.policy.retries) return false;
  trouble.failures++;
  return true;
}
