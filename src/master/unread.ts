/**
 * Unread outcomes: those of queued tasks that no run has handed to the user yet. They outlive a run that
 * was left early; the next run hands them over first.
 */
import { Deferred } from '../base/deferred.js';
import { Ring } from '../base/ring.js';
import type { JobTask } from './queued_task.js';

export class Unread {
  readonly #tasks = new Ring<JobTask>();
  #bytes = 0;
  #is_finished = false;
  #failure: Error | undefined;
  #waiting: Deferred<void> | undefined;

  /** Bytes of the results that wait here, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#tasks.length;
  }

  get is_finished(): boolean {
    return this.#is_finished;
  }

  /** A run begins. */
  open(): void {
    this.#is_finished = false;
    this.#failure = undefined;
  }

  push(task: JobTask): void {
    this.#tasks.push(task);
    this.#bytes += task.outcome_bytes;
  }

  /** The run has no task left. */
  finish(): void {
    this.#is_finished = true;
    this.wake();
  }

  /** The run cannot go on. What is unread stays so. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  /** Lets the reader look. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  /** Forgets those that were cancelled. */
  drop_cancelled(): void {
    this.#tasks.filter_in_place((task) => task.state !== 'cancelled');
  }

  take(): JobTask | undefined {
    const task = this.#tasks.shift();
    if (task !== undefined) this.#bytes -= task.outcome_bytes;
    return task;
  }

  /** Waits for the next outcome. False when none will come. @throws what the run failed of */
  async next(): Promise<boolean> {
    while (this.#tasks.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#is_finished) return false;
      this.#waiting ??= new Deferred();
      await this.#waiting.promise;
    }
    return true;
  }
}
