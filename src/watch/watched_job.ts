/**
 * WatchedJob: what the watchers see of a Job. They listen to its events and read what it shows; they hold it
 * up by nothing. What is marked optional here makes them say more when a job has it, and is missed when not.
 */
import type { JobEvent, JobEvents, JobListener } from '../master/events.js';
import type { FailureCounts } from '../master/failure_counts.js';
import type { QueuedTask } from '../master/queued_task.js';
import type { Slave } from '../master/slave.js';

/** How many tasks stand where. */
export interface TaskCounts {
  /** Tasks that were ever queued, those whose results an earlier run left included. */
  readonly queued: number;
  /** Those that wait for a slave, or for the time of their next attempt. */
  readonly waiting: number;
  /** Those that were sent to a slave and have not ended. */
  readonly assigned: number;
  /** More may come from an iterable: `queued` is not the whole. */
  readonly is_open: boolean;
}

/** The task that a slave runs, and since when, by the job's clock in ms. */
export interface RunningTask {
  readonly task: QueuedTask;
  readonly since: number;
}

/** Events that only some jobs emit. */
export interface RunEvents {
  /** A run begins. */
  run_started: object;
  /** It has ended: all its tasks have outcomes, or it failed. */
  run_finished: { error?: Error | undefined };
  /** All that a frame told of the ends of tasks, in one: before the events of each, of which it takes the place. */
  tasks_settled: {
    slave: Slave;
    tasks: readonly QueuedTask[];
    reports: readonly { kind: 'task_done' | 'task_failed'; run_us: number }[];
  };
  /** The job was stopped, and its slaves are gone. */
  job_stopped: object;
}

export interface WatchedJob extends Iterable<Slave>, Pick<Slave[], 'length' | 'indexOf' | 'splice'> {
  on<E extends JobEvent>(name: E, listener: JobListener<E>): unknown;
  off<E extends JobEvent>(name: E, listener: JobListener<E>): unknown;
  readonly failures: Readonly<FailureCounts>;
  stop(): Promise<void>;
  readonly counts?: Readonly<TaskCounts>;
  /** The task of that index, if it has no outcome yet. */
  find_task?(index: number): QueuedTask | undefined;
  /** Why nothing goes on, in words. */
  explain?(): unknown;
}

/** What a slave may show beyond what every slave does. */
interface TalkativeSlave {
  readonly running?: RunningTask | undefined;
  readonly node_version?: string | undefined;
}

export function running_task(slave: Slave): RunningTask | undefined {
  return (slave as TalkativeSlave).running;
}

export function node_version(slave: Slave): string | undefined {
  return (slave as TalkativeSlave).node_version;
}

/** Listeners that are taken off together. */
export class Subscriptions {
  readonly #job: WatchedJob;
  readonly #undo: (() => void)[] = [];

  constructor(job: WatchedJob) {
    this.#job = job;
  }

  on<E extends JobEvent>(name: E, listener: JobListener<E>): void {
    this.#job.on(name, listener);
    this.#undo.push(() => this.#job.off(name, listener));
  }

  /** For an event that the job may not have: then the listener is never called. */
  on_run<E extends keyof RunEvents>(name: E, listener: (event: RunEvents[E]) => void): void {
    this.on(name as unknown as JobEvent, listener as unknown as (event: JobEvents[JobEvent]) => void);
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
