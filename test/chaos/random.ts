/**
 * Random: numbers that follow from a seed, so that a storm can be struck again. `fork` gives a stream of its own to
 * each user of numbers: how often one draws changes nothing for the others.
 */
export class Random {
  #state: number;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** A stream that depends on the seed and on `label` only. */
  fork(label: string | number): Random {
    // FNV-1a
    let hash = 0x811c9dc5 ^ this.#seed;
    for (const char of String(label)) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    return new Random(new Random(hash).#next_uint());
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.#next_uint() / 2 ** 32;
  }

  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** True with a probability of `p`. */
  chance(p: number): boolean {
    return this.fraction() < p;
  }

  /** @throws Error when there is nothing to pick from */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** Each with a probability in proportion to its weight. */
  pick_weighted<T extends { weight: number }>(items: readonly T[]): T {
    let left = this.fraction() * items.reduce((sum, { weight }) => sum + weight, 0);
    for (const item of items) {
      left -= item.weight;
      if (left < 0) return item;
    }
    return items.at(-1) as T;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = this.#next_uint() & 0xff;
    return bytes;
  }

  // mulberry32
  #next_uint(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
}
