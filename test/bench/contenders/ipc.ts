/**
 * child_process IPC by hand: fork, process.send, a promise each, 64 tasks under way per child.
 *
 * Option: the serialization, `json` (Node's default) or `advanced` (structured clone, which binaries need).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Kind } from '../tasks.js';
import type { Contender } from './contender.js';

const WORKER = fileURLToPath(new URL('./ipc_worker.cjs', import.meta.url));
const DEPTH = 64;

interface Waiting {
  kind: Kind;
  arg: unknown;
  resolve: (result: unknown) => void;
}

interface Child {
  process: ChildProcess;
  // Who waits for what this child has been sent, oldest first.
  under_way: Waiting[];
}

export function make(option = 'json'): Contender {
  return new Ipc(option as 'json' | 'advanced');
}

class Ipc implements Contender {
  readonly #serialization: 'json' | 'advanced';
  readonly #children: Child[] = [];
  #queue: Waiting[] = [];
  #head = 0;

  constructor(serialization: 'json' | 'advanced') {
    this.#serialization = serialization;
  }

  async start(workers: number): Promise<void> {
    for (let j = 0; j < workers; j++) {
      const child: Child = {
        process: fork(WORKER, { serialization: this.#serialization, execArgv: [] }),
        under_way: [],
      };
      child.process.on('message', (result) => {
        child.under_way.shift()!.resolve(result);
        this.#refill(child);
      });
      this.#children.push(child);
    }
  }

  run(kind: Kind, arg: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      const waiting = { kind, arg, resolve };
      const child = this.#children.reduce((a, b) => (b.under_way.length < a.under_way.length ? b : a));
      if (child.under_way.length < DEPTH) this.#send(child, waiting);
      else this.#queue.push(waiting);
    });
  }

  async ping(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.run('echo', bytes)) as Uint8Array;
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.process.kill('SIGKILL');
  }

  #refill(child: Child): void {
    if (this.#head < this.#queue.length) {
      this.#send(child, this.#queue[this.#head++]!);
    } else {
      this.#queue = [];
      this.#head = 0;
    }
  }

  #send(child: Child, waiting: Waiting): void {
    child.under_way.push(waiting);
    child.process.send([waiting.kind, waiting.arg]);
  }
}
