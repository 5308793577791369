/** BigMap: a map by text without the limit of Map, which throws at 2^24 entries. Nothing is removed. */

/** Entries of one part. A Map doubles its table, so it is left before the doubling that fails. */
const PART_ENTRIES = 2 ** 23;

export class BigMap<V> {
  readonly #part_entries: number;
  #last = new Map<string, V>();
  readonly #parts = [this.#last];

  /** @param part_entries fewer only in tests */
  constructor(part_entries: number = PART_ENTRIES) {
    this.#part_entries = part_entries;
  }

  get size(): number {
    return (this.#parts.length - 1) * this.#part_entries + this.#last.size;
  }

  get(key: string): V | undefined {
    if (this.#parts.length === 1) return this.#last.get(key);
    for (const part of this.#parts) {
      const value = part.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  set(key: string, value: V): void {
    for (const part of this.#parts) {
      if (part !== this.#last && part.has(key)) {
        part.set(key, value);
        return;
      }
    }
    if (this.#last.size === this.#part_entries && !this.#last.has(key)) {
      this.#last = new Map();
      this.#parts.push(this.#last);
    }
    this.#last.set(key, value);
  }

  /** In the order of their first setting. */
  *[Symbol.iterator](): IterableIterator<[string, V]> {
    for (const part of this.#parts) yield* part;
  }
}
