/**
 * A contender: one way of having tasks run by workers, behind the few calls that the figures need.
 *
 * Named by its file and an option, `file:option`: `limit:64`, `jest_worker:threads`, `parjob`. Each file here exports
 * `make(option)`. A contender is made in a process of its own, which loads no other.
 */
import type { Kind } from '../tasks.js';

export interface Contender {
  /** Begins to start so many workers. Tasks may be run from then on. */
  start(workers: number): Promise<void>;
  /** Waits until all workers are there, where the contender can tell. */
  ready?(): Promise<void>;
  /** Runs one task. */
  run(kind: Kind, arg: unknown): Promise<unknown>;
  /** Runs many tasks by the contender's own call for that, where it has one. */
  run_all?(kind: Kind, args: Iterable<unknown>): Promise<unknown[]>;
  /** Queues a task without waiting for it. */
  queue?(kind: Kind, arg: unknown): void;
  /** Runs tasks whose arguments are made one by one as they are needed. Results come in any order. */
  stream?(kind: Kind, args: Iterable<unknown>): AsyncIterable<unknown>;
  /** Sends bytes to a worker as a message, not as a task, and has them sent back. */
  ping?(bytes: Uint8Array): Promise<Uint8Array>;
  stop(): Promise<void>;
}

interface ContenderModule {
  make(option: string | undefined): Contender;
}

export async function load_contender(spec: string): Promise<Contender> {
  const [name, option] = spec.split(':');
  const module = (await import(`./${name}.js`)) as ContenderModule;
  return module.make(option);
}

/** Where every contender's workers find the tasks. */
export const TASKS_URL = new URL('../tasks.js', import.meta.url);
