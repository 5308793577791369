/**
 * Ring: a queue in one array that grows by doubling, both ends in constant time.
 *
 *     slots   [ c d . . . . a b ]      head ─▶ a, length 4
 *
 * Array.shift moves every element of a long array; this does not.
 */
export class Ring<T> {
  #slots: (T | undefined)[] = new Array(16);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return item;
  }

  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    const last = (this.#head + this.#length - 1) & (this.#slots.length - 1);
    const item = this.#slots[last];
    this.#slots[last] = undefined;
    this.#length--;
    return item;
  }

  /** The item `position` places behind the head or, as in arrays, before the end when negative. */
  at(position: number): T | undefined {
    const place = position < 0 ? this.#length + position : position;
    if (place < 0 || place >= this.#length) return undefined;
    return this.#slots[(this.#head + place) & (this.#slots.length - 1)];
  }

  clear(): void {
    this.#slots = new Array(16);
    this.#head = 0;
    this.#length = 0;
  }

  /** Keeps the items for which `keep` is true, in order. Takes time in proportion to the length. */
  filter_in_place(keep: (item: T) => boolean): void {
    const kept: T[] = [];
    for (const item of this) if (keep(item)) kept.push(item);
    this.clear();
    for (const item of kept) this.push(item);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i) as T;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Array<T | undefined>(old.length * 2);
    for (let i = 0; i < this.#length; i++) slots[i] = old[(this.#head + i) & (old.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
