/**
 * Heap: items by the number that each was given, least first. Push and pop take time in proportion to the
 * logarithm of its size.
 */
export class Heap<T> {
  /** The entry at place n has those at 2n + 1 and 2n + 2 below it, and none of them has a lesser key. */
  readonly #keys: number[] = [];
  readonly #items: T[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** The least number; Infinity when there is no item. */
  get least(): number {
    return this.#keys[0] ?? Infinity;
  }

  push(key: number, item: T): void {
    const [keys, items] = [this.#keys, this.#items];
    let at = keys.length;
    for (; at > 0; ) {
      const above = (at - 1) >> 1;
      const key_above = keys[above] as number;
      if (key_above <= key) break;
      keys[at] = key_above;
      items[at] = items[above] as T;
      at = above;
    }
    keys[at] = key;
    items[at] = item;
  }

  /** Takes the item with the least number out. */
  pop(): T | undefined {
    const [keys, items] = [this.#keys, this.#items];
    const first = items[0];
    const key = keys.pop();
    const item = items.pop() as T;
    const size = keys.length;
    if (key === undefined || size === 0) return first;
    // the last entry looks for its place from the top
    let at = 0;
    for (let below = 1; below < size; below = 2 * at + 1) {
      if (below + 1 < size && (keys[below + 1] as number) < (keys[below] as number)) below++;
      const key_below = keys[below] as number;
      if (key <= key_below) break;
      keys[at] = key_below;
      items[at] = items[below] as T;
      at = below;
    }
    keys[at] = key;
    items[at] = item;
    return first;
  }

  /** In no order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }
}
