/**
 * Back-taking: slaves give back tasks that would wait there too long, for others that idle.
 *
 * All slaves are only looked at when something may have changed since the last look, and not more often
 * than each WORTH_AFTER: with ten thousand slaves the end of a run would be a look at all for each task.
 * What a look has found is used up before the next.
 */
import { assert } from './assert.js';
import type { Report } from './events.js';
import type { Offers } from './offers.js';
import type { SlaveRecord, TaskRecord } from './records.js';
import type { Turn } from './turn.js';

/** A slave's unstarted tasks are worth taking back when they would wait there longer than this, ms. */
const WORTH_AFTER = 10;

export class BackTaking<T extends TaskRecord, R extends Report> {
  readonly #turn: Turn<T, R>;
  readonly #offers: Offers<T>;
  #is_possible = false;
  #not_before = 0;
  /** Slaves that could give back, the fullest last, as the last look found them. */
  readonly #full: SlaveRecord<T>[] = [];
  /** Slaves that were asked and have not answered. */
  #asked = 0;

  constructor(turn: Turn<T, R>, offers: Offers<T>) {
    this.#turn = turn;
    this.#offers = offers;
  }

  /** When to look again; Infinity when that would be for nothing. */
  get wake_at(): number {
    return this.#is_possible && this.#asked < this.#offers.idle.size ? this.#not_before : Infinity;
  }

  /** A slave has got more than it runs, or can give back what it has. */
  note_chance(): void {
    this.#is_possible = true;
  }

  /** Takes tasks back from the fullest of `slaves`, half of what waits there, for those that idle. */
  help_out(slaves: Iterable<SlaveRecord<T>>): void {
    const idle = this.#offers.idle.size;
    if (this.#asked >= idle) return;
    if (this.#full.length === 0) this.#look(slaves);
    while (this.#asked < idle) {
      const slave = this.#full.pop();
      if (slave === undefined) return;
      if (this.#would_wait_long(slave)) this.take_back(slave, Math.ceil((slave.tasks.length - 1) / 2));
    }
  }

  #look(slaves: Iterable<SlaveRecord<T>>): void {
    const { now } = this.#turn;
    if (!this.#is_possible || now < this.#not_before) return;
    for (const slave of slaves) if (can_give(slave)) this.#full.push(slave);
    this.#full.sort((a, b) => a.tasks.length - b.tasks.length);
    this.#is_possible = this.#full.length > 0;
    this.#not_before = now + WORTH_AFTER;
  }

  #would_wait_long(slave: SlaveRecord<T>): boolean {
    const expected = ((slave.tasks.length - 1) * (slave.task_us ?? 0)) / 1000;
    return expected >= WORTH_AFTER || this.#turn.now - slave.progress_at >= WORTH_AFTER;
  }

  /** Asks for the last `count` tasks that `slave` holds, all but the first if it is not said, if it can give any. */
  take_back(slave: SlaveRecord<T>, count = slave.tasks.length - 1): void {
    if (!can_give(slave)) return;
    const first = slave.tasks.at(-count) as T;
    const last = slave.tasks.at(-1) as T;
    this.#asked++;
    slave.taking_back = { from: first.seq, to: last.seq + 1 };
    this.#offers.withdraw(slave);
    this.#turn.order({ kind: 'take_back', slave_id: slave.slave_id, ...slave.taking_back });
  }

  /** `slave` has answered. If it has given some, it may give more at once. */
  note_answer(slave: SlaveRecord<T>, has_given: boolean): void {
    this.forget(slave);
    this.#is_possible = true;
    if (has_given && can_give(slave)) this.#full.push(slave);
  }

  /** `slave` will not answer. */
  forget(slave: SlaveRecord<T>): void {
    if (slave.taking_back === undefined) return;
    slave.taking_back = undefined;
    this.#asked--;
  }

  /** Asserts that the counts are those of `slaves`. */
  check(slaves: Iterable<SlaveRecord<T>>): void {
    let asked = 0;
    for (const slave of slaves) if (slave.taking_back !== undefined) asked++;
    assert(asked === this.#asked, 'slaves that were asked to give back are miscounted');
  }
}

function can_give(slave: SlaveRecord<TaskRecord>): boolean {
  const { can_take_back, taking_back, is_abandoned, state, tasks } = slave;
  return (
    can_take_back && taking_back === undefined && !is_abandoned && state !== 'stopping' && tasks.length > 1
  );
}
