/**
 * WatchedJob: what the watchers see of a Job. They listen to its events and read what it shows; they hold it
 * up by nothing.
 */
import type { JobEvent, JobListener } from '../master/events.js';
import type { FailureCounts } from '../master/failure_counts.js';
import type { TaskCounts } from '../master/job.js';
import type { QueuedTask } from '../master/queued_task.js';
import type { Slave } from '../master/slave.js';
import type { StatusRecords } from '../sections/status_file.js';

export interface WatchedJob extends Iterable<Slave>, Pick<Slave[], 'length' | 'indexOf' | 'splice'> {
  on<E extends JobEvent>(name: E, listener: JobListener<E>): unknown;
  off<E extends JobEvent>(name: E, listener: JobListener<E>): unknown;
  readonly failures: Readonly<FailureCounts>;
  readonly counts: Readonly<TaskCounts>;
  /** The task of that index, if it has no outcome yet. */
  find_task(index: number): QueuedTask | undefined;
  /** Why nothing goes on, in words. */
  explain(): string;
  stop(): Promise<void>;
  /** Of a job that runs sections of data: what is known of them, of their files and of the pieces of those. */
  section_records?(): StatusRecords | undefined;
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

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
