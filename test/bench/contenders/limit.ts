/** The bare loop as a contender. Option: how many tasks are under way per worker, e.g. `limit:64`. */
import { BareLoop } from '../limit/master.js';
import type { Kind } from '../tasks.js';
import type { Contender } from './contender.js';

export function make(option = '64'): Contender {
  return new Limit(Number(option));
}

class Limit implements Contender {
  readonly #loop: BareLoop;

  constructor(depth: number) {
    this.#loop = new BareLoop(depth);
  }

  start(workers: number): Promise<void> {
    return this.#loop.start(workers);
  }

  ready(): Promise<void> {
    return this.#loop.ready();
  }

  run(kind: Kind, arg: unknown): Promise<unknown> {
    return new Promise((resolve) => this.#loop.submit(kind, arg, resolve));
  }

  /** Without a promise a task; the results come in any order. */
  run_all(kind: Kind, args: Iterable<unknown>): Promise<unknown[]> {
    return new Promise((resolve) => {
      const results: unknown[] = [];
      let submitted = 0;
      let is_complete = false;
      const on_result = (result: unknown): void => {
        results.push(result);
        if (is_complete && results.length === submitted) resolve(results);
      };
      for (const arg of args) {
        this.#loop.submit(kind, arg, on_result);
        submitted++;
      }
      is_complete = true;
    });
  }

  queue(kind: Kind, arg: unknown): void {
    this.#loop.submit(kind, arg, ignore);
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }
}

function ignore(): void {}
