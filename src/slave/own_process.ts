/**
 * OwnProcess: the process that a slave is. How it ends, what it hears of signals and stray errors, and its second
 * thread. What a slave makes of that is in slave_process.ts, and can be seen there without a process to end.
 */
import type { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { end_others_of_group, end_process } from './end.js';
import { BREAK_LINK, type PulseData, WATCH_TIME } from './pulse_data.js';

/** What the pulse tells the main thread. */
export interface PulseEvents {
  /** The master is silent: the connection must be made anew. */
  on_break_link(): void;
  /** The thread has failed, and is no more. */
  on_error(error: Error): void;
}

/** What the main thread tells the pulse. */
export interface PulseThread {
  /** A task with a time limit has started. */
  watch_time(): void;
}

export interface OwnProcess {
  /** Signals, stray errors, and `exit`, as node's `process` tells them. */
  readonly events: EventEmitter;
  start_pulse(data: PulseData, events: PulseEvents): PulseThread;
  /** Ends it in good order: `exit` is told first. */
  exit(exit_code: number): void;
  /** Ends it at once, with all that its tasks have started. */
  end(): void;
  /** Ends what its tasks have started, and not itself. */
  end_children(): void;
}

/** The real one. */
export class NodeProcess implements OwnProcess {
  readonly events: EventEmitter = process;
  readonly #owns_group: boolean;

  /** @param owns_group its process group is its own, and ends with it */
  constructor(owns_group: boolean) {
    this.#owns_group = owns_group;
    // a log that cannot be written, on a full disk, costs what tasks print, and nothing else
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  }

  start_pulse(data: PulseData, { on_break_link, on_error }: PulseEvents): PulseThread {
    // loaders and flags of the master are for tasks; the pulse needs none
    const script = new URL('./pulse_thread.js', import.meta.url);
    const worker = new Worker(script, { workerData: data, execArgv: [], name: 'pulse' });
    worker.unref();
    worker.on('error', on_error);
    worker.on('message', (message) => {
      if (message === BREAK_LINK) on_break_link();
    });
    return { watch_time: () => worker.postMessage(WATCH_TIME) };
  }

  exit(exit_code: number): void {
    process.exit(exit_code);
  }

  end(): void {
    end_process(this.#owns_group);
  }

  end_children(): void {
    if (this.#owns_group) end_others_of_group();
  }
}
