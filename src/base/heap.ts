/**
 * Heap: items by the number that each was given, least first. Push and pop take time in proportion to the
 * logarithm of its size.
 */
export class Heap<T> {
  readonly #entries: { key: number; item: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The least number; Infinity when there is no item. */
  get least(): number {
    return this.#entries[0]?.key ?? Infinity;
  }

  push(key: number, item: T): void {
    const entries = this.#entries;
    let at = entries.push({ key, item }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#key(parent) <= this.#key(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the item with the least number out. */
  pop(): T | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (first === undefined || last === undefined) return undefined;
    if (first === last) return first.item;
    this.#entries[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const least = this.#key(left + 1) < this.#key(left) ? left + 1 : left;
      if (this.#key(at) <= this.#key(least)) return first.item;
      this.#swap(at, least);
      at = least;
    }
  }

  /** In no order. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { item } of this.#entries) yield item;
  }

  #key(at: number): number {
    return this.#entries[at]?.key ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries;
    [entries[a], entries[b]] = [
      entries[b] as { key: number; item: T },
      entries[a] as { key: number; item: T },
    ];
  }
}
