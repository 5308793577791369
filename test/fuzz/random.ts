/**
 * Random: a small generator of 32-bit numbers, sfc32 (Chris Doty-Humphrey, PractRand). The same seed and
 * stream give the same numbers on every machine, so that an input can be made again from three numbers.
 */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    this.#c = Math.imul(seed ^ (stream >>> 16), 0x9e3779b9);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `bound` - 1; 0 when `bound` is 0. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.uint32() % bound;
  }

  /** True once in so many times. */
  one_in(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  byte(): number {
    return this.uint32() & 0xff;
  }
}

/** Text to a number: a stream for each target. FNV-1a. */
export function hash_of(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
