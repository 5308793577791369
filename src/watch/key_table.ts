/**
 * KeyTable: numbers for the keys of millions of tasks, which it knows by two hashes: where they stand by one, and
 * what stands there by the other. That two keys are taken for one is as likely as a wrong bit on the way.
 */

/** Number + 1, then the second hash. A place with 0 is free. */
const STRIDE = 2;

export class KeyTable {
  #places: Uint32Array;
  #mask: number;
  /** First hashes by number, for growing. */
  #hashes: Uint32Array;
  #size = 0;

  /** @param expected so many keys fit without growing */
  constructor(expected = 0) {
    const length = 2 ** Math.ceil(Math.log2(Math.max(4096, expected * 2)));
    this.#places = new Uint32Array(length * STRIDE);
    this.#mask = length - 1;
    this.#hashes = new Uint32Array(length / 2);
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a key: those that are new get the next. */
  number_of(hash: number, hash_2: number): number {
    const places = this.#places;
    let place = spread(hash) & this.#mask;
    for (;;) {
      const number = places[place * STRIDE] as number;
      if (number === 0) break;
      if (places[place * STRIDE + 1] === hash_2) return number - 1;
      place = (place + 1) & this.#mask;
    }
    const number = this.#size++;
    places[place * STRIDE] = number + 1;
    places[place * STRIDE + 1] = hash_2;
    this.#hashes[number] = hash;
    if (this.#size === this.#hashes.length) this.#grow();
    return number;
  }

  #grow(): void {
    const old = this.#places;
    const length = (this.#mask + 1) * 4;
    const hashes = new Uint32Array(length / 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#mask = length - 1;
    this.#places = new Uint32Array(length * STRIDE);
    for (let i = 0; i < old.length; i += STRIDE) {
      const number = old[i] as number;
      if (number === 0) continue;
      let place = spread(hashes[number - 1] as number) & this.#mask;
      while (this.#places[place * STRIDE] !== 0) place = (place + 1) & this.#mask;
      this.#places[place * STRIDE] = number;
      this.#places[place * STRIDE + 1] = old[i + 1] as number;
    }
  }
}

function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
