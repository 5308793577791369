/**
 * Walltime: a slave that its batch system will end gets no task that would not have ended by then. It is
 * drained and replaced instead.
 */
import type { SlaveRecord, TaskRecord } from './records.js';

/** Batch systems are not exact, and results take time to arrive, ms. */
const MARGIN = 2000;
/** A measured time is a mean: some tasks take longer. */
const CAUTION = 1.5;

/** Whether `task` would end in time if `slave` ran it after what it has. */
export function would_fit<T extends TaskRecord>(slave: SlaveRecord<T>, task: T, now: number): boolean {
  const { ends_at, ready_at } = slave;
  let needed = expected_ms(slave, task) + MARGIN;
  // a fresh process would have no room for it either: where it runs makes no difference
  if (needed > ends_at - ready_at) return true;
  for (const before of slave.tasks) needed += expected_ms(slave, before);
  if (slave.tasks.length > 0) needed -= Math.min(needed, now - slave.progress_at);
  return now + needed <= ends_at;
}

function expected_ms({ task_us = 0 }: SlaveRecord<TaskRecord>, { policy }: TaskRecord): number {
  return policy.expected_time ?? (task_us / 1000) * CAUTION;
}
