/**
 * Watch: what the pulse must know of the task that runs, in memory that it shares with the main thread: its
 * number on this connection, and until when it may run.
 *
 *     Int32    turn      raised before and after each change of the time limit; odd while it is changed
 *     Int32    seq + 1   of the task that runs; 0 when none does
 *     Float64  limit     when the process must be ended, by `monotonic_ms`; Infinity when it need not
 */
const BYTES = 16;
const TURN = 0;
const RUNNING = 1;
/** Task numbers are counted round this. */
const SEQ_RANGE = 2 ** 30;

export class Watch {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #limit: Float64Array;

  constructor(buffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer, 0, 2);
    this.#limit = new Float64Array(buffer, 8, 1);
  }

  /** Main thread: task `seq` starts, and has to end by `limit`. */
  start(seq: number, limit = Infinity): void {
    if (this.#limit[0] !== limit) {
      Atomics.add(this.#cells, TURN, 1);
      this.#limit[0] = limit;
      Atomics.add(this.#cells, TURN, 1);
    }
    Atomics.store(this.#cells, RUNNING, (seq % SEQ_RANGE) + 1);
  }

  /** Main thread: it has ended. */
  end(): void {
    Atomics.store(this.#cells, RUNNING, 0);
  }

  /** Pulse: whether task `seq` runs now. */
  is_running(seq: number): boolean {
    return Atomics.load(this.#cells, RUNNING) === (seq % SEQ_RANGE) + 1;
  }

  /** Pulse: number of the task that runs now, counted round 2^30; undefined when none does. */
  get running_seq(): number | undefined {
    const running = Atomics.load(this.#cells, RUNNING);
    return running === 0 ? undefined : running - 1;
  }

  /** Pulse: whether a task runs that should have ended. */
  is_over(now: number): boolean {
    const turn = Atomics.load(this.#cells, TURN);
    const running = Atomics.load(this.#cells, RUNNING);
    const limit = this.#limit[0] as number;
    return (
      turn % 2 === 0 &&
      running !== 0 &&
      now > limit &&
      Atomics.load(this.#cells, TURN) === turn &&
      Atomics.load(this.#cells, RUNNING) === running
    );
  }
}

/** A clock that all threads of a process share, in ms. */
export function monotonic_ms(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
