/**
 * piscina: worker_threads, values copied by structured clone.
 *
 * Option: how many tasks a thread is given at a time, e.g. `piscina:64`; one, as is its default, where it is not given.
 */
import { Piscina } from 'piscina';
import type { Kind } from '../tasks.js';
import { type Contender, TASKS_URL } from './contender.js';

export function make(option = '1'): Contender {
  return new PiscinaPool(Number(option));
}

class PiscinaPool implements Contender {
  readonly #depth: number;
  #pool!: Piscina;

  constructor(depth: number) {
    this.#depth = depth;
  }

  async start(workers: number): Promise<void> {
    this.#pool = new Piscina({
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
