/**
 * Gauge: what the process of a slave takes, and for how long its main thread has been busy. The main thread counts
 * the turns of its event loop in memory that it shares with the pulse, which measures.
 */
import type { Vitals } from '../wire/pulse_messages.js';

/** How often the main thread counts a turn of its event loop, ms. */
const COUNT_TURNS_EVERY = 500;

export class Gauge {
  /** One Int32. */
  readonly buffer: SharedArrayBuffer;
  readonly #turns: Int32Array;
  #seen = -1;
  #turned_at = performance.now();

  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#turns = new Int32Array(buffer);
  }

  /** Main thread: counts from now on. */
  count_turns(): void {
    setInterval(() => Atomics.add(this.#turns, 0, 1), COUNT_TURNS_EVERY).unref();
  }

  /** Pulse: resident memory, bytes. */
  get rss(): number {
    return process.memoryUsage.rss();
  }

  /** Pulse: all that is measured. */
  read(): Vitals {
    const now = performance.now();
    const turns = Atomics.load(this.#turns, 0);
    if (turns !== this.#seen) {
      this.#seen = turns;
      this.#turned_at = now;
    }
    const { user, system } = process.cpuUsage();
    return {
      rss: this.rss,
      peak: process.resourceUsage().maxRSS * 1024,
      cpu: Math.round((user + system) / 1000),
      stalled: Math.round(now - this.#turned_at),
    };
  }
}
