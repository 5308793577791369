/**
 * The tasks that wait, in the order in which they get their turn:
 *
 *     urgent (run_task)  ─▶  suspects  ─▶  the user's queue          delayed until their time
 *
 * The user's queue, and its suspects, only move while a run is open and its reader keeps up. Suspects (see
 * TaskTrouble) and what belongs elsewhere are given one at a time; who may take which is for Core to say.
 * Tasks that are no suspects are called plain here: any slave may take them.
 */

import { Heap } from '../base/heap.js';
import { assert } from './assert.js';
import type { TaskRecord } from './records.js';
import { TaskLane } from './task_lane.js';

/** Suspects that are looked at for one that a slave may take. More wait behind them. */
const SUSPECTS_IN_VIEW = 16;

export class TaskQueues<T extends TaskRecord> {
  readonly #queue = new TaskLane<T>();
  readonly #urgent = new TaskLane<T>();
  readonly #suspects = new TaskLane<T>();
  readonly #urgent_suspects = new TaskLane<T>();
  readonly #delayed = new Heap<T>();
  #dead_delayed = 0;
  /** Arguments of all tasks here. */
  #bytes = 0;
  /** Whether the user's queue moves. */
  is_open = false;
  /** Whether more tasks are to come, nobody knows how many. */
  may_grow = false;

  /** Tasks that wait for a slave, not for their time. */
  get waiting(): number {
    return this.#urgent.size + this.#urgent_suspects.size + this.#queue.size + this.#suspects.size;
  }

  /** Those of them that a slave may have now. */
  get moving(): number {
    const urgent = this.#urgent.size + this.#urgent_suspects.size;
    return this.is_open ? urgent + this.#queue.size + this.#suspects.size : urgent;
  }

  /** Bytes of the arguments of all tasks here, also of those that wait for their time. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Tasks that wait for their time. */
  get delayed(): number {
    return this.#delayed.size - this.#dead_delayed;
  }

  /** When the first of those is due; Infinity when there is none. */
  get due_at(): number {
    return this.#delayed.least;
  }

  /** Whether there is a task for some slave now. */
  get have_task(): boolean {
    return this.have_plain || this.have_suspect;
  }

  /** Whether there is one for any slave. */
  get have_plain(): boolean {
    return this.#urgent.size > 0 || (this.is_open && this.#queue.size > 0);
  }

  get have_urgent(): boolean {
    return this.#urgent.size > 0;
  }

  get have_suspect(): boolean {
    return this.#urgent_suspects.size > 0 || (this.is_open && this.#suspects.size > 0);
  }

  push(task: T): void {
    this.#bytes += task.bytes;
    this.#lane_of(task).push(task);
  }

  /** Puts a task to the head of where it belongs: it has been there before. */
  push_back(task: T): void {
    this.#bytes += task.bytes;
    task.state = 'queued';
    this.#lane_of(task).unshift(task);
  }

  /** Lets a task wait until `at`. */
  delay(task: T, at: number): void {
    this.#bytes += task.bytes;
    task.state = 'queued';
    task.have_trouble().is_delayed = true;
    this.#delayed.push(at, task);
  }

  /** Lets those go on whose time has come. */
  release_due(now: number): void {
    while (this.#delayed.least <= now) {
      const task = this.#delayed.pop() as T;
      task.have_trouble().is_delayed = false;
      if (task.state === 'cancelled') {
        this.#dead_delayed--;
      } else {
        this.#bytes -= task.bytes;
        this.push_back(task);
      }
    }
  }

  shift_urgent(): T | undefined {
    return this.#taken(this.#urgent.shift());
  }

  /** The next plain task. */
  shift_plain(): T | undefined {
    return this.shift_urgent() ?? (this.is_open ? this.#taken(this.#queue.shift()) : undefined);
  }

  /** What `shift_plain` would give. */
  get first_plain(): T | undefined {
    return this.#urgent.first ?? (this.is_open ? this.#queue.first : undefined);
  }

  /** The next suspect that `may_take` allows, of the first few. */
  shift_suspect(may_take: (task: T) => boolean): T | undefined {
    const urgent = this.#urgent_suspects.shift_first(may_take, SUSPECTS_IN_VIEW);
    if (urgent !== undefined || !this.is_open) return this.#taken(urgent);
    return this.#taken(this.#suspects.shift_first(may_take, SUSPECTS_IN_VIEW));
  }

  /** Whether there is such a suspect. */
  has_suspect(may_take: (task: T) => boolean): boolean {
    if (this.#urgent_suspects.has(may_take, SUSPECTS_IN_VIEW)) return true;
    return this.is_open && this.#suspects.has(may_take, SUSPECTS_IN_VIEW);
  }

  /** `task`, which waits here, is cancelled: it is as good as gone, and its entry goes later. */
  cancel(task: T): void {
    this.#bytes -= task.bytes;
    task.state = 'cancelled';
    if (task.trouble?.is_delayed === true) this.#dead_delayed++;
    else this.#lane_of(task).note_cancelled();
  }

  /** Every task here that was not cancelled. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const tasks of [this.#urgent, this.#urgent_suspects, this.#suspects, this.#queue, this.#delayed])
      for (const task of tasks) if (task.state !== 'cancelled') yield task;
  }

  /** The urgent ones among them. */
  *urgent(): IterableIterator<T> {
    for (const tasks of [this.#urgent, this.#urgent_suspects, this.#delayed])
      for (const task of tasks) if (task.index === undefined && task.state !== 'cancelled') yield task;
  }

  #taken(task: T | undefined): T | undefined {
    if (task !== undefined) this.#bytes -= task.bytes;
    return task;
  }

  #lane_of(task: T): TaskLane<T> {
    if (task.is_suspect) return task.index === undefined ? this.#urgent_suspects : this.#suspects;
    return task.index === undefined ? this.#urgent : this.#queue;
  }

  /** Asserts that the counts are those of what is here. */
  check(): void {
    let bytes = this.#queue.check() + this.#urgent.check();
    bytes += this.#suspects.check() + this.#urgent_suspects.check();
    let cancelled = 0;
    for (const task of this.#delayed) {
      if (task.state === 'cancelled') cancelled++;
      else bytes += task.bytes;
    }
    assert(cancelled === this.#dead_delayed, 'cancelled delayed tasks are miscounted');
    assert(bytes === this.#bytes, () => `${this.#bytes} bytes wait by the count, ${bytes} in truth`);
  }
}
