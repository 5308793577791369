/** A task of a job, from queue_task to its outcome: what users hold, and what the driver sends. */
import { inspect } from 'node:util';
import { Deferred } from '../base/deferred.js';
import { type DeadAttempt, SlaveDiedError } from '../errors.js';
import { TaskRecord, type TaskState } from '../sched/records.js';
import type { Payload } from '../wire/payload.js';
import type { TaskDefinition } from './definitions.js';

/** A task in the queue of a Job. */
export interface QueuedTask<Result = unknown> {
  /** Place in the order of queue_task, from 0. */
  readonly index: number;
  /** Name of the class or function. */
  readonly name: string;
  readonly state: TaskState;
  /** How often a slave was set to run it. */
  readonly attempts: number;
  /** The outcome as a promise; made when it is first asked for, so one that nobody reads disturbs nobody. */
  readonly result: Promise<Result>;
}

/** What became of a task that returned. */
export interface FulfilledOutcome<Result = unknown> {
  task: QueuedTask<Result>;
  index: number;
  status: 'fulfilled';
  value: Result;
}

/** What became of a task that threw, or was given up. */
export interface RejectedOutcome<Result = unknown> {
  task: QueuedTask<Result>;
  index: number;
  status: 'rejected';
  reason: Error;
}

export type Outcome<Result = unknown> = FulfilledOutcome<Result> | RejectedOutcome<Result>;

/** The record behind a QueuedTask, and behind a run_task. */
export class JobTask extends TaskRecord implements Omit<QueuedTask, 'index'> {
  readonly definition: TaskDefinition;
  /** Released when the task is settled. */
  payload: Payload | undefined;
  /** The value or, when `state` is 'failed', the reason. */
  outcome: unknown = undefined;
  /** Bytes that the result took in its frame, about. */
  outcome_bytes = 0;
  dead_attempts: DeadAttempt[] | undefined = undefined;
  #is_settled = false;
  #result: Deferred<unknown> | undefined = undefined;

  constructor(task_id: number, index: number | undefined, definition: TaskDefinition, payload: Payload) {
    super(task_id, index, payload.byte_length);
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

  /** A slave died while it ran this task. */
  add_dead_attempt(attempt: DeadAttempt, is_last: boolean): void {
    (this.dead_attempts ??= []).push(attempt);
    if (is_last) this.settle(new SlaveDiedError(this.label, this.index, this.dead_attempts), 0);
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
