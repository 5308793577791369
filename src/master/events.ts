/** The events of a Job. Listeners only observe: what they throw is logged and changes nothing. */
import { Emitter } from '../base/emitter.js';
import type { Log } from '../base/log.js';
import type { LossKind } from '../errors.js';
import type { StopReason } from '../sched/records.js';
import type { Progress } from '../task.js';
import type { Vitals } from '../wire/pulse_messages.js';
import type { QueuedTask } from './queued_task.js';
import type { Slave } from './slave.js';

/** Every event of a Job, with what its listeners get. */
export interface JobEvents {
  /** A slave's process was started. */
  slave_started: { slave: Slave; pid: number | undefined; command: readonly string[] };
  /** A slave is ready for tasks and commands. */
  slave_connected: { slave: Slave };
  /**
   * A slave could not be started, or was lost; it may be started again. `why` is undefined when it could not
   * be started.
   */
  slave_lost: { slave: Slave; error: Error; why: LossKind | undefined };
  /** The connection of a slave whose process lives broke. */
  slave_disconnected: { slave: Slave };
  /** It was made anew, and nothing is lost. */
  slave_reconnected: { slave: Slave };
  /** A slave was lost or failed to start so often that it is given up. */
  slave_dead: { slave: Slave; error: Error };
  /** A slave has ended as it was told to. After `recycle` it is started again, after `rest` when it is needed. */
  slave_stopped: { slave: Slave; reason: StopReason };
  /** Several tasks have died on this machine: for `time_ms`, ms, it gets none. */
  host_benched: { host: string; time_ms: number };
  /** A machine that was benched gets tasks again. */
  host_released: { host: string };
  /** A sign of life from a slave's pulse. */
  heartbeat: { slave: Slave; vitals: Vitals };
  /** Something on a slave failed outside of any task: a promise that nobody handled, a throwing timer. */
  stray_error: { slave: Slave; error: Error };
  /** A run of the queue begins. */
  run_started: object;
  /** A run is at its end: `error` is what ended it early. */
  run_finished: { error?: Error | undefined };
  /** All slaves of the job are gone, for good. */
  job_stopped: object;
  /**
   * Tasks of one slave have ended, all that one frame told of: for those who count, since it costs nothing for each.
   * `run_us` is the time on the slave, µs.
   */
  tasks_settled: {
    slave: Slave;
    tasks: readonly QueuedTask[];
    reports: readonly { kind: 'task_done' | 'task_failed'; run_us: number }[];
  };
  /** A task returned. `run_ms` is the time on the slave, ms. */
  task_done: { task: QueuedTask; slave: Slave; run_ms: number };
  /** A task threw, or was given up. `run_ms` is the time of its last run, ms. */
  task_failed: { task: QueuedTask; slave: Slave; error: Error; run_ms: number };
  /** A task failed or lost its slave, and will be tried again, in `delay_ms`, ms, at the soonest. */
  task_retried: { task: QueuedTask; slave: Slave; error: Error; delay_ms: number };
  /** A task was cancelled. */
  task_cancelled: { task: QueuedTask };
  /** A task kept something for its next attempt. */
  task_checkpoint: { task: QueuedTask; slave: Slave; value: unknown };
  /** A task reported how far it is. */
  task_progress: { task: QueuedTask; slave: Slave } & Progress;
  /** A client that is no slave of this job was turned away. */
  client_refused: { peer: string; reason: Error };
}

export type JobEvent = keyof JobEvents;
/** Every event. The compiler sees to it that none is missing. */
const NAMES: Readonly<Record<JobEvent, true>> = {
  slave_started: true,
  slave_connected: true,
  slave_lost: true,
  slave_disconnected: true,
  slave_reconnected: true,
  slave_dead: true,
  slave_stopped: true,
  host_benched: true,
  host_released: true,
  heartbeat: true,
  stray_error: true,
  run_started: true,
  run_finished: true,
  job_stopped: true,
  tasks_settled: true,
  task_done: true,
  task_failed: true,
  task_retried: true,
  task_cancelled: true,
  task_checkpoint: true,
  task_progress: true,
  client_refused: true,
};

export const EVENT_NAMES = Object.keys(NAMES) as readonly JobEvent[];

export type JobListener<E extends JobEvent> = (event: JobEvents[E]) => void;

export class Events extends Emitter<JobEvents> {
  constructor(log: Log) {
    super(NAMES, (event, error) => log.error({ err: error, event }, 'a listener of the job threw'));
  }
}
