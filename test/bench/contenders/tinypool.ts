/**
 * tinypool: worker_threads, values copied by structured clone.
 *
 * Option: how many tasks a thread is given at a time, e.g. `tinypool:64`; one, as is its default, where it is not given.
 */
import { Tinypool } from 'tinypool';
import type { Kind } from '../tasks.js';
import { type Contender, TASKS_URL } from './contender.js';

export function make(option = '1'): Contender {
  return new TinypoolPool(Number(option));
}

class TinypoolPool implements Contender {
  readonly #depth: number;
  #pool!: Tinypool;

  constructor(depth: number) {
    this.#depth = depth;
  }

  async start(workers: number): Promise<void> {
    this.#pool = new Tinypool({
      filename: TASKS_URL.href,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: this.#depth,
    });
  }

  run(kind: Kind, arg: unknown): Promise<unknown> {
    return this.#pool.run(arg, { name: kind });
  }

  queue(kind: Kind, arg: unknown): void {
    void this.run(kind, arg);
  }

  stop(): Promise<void> {
    return this.#pool.destroy();
  }
}
