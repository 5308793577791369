/**
 * The ladder from the cancelling of a task that runs to the kill of its slave:
 *
 *     its signal is aborted ─▶ cancel_grace ─▶ its pulse kills it ─▶ KILL_TIME ─▶ whoever started it does
 *
 * Only the head of a slave's tasks runs, so only the head is waited for; a cancelled one behind it gets its
 * time when it becomes the head. Whatever ends the head's turn leads back to the ground.
 */
import type { SlaveRecord, TaskRecord } from './records.js';

/** From the order to kill to taking it for lost, ms. */
const KILL_TIME = 2000;

/**
 * Sees to it that `slave` stands where its head wants it. To be called when the head is cancelled or another.
 * True when it has begun to climb.
 */
export function watch_head(slave: SlaveRecord<TaskRecord>, now: number, cancel_grace: number): boolean {
  const head = slave.tasks.at(0);
  const seq = head?.state === 'cancelled' ? head.seq : undefined;
  if (seq === slave.kill_seq) return false;
  slave.kill_seq = seq;
  slave.kill_at = seq === undefined ? Infinity : now + cancel_grace;
  slave.is_kill_ordered = false;
  return seq !== undefined;
}

/** What was waited for is gone with its process. */
export function leave_ladder(slave: SlaveRecord<TaskRecord>): void {
  slave.has_cancelled = false;
  slave.kill_seq = undefined;
  slave.kill_at = Infinity;
  slave.is_kill_ordered = false;
}

/** The next step, when it is due. */
export function climb(slave: SlaveRecord<TaskRecord>, now: number): 'kill' | 'abandon' | undefined {
  if (now < slave.kill_at) return undefined;
  slave.kill_at = slave.is_kill_ordered ? Infinity : now + KILL_TIME;
  if (slave.is_kill_ordered) return 'abandon';
  slave.is_kill_ordered = true;
  return 'kill';
}
