/**
 * Claims: which of the tasks that a slave holds has been started, in memory that its main thread and its
 * pulse share. So a task that waits behind a long one can be taken back while the main thread is busy.
 *
 *     slot of task n   < 2 e   not started        e = turn of the ring that n is in, from 1
 *                        2 e   started
 *                      2 e + 1 taken back
 *
 * Each side settles a slot with one compareExchange, so a task is either started or taken back, never both.
 */

/** More than a slave can ever hold. */
const SLOTS = 4096;

export class Claims {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: Int32Array;

  constructor(buffer = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#slots = new Int32Array(buffer);
  }

  /** Main thread: a new connection counts its tasks from 0. */
  reset(): void {
    for (let slot = 0; slot < SLOTS; slot++) Atomics.store(this.#slots, slot, 0);
  }

  /** Main thread: task `seq` is about to start. False when it was taken back. */
  claim(seq: number): boolean {
    return this.#settle(seq, 0);
  }

  /**
   * Pulse: takes back what has not started of the tasks `from` up to `until`, from the last on. Some may
   * have been taken back before.
   * @returns the first of those taken back; `until` when there is none
   */
  take_back(from: number, until: number): number {
    let first = until;
    while (first > from && (this.#settle(first - 1, 1) || this.#is_taken_back(first - 1))) first--;
    return first;
  }

  #settle(seq: number, verdict: 0 | 1): boolean {
    const turn = turn_of(seq);
    const present = Atomics.load(this.#slots, seq % SLOTS);
    return (
      present < turn && Atomics.compareExchange(this.#slots, seq % SLOTS, present, turn + verdict) === present
    );
  }

  #is_taken_back(seq: number): boolean {
    return Atomics.load(this.#slots, seq % SLOTS) === turn_of(seq) + 1;
  }
}

function turn_of(seq: number): number {
  return 2 * (Math.floor(seq / SLOTS) + 1);
}
