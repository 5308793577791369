/**
 * Sources: tasks that are made only when slaves are about to need them, from iterables. So ten million
 * tasks need no ten million objects.
 */
import { show } from '../base/options.js';
import { thrown_text } from '../base/thrown_text.js';
import { UsageError } from '../errors.js';
import type { AnyTask } from '../task.js';
import type { TrustOptions } from './job_options.js';

/** Tasks that queue_tasks takes one by one, as slaves need them. */
export type TaskIterable<Result> = Iterable<AnyTask<Result>> | AsyncIterable<AnyTask<Result>>;

interface Source<Result> {
  next(): IteratorResult<AnyTask<Result>> | Promise<IteratorResult<AnyTask<Result>>>;
  /** Tells the iterable that no more is wanted. */
  end(): unknown;
  taken: number;
  /** Of each of its tasks. */
  options: TrustOptions | undefined;
}

export interface SourcesEvents<Result> {
  /** Whether more tasks are wanted now. */
  wants_more(): boolean;
  queue(task: AnyTask<Result>, options: TrustOptions | undefined): void;
  on_opened(): void;
  on_closed(): void;
  /** An iterable threw, or yielded what is no task. It is closed. */
  on_error(error: Error): void;
}

export class Sources<Result> {
  readonly #events: SourcesEvents<Result>;
  readonly #sources: Source<Result>[] = [];
  #is_pulling = false;

  constructor(events: SourcesEvents<Result>) {
    this.#events = events;
  }

  get are_open(): boolean {
    return this.#sources.length > 0;
  }

  /** @throws UsageError (PARJOB_ERR_USAGE) when `tasks` is not iterable */
  add(tasks: TaskIterable<Result>, options?: TrustOptions): void {
    const iterator = iterator_of(tasks);
    this.#sources.push({
      next: () => iterator.next(),
      end: () => iterator.return?.(),
      taken: 0,
      options,
    });
    this.#events.on_opened();
  }

  /** Takes nothing more of any. */
  close_all(): void {
    for (const source of [...this.#sources]) {
      this.#close(source);
      // what an iterable says to its end concerns nobody any more
      Promise.resolve()
        .then(() => source.end())
        .catch(() => {});
    }
  }

  /** Queues tasks as long as more are wanted, from the first source on. */
  pull(): void {
    if (this.#is_pulling || this.#sources.length === 0) return;
    this.#is_pulling = true;
    let is_waiting = false;
    try {
      while (!is_waiting && this.#sources.length > 0 && this.#events.wants_more()) {
        const source = this.#sources[0] as Source<Result>;
        const step = this.#try(source, () => source.next());
        if (step instanceof Promise) {
          is_waiting = true;
          void this.#follow(source, step);
        } else if (step !== undefined) {
          this.#take(source, step);
        }
      }
    } finally {
      if (!is_waiting) this.#is_pulling = false;
    }
  }

  async #follow(source: Source<Result>, step: Promise<IteratorResult<AnyTask<Result>>>): Promise<void> {
    let result: IteratorResult<AnyTask<Result>> | undefined;
    try {
      result = await step;
    } catch (error) {
      this.#fail(source, error);
    }
    if (result !== undefined) this.#take(source, result);
    this.#is_pulling = false;
    this.pull();
  }

  #take(source: Source<Result>, step: IteratorResult<AnyTask<Result>>): void {
    if (step.done === true) return this.#close(source);
    source.taken++;
    if (this.#sources.includes(source))
      this.#try(source, () => this.#events.queue(step.value, source.options));
  }

  #try<T>(source: Source<Result>, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#fail(source, error);
      return undefined;
    }
  }

  #fail(source: Source<Result>, error: unknown): void {
    this.#close(source);
    this.#events.on_error(
      new UsageError(`queue_tasks: after ${source.taken} tasks the iterable failed: ${thrown_text(error)}`, {
        cause: error,
      }),
    );
  }

  #close(source: Source<Result>): void {
    const at = this.#sources.indexOf(source);
    if (at === -1) return;
    this.#sources.splice(at, 1);
    this.#events.on_closed();
  }
}

function iterator_of<Result>(
  tasks: TaskIterable<Result>,
): Iterator<AnyTask<Result>> | AsyncIterator<AnyTask<Result>> {
  if (typeof tasks === 'object' && tasks !== null) {
    if (Symbol.asyncIterator in tasks) return tasks[Symbol.asyncIterator]();
    if (Symbol.iterator in tasks) return tasks[Symbol.iterator]();
  }
  throw new UsageError(`queue_tasks: expected an iterable or async iterable of tasks, got ${show(tasks)}`);
}
