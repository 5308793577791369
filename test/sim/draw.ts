/**
 * Numbers that look random and depend on nothing but a seed and what they are drawn for. So an event that is
 * left out of a schedule changes nothing about the others, and a failing schedule can be shrunk.
 */

/** From 0 up to, not including, 1. */
export function draw(seed: number, what: number, whom: number, count = 0): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  h = mix(h ^ what);
  h = mix(h ^ whom);
  h = mix(h ^ count);
  return (h >>> 0) / 2 ** 32;
}

function mix(h: number): number {
  let m = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  m = Math.imul(m ^ (m >>> 15), 0x735a2d97);
  return m ^ (m >>> 15);
}

/** A stream of numbers from one seed. */
export class Stream {
  readonly #seed: number;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  next(): number {
    return draw(this.#seed, 0, 0, this.#count++);
  }

  /** A whole number from 0 up to, not including, `limit`. */
  int(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)] as T;
  }
}
