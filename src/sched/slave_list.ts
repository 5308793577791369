/**
 * A list of slaves, newest on top. A slave is in one list at most; coming, going and moving take constant
 * time. The slave that was busy last is served first: its process is still warm, and others may rest.
 */
import type { SlaveRecord, TaskRecord } from './records.js';

export class SlaveList<T extends TaskRecord> {
  #top: SlaveRecord<T> | undefined;
  #bottom: SlaveRecord<T> | undefined;
  #size = 0;

  get top(): SlaveRecord<T> | undefined {
    return this.#top;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts `slave` on top, out of whatever list it is in. */
  add(slave: SlaveRecord<T>): void {
    if (slave.list === this && this.#top === slave) return;
    slave.list?.delete(slave);
    slave.list = this;
    slave.below = this.#top;
    if (this.#top === undefined) this.#bottom = slave;
    else this.#top.above = slave;
    this.#top = slave;
    this.#size++;
  }

  /** Puts `slave` below all others: its process has not run anything yet. */
  add_last(slave: SlaveRecord<T>): void {
    slave.list?.delete(slave);
    slave.list = this;
    slave.above = this.#bottom;
    if (this.#bottom === undefined) this.#top = slave;
    else this.#bottom.below = slave;
    this.#bottom = slave;
    this.#size++;
  }

  delete(slave: SlaveRecord<T>): void {
    if (slave.list !== this) return;
    if (slave.above === undefined) this.#top = slave.below;
    else slave.above.below = slave.below;
    if (slave.below === undefined) this.#bottom = slave.above;
    else slave.below.above = slave.above;
    slave.list = undefined;
    slave.above = undefined;
    slave.below = undefined;
    this.#size--;
  }
}
