/**
 * TaskRing: the tasks that ended last, as columns of numbers, at most `capacity` of them; then each new row takes
 * the place of the oldest. The columns are made whole at once, which costs nothing: the system gives memory
 * only to those parts of them that are written.
 */
import type { TaskBatch } from './task_feed.js';

export interface TaskRow {
  /** How many tasks ended before it. */
  readonly serial: number;
  readonly index: number;
  readonly name: number;
  readonly slave: number;
  readonly attempt: number;
  readonly outcome: number;
  readonly start: number;
  readonly run_ms: number;
}

export class TaskRing {
  readonly capacity: number;
  #size = 0;
  #added = 0;
  // public to those that go over millions of rows
  readonly indices: Float64Array;
  readonly names: Uint16Array;
  readonly slaves: Uint32Array;
  readonly attempts: Uint16Array;
  readonly outcomes: Uint8Array;
  readonly starts: Float64Array;
  readonly run_ms: Float32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.indices = new Float64Array(capacity);
    this.names = new Uint16Array(capacity);
    this.slaves = new Uint32Array(capacity);
    this.attempts = new Uint16Array(capacity);
    this.outcomes = new Uint8Array(capacity);
    this.starts = new Float64Array(capacity);
    this.run_ms = new Float32Array(capacity);
  }

  /** Rows that it holds. */
  get size(): number {
    return this.#size;
  }

  /** Rows that it was ever given: those that it holds are the last of them. */
  get added(): number {
    return this.#added;
  }

  /** Place in the columns of the row before which `serial` others were added. */
  place_of(serial: number): number {
    return serial % this.capacity;
  }

  add_batch(batch: TaskBatch): void {
    // what the rest of the batch would overwrite is not written
    let from = Math.max(0, batch.length - this.capacity);
    this.#added += from;
    while (from < batch.length) {
      const at = this.place_of(this.#added);
      const to = Math.min(batch.length, from + this.capacity - at);
      this.indices.set(batch.indices.subarray(from, to), at);
      this.names.set(batch.names.subarray(from, to), at);
      this.slaves.set(batch.slaves.subarray(from, to), at);
      this.attempts.set(batch.attempts.subarray(from, to), at);
      this.outcomes.set(batch.outcomes.subarray(from, to), at);
      this.starts.set(batch.starts.subarray(from, to), at);
      this.run_ms.set(batch.run_ms.subarray(from, to), at);
      this.#added += to - from;
      from = to;
    }
    this.#size = Math.min(this.capacity, this.#size + batch.length);
  }

  add({ index, name, slave, attempt, outcome, start, run_ms }: Omit<TaskRow, 'serial'>): void {
    this.put(index, name, slave, attempt, outcome, start, run_ms);
  }

  /** As add, for those that add millions. */
  put(
    index: number,
    name: number,
    slave: number,
    attempt: number,
    outcome: number,
    start: number,
    run_ms: number,
  ): void {
    const at = this.#next_place();
    this.indices[at] = index;
    this.names[at] = name;
    this.slaves[at] = slave;
    this.attempts[at] = attempt;
    this.outcomes[at] = outcome;
    this.starts[at] = start;
    this.run_ms[at] = run_ms;
  }

  /** The row before which `serial` others were added; undefined when it is gone, or not there yet. */
  row(serial: number): TaskRow | undefined {
    if (serial < this.#added - this.#size || serial >= this.#added) return undefined;
    const at = this.place_of(serial);
    return {
      serial,
      index: this.indices[at] as number,
      name: this.names[at] as number,
      slave: this.slaves[at] as number,
      attempt: this.attempts[at] as number,
      outcome: this.outcomes[at] as number,
      start: this.starts[at] as number,
      run_ms: this.run_ms[at] as number,
    };
  }

  #next_place(): number {
    const at = this.place_of(this.#added++);
    if (this.#size < this.capacity) this.#size++;
    return at;
  }
}
