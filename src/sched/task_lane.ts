/**
 * A lane: tasks that wait for the same, in their order. One that is cancelled while it waits keeps its
 * place, for to find it there would take long, and is dropped when its turn comes.
 */

import { Ring } from '../base/ring.js';
import { assert } from './assert.js';
import type { TaskRecord } from './records.js';

/** Cancelled entries that a lane may have besides as many as it has tasks. */
const SPARE_ENTRIES = 64;

export class TaskLane<T extends TaskRecord> {
  readonly #entries = new Ring<T>();
  #cancelled = 0;

  /** Tasks here that were not cancelled. */
  get size(): number {
    return this.#entries.length - this.#cancelled;
  }

  push(task: T): void {
    this.#entries.push(task);
  }

  unshift(task: T): void {
    this.#entries.unshift(task);
  }

  shift(): T | undefined {
    this.#drop_cancelled();
    return this.#entries.shift();
  }

  get first(): T | undefined {
    this.#drop_cancelled();
    return this.#entries.at(0);
  }

  /** Takes out the first task that `is_wanted`, of the first `in_view`. */
  shift_first(is_wanted: (task: T) => boolean, in_view: number): T | undefined {
    const place = this.#find(is_wanted, in_view);
    if (place === undefined) return undefined;
    const before = Array.from({ length: place }, () => this.#entries.shift() as T);
    const task = this.#entries.shift();
    for (const other of before.reverse()) this.#entries.unshift(other);
    return task;
  }

  has(is_wanted: (task: T) => boolean, in_view: number): boolean {
    return this.#find(is_wanted, in_view) !== undefined;
  }

  /** One of the tasks here was cancelled. */
  note_cancelled(): void {
    this.#cancelled++;
    if (this.#cancelled <= this.size + SPARE_ENTRIES) return;
    this.#entries.filter_in_place((task) => task.state !== 'cancelled');
    this.#cancelled = 0;
  }

  #find(is_wanted: (task: T) => boolean, in_view: number): number | undefined {
    this.#drop_cancelled();
    const entries = this.#entries;
    for (let place = 0, seen = 0; seen < in_view && place < entries.length; place++) {
      const task = entries.at(place) as T;
      if (task.state === 'cancelled') continue;
      if (is_wanted(task)) return place;
      seen++;
    }
    return undefined;
  }

  /** Those at the head. */
  #drop_cancelled(): void {
    while (this.#cancelled > 0 && this.#entries.at(0)?.state === 'cancelled') {
      this.#entries.shift();
      this.#cancelled--;
    }
  }

  /** Also those that were cancelled. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#entries[Symbol.iterator]();
  }

  /** Asserts that the count is that of what is here. Returns the bytes of the tasks that were not cancelled. */
  check(): number {
    let [cancelled, bytes] = [0, 0];
    for (let place = 0; place < this.#entries.length; place++) {
      const task = this.#entries.at(place) as T;
      if (task.state === 'cancelled') cancelled++;
      else bytes += task.bytes;
      assert(task.state === 'queued' || task.state === 'cancelled', () => `a task waits while ${task.state}`);
    }
    assert(cancelled === this.#cancelled, 'cancelled entries are miscounted');
    return bytes;
  }
}
