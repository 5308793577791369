/**
 * Prefetch: how many tasks a slave may hold.
 *
 * Enough to fill the round trip to the master and TARGET_US more of its measured task time, so that it
 * never waits, between 2 and MAX_PREFETCH; but no more than a fair share of the tasks left, so that the last ones are
 * not queued up on one slave while others idle. It starts at 2 and doubles with each full round, since
 * the first times, taken on cold code, say little. Deeper than 2 hardly matters for
 * tasks of a millisecond or more; for tiny ones each doubling up to 256 pays.
 */
import type { SlaveRecord, TaskRecord } from './records.js';

export const MAX_PREFETCH = 256;
const MIN_PREFETCH = 2;
const TARGET_US = 5000;
/** Weight of the newest task time. */
const NEWEST = 0.2;

/** A task ended after `run_us` microseconds: adapts the depth of its slave. */
export function adapt_depth(slave: SlaveRecord<TaskRecord>, run_us: number, limit: number | undefined): void {
  const task_us = Math.round(
    slave.task_us === undefined ? run_us : slave.task_us + NEWEST * (run_us - slave.task_us),
  );
  slave.task_us = task_us;
  const needed = Math.ceil((TARGET_US + slave.round_trip_us) / Math.max(task_us, 1));
  const wanted = Math.min(MAX_PREFETCH, Math.max(MIN_PREFETCH, needed));
  slave.ended_at_depth++;
  if (wanted < slave.depth) {
    slave.depth = wanted;
  } else if (slave.ended_at_depth >= slave.depth) {
    slave.depth = Math.min(wanted, slave.depth * 2);
    slave.ended_at_depth = 0;
  }
  if (limit !== undefined && slave.depth > limit) slave.depth = limit;
}

/** The most tasks that one of `slaves` slaves should hold when `left` wait. */
export function fair_share(left: number, slaves: number): number {
  return Math.max(1, Math.floor(left / (2 * slaves)));
}
