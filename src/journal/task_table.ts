/**
 * TaskTable: what a replay keeps of every task, as columns of numbers, so that a million take little memory. The
 * number of a task in it is its entry.
 */
import { BigMap } from './big_map.js';
import type { Place } from './line_file.js';
import type { TaskState } from './record.js';

/** The states that a task stays in. */
export type EndState = 'done' | 'failed' | 'cancelled';

const STATES: readonly TaskState[] = ['queued', 'assigned', 'done', 'failed', 'cancelled'];

export function is_ended(state: TaskState): boolean {
  return state !== 'queued' && state !== 'assigned';
}

export class TaskTable {
  readonly #entries = new BigMap<number>();
  #states = new Uint8Array(1024);
  #indices = new Uint32Array(1024);
  #functions = new Uint32Array(1024);
  // the line that ended the task; its length is 0 when none has
  #offsets = new Float64Array(1024);
  #lengths = new Uint32Array(1024);

  get size(): number {
    return this.#entries.size;
  }

  find(key: string): number | undefined {
    return this.#entries.get(key);
  }

  /** The task with `key`, which is a new one, queued, or gets another index and function. */
  name(key: string, index: number, fn: number): number {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = this.#entries.size;
      this.#entries.set(key, entry);
      if (entry === this.#states.length) this.#grow();
    }
    this.#indices[entry] = index;
    this.#functions[entry] = fn;
    return entry;
  }

  index_of(entry: number): number {
    return this.#indices[entry] as number;
  }

  /** Number of the function that it runs. */
  fn_of(entry: number): number {
    return this.#functions[entry] as number;
  }

  state_of(entry: number): TaskState {
    return STATES[this.#states[entry] as number] as TaskState;
  }

  /** Where the line stands that ended it. */
  end_of(entry: number): Place | undefined {
    const length = this.#lengths[entry] as number;
    return length === 0 ? undefined : { offset: this.#offsets[entry] as number, length };
  }

  set_state(entry: number, state: TaskState): void {
    this.#states[entry] = STATES.indexOf(state);
  }

  end(entry: number, state: EndState, { offset, length }: Place): void {
    this.set_state(entry, state);
    this.#offsets[entry] = offset;
    this.#lengths[entry] = length;
  }

  forget_end(entry: number): void {
    this.#lengths[entry] = 0;
  }

  /** Keys and entries, in the order of the entries. */
  [Symbol.iterator](): IterableIterator<[key: string, entry: number]> {
    return this.#entries[Symbol.iterator]();
  }

  #grow(): void {
    const length = this.#states.length * 2;
    this.#states = larger(new Uint8Array(length), this.#states);
    this.#indices = larger(new Uint32Array(length), this.#indices);
    this.#functions = larger(new Uint32Array(length), this.#functions);
    this.#offsets = larger(new Float64Array(length), this.#offsets);
    this.#lengths = larger(new Uint32Array(length), this.#lengths);
  }
}

function larger<A extends Float64Array | Uint32Array | Uint8Array>(fresh: A, old: A): A {
  fresh.set(old);
  return fresh;
}
