/** jest-worker with its defaults (child processes), or with worker_threads: `jest_worker:threads`. */
import { fileURLToPath } from 'node:url';
import { type JestWorkerFarm, Worker } from 'jest-worker';
import type { Kind } from '../tasks.js';
import { type Contender, TASKS_URL } from './contender.js';

type Farm = JestWorkerFarm<Record<Kind, (arg: unknown) => unknown>>;

export function make(option?: string): Contender {
  return new JestWorkerPool(option === 'threads');
}

class JestWorkerPool implements Contender {
  readonly #threads: boolean;
  #farm!: Farm;

  constructor(threads: boolean) {
    this.#threads = threads;
  }

  async start(workers: number): Promise<void> {
    this.#farm = new Worker(fileURLToPath(TASKS_URL), {
      numWorkers: workers,
      exposedMethods: ['noop', 'echo', 'busy'],
      enableWorkerThreads: this.#threads,
    }) as Farm;
  }

  async ready(): Promise<void> {
    await this.#farm.start();
  }

  run(kind: Kind, arg: unknown): Promise<unknown> {
    return this.#farm[kind](arg);
  }

  queue(kind: Kind, arg: unknown): void {
    void this.run(kind, arg);
  }

  async stop(): Promise<void> {
    await this.#farm.end();
  }
}
