/** What the scheduler knows of a task and of a slave. */
import { Ring } from '../base/ring.js';
import type { SlaveState } from './slave_state.js';

/** Where a task stands. */
export type TaskState =
  /** Waits for a slave. */
  | 'queued'
  /** Was sent to a slave, where it runs or waits for its turn. */
  | 'assigned'
  /** Returned. */
  | 'done'
  /** Threw, or was given up. */
  | 'failed'
  /** Was cancelled. */
  | 'cancelled';

/** A task, as far as scheduling goes. Whoever runs it adds what is to be run. */
export class TaskRecord {
  readonly task_id: number;
  /** Place in the order of queue_task; undefined for a task that is not part of a run. */
  readonly index: number | undefined;
  /** Size of the arguments in a frame. */
  readonly bytes: number;
  state: TaskState = 'queued';
  /** Number of the next run or the present one, from 1. */
  attempt = 1;
  /** Its number among the tasks sent over the connection of its slave. */
  seq = 0;
  /** Deaths of slaves that were proven to be due to this task. */
  deaths = 0;
  /** Was on a slave that died and may have been what killed it: runs alone until it is cleared. */
  is_suspect = false;

  constructor(task_id: number, index: number | undefined, bytes: number) {
    this.task_id = task_id;
    this.index = index;
    this.bytes = bytes;
  }
}

/** A slave, as far as scheduling goes. */
export class SlaveRecord<T extends TaskRecord> {
  readonly slave_id: number;
  state: SlaveState = 'created';
  /** Sent and not yet reported, in the order of sending, which is the order of running. */
  readonly tasks = new Ring<T>();
  /** Sizes of those, added up. */
  bytes = 0;
  /** Number of the next task that is sent over this connection, from 0. */
  next_seq = 0;
  /** Commands sent and not yet reported. */
  commands = 0;
  /** How many tasks it may hold: the prefetch. */
  depth = 1;
  /** Tasks ended since `depth` was last doubled. */
  ended_at_depth = 0;
  /** Smoothed time of a task, µs; undefined before the first. */
  task_us: number | undefined;
  /** When it last reported a task's end or, being idle, was given one. */
  progress_at = 0;
  /** When anything was last heard of it. */
  heard_at = 0;
  /** When it was launched, or may be launched again. */
  launch_at = 0;
  /** Launches and losses in a row of which no task was the cause and after which no task ended. */
  failures = 0;
  last_failure: Error | undefined;
  /** It answers take_back orders. */
  can_take_back = false;
  /** Numbers of the tasks that it was asked to give back, while it has not answered. */
  taking_back: { from: number; to: number } | undefined;
  /** Takes no new tasks; is stopped when it has none. */
  is_leaving = false;

  constructor(slave_id: number) {
    this.slave_id = slave_id;
  }
}
