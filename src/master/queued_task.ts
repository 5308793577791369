/** A task of a job, from queue_task to its outcome: what users hold, and what the driver sends. */
import { inspect } from 'node:util';
import { Deferred } from '../base/deferred.js';
import { CancelledError, type DeadAttempt, SlaveDiedError, TaskTimeoutError } from '../errors.js';
import { type TaskPolicy, TaskRecord, type TaskState } from '../sched/records.js';
import type { Payload } from '../wire/payload.js';
import type { TaskDefinition } from './definitions.js';

/** A task in the queue of a Job. */
export interface QueuedTask<Result = unknown> {
  /** Place in the order of queue_task, from 0. */
  readonly index: number;
  /** Name of the class or function. */
  readonly name: string;
  /** Where it stands. */
  readonly state: TaskState;
  /** How often a slave was set to run it. */
  readonly attempts: number;
  /** Name by which a restarted run knows it again, if one was given or the job keeps a status file. */
  readonly key: string | undefined;
  /**
   * Takes the task out of the queue or, if it runs, aborts `current_task().signal` there; if it does not end
   * within the job's `cancel_grace`, its slave is killed and replaced. Its result rejects with
   * CancelledError at once.
   * @param reason becomes the `cause` of that error
   * @returns false when it has an outcome already
   */
  cancel(reason?: unknown): boolean;
  /** The outcome as a promise; made when it is first asked for, so one that nobody reads disturbs nobody. */
  readonly result: Promise<Result>;
}

/** What became of a task that returned. */
export interface FulfilledOutcome<Result = unknown> {
  /** The handle that queue_task gave. */
  task: QueuedTask<Result>;
  /** Place in the order of queue_task, from 0. */
  index: number;
  /** As in Promise.allSettled. */
  status: 'fulfilled';
  /** What the task returned. */
  value: Result;
}

/** What became of a task that threw, or was given up. */
export interface RejectedOutcome<Result = unknown> {
  /** The handle that queue_task gave. */
  task: QueuedTask<Result>;
  /** Place in the order of queue_task, from 0. */
  index: number;
  /** As in Promise.allSettled. */
  status: 'rejected';
  /** A RemoteError, SlaveDiedError, TaskTimeoutError or CancelledError. */
  reason: Error;
}

/** What became of a task, in a run with `settle`. */
export type Outcome<Result = unknown> = FulfilledOutcome<Result> | RejectedOutcome<Result>;

/** What may befall a task, and what is done about it then. One object serves many tasks. */
export interface JobPolicy extends TaskPolicy {
  /** Longest time of a run, ms; 0 for any time. */
  readonly timeout: number;
  readonly retry_if: ((error: Error) => boolean) | undefined;
  /** Takes a task of that job out, wherever it is. */
  readonly cancel: (task: JobTask, error: unknown) => boolean;
}

/** The record behind a QueuedTask, and behind a run_task. */
export class JobTask extends TaskRecord implements Omit<QueuedTask, 'index'> {
  declare readonly policy: JobPolicy;
  readonly definition: TaskDefinition;
  /** Released when the task is settled. */
  payload: Payload | undefined;
  /** The value or, when `state` is 'failed', the reason. */
  outcome: unknown = undefined;
  /** Bytes that the result took in its frame, about. */
  outcome_bytes = 0;
  dead_attempts: DeadAttempt[] | undefined = undefined;
  key: string | undefined = undefined;
  /** An earlier run of the program began it. */
  is_restarted = false;
  /** Reads the result that an earlier run of the program has left; undefined when it was lost after all. */
  load: (() => { value: unknown } | undefined) | undefined = undefined;
  #is_settled = false;
  #result: Deferred<unknown> | undefined = undefined;

  constructor(
    task_id: number,
    index: number | undefined,
    definition: TaskDefinition,
    payload: Payload,
    policy: JobPolicy,
  ) {
    super(task_id, index, payload.byte_length, policy);
    this.definition = definition;
    this.payload = payload;
  }

  get name(): string {
    return this.definition.export_name;
  }

  /** This record as users hold it: one of the queue, which has an index. */
  get handle(): QueuedTask {
    return this as unknown as QueuedTask;
  }

  /** For an error: `task 41 (BuildModel)`. */
  get label(): string {
    return this.index === undefined ? `run_task(${this.name})` : `task ${this.index} (${this.name})`;
  }

  get attempts(): number {
    return this.state === 'queued' ? this.attempt - 1 : this.attempt;
  }

  get result(): Promise<unknown> {
    const result = this.promise();
    // whoever asked may look later, or only at the run's outcome
    result.catch(() => {});
    return result;
  }

  /** The outcome as a promise whose rejection must be looked at, as that of run_task. */
  promise(): Promise<unknown> {
    if (this.#result === undefined) {
      this.#result = new Deferred();
      this.#answer();
    }
    return this.#result.promise;
  }

  /** This is what came of it. Only the first word counts: false for a later one. */
  settle(outcome: unknown, bytes: number): boolean {
    if (this.#is_settled) return false;
    this.#is_settled = true;
    this.outcome = outcome;
    this.outcome_bytes = bytes;
    // one that was cancelled may be on its way to a slave
    if (this.state === 'done' || this.state === 'failed') this.payload = undefined;
    this.#answer();
    return true;
  }

  cancel(reason?: unknown): boolean {
    return this.policy.cancel(this, new CancelledError(this.label, this.index, reason));
  }

  /** A slave was lost while it ran this task. */
  add_dead_attempt(attempt: DeadAttempt): void {
    (this.dead_attempts ??= []).push(attempt);
  }

  /** What a task is given up with whose slaves were lost. */
  death_error(): Error {
    const deaths = this.dead_attempts ?? [];
    const last = deaths.at(-1);
    if (last?.why === 'timed_out') return this.timeout_error(last.slave, true);
    const earlier = Math.max(0, (this.trouble?.deaths ?? 0) - deaths.length);
    return new SlaveDiedError(this.label, this.index, deaths, earlier);
  }

  timeout_error(slave: string, was_killed: boolean): TaskTimeoutError {
    return new TaskTimeoutError(this.label, this.index, this.policy.timeout, slave, was_killed);
  }

  as_outcome(): Outcome {
    const task = this.handle;
    const index = this.index as number;
    return this.state === 'done'
      ? { task, index, status: 'fulfilled', value: this.outcome }
      : { task, index, status: 'rejected', reason: this.outcome as Error };
  }

  /** What console.log shows. */
  [inspect.custom](): object {
    const { index, name, state, attempts } = this;
    return { index, name, state, attempts };
  }

  #answer(): void {
    if (this.#result === undefined || !this.#is_settled) return;
    if (this.state === 'done') this.#result.resolve(this.outcome);
    else this.#result.reject(this.outcome);
  }
}
