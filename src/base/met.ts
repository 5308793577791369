/** Met: the objects that a walk over a value has come by, to notice one that is met twice. */

/** So many stand in an array, which is faster than a set for them. */
const FEW = 8;

export class Met {
  readonly #few: unknown[] = new Array(FEW).fill(undefined);
  readonly #many = new Set<object>();
  #few_count = 0;

  /** Whether `object` was met before. From now on it was. */
  meet(object: object): boolean {
    const few = this.#few;
    const count = this.#few_count;
    for (let i = 0; i < count; i++) if (few[i] === object) return true;
    if (count < FEW) {
      few[count] = object;
      this.#few_count = count + 1;
      return false;
    }
    if (this.#many.has(object)) return true;
    this.#many.add(object);
    return false;
  }

  /** The walk is over. Keeps nothing alive. */
  clear(): void {
    const few = this.#few;
    for (let i = 0; i < this.#few_count; i++) few[i] = undefined;
    this.#few_count = 0;
    if (this.#many.size > 0) this.#many.clear();
  }
}
