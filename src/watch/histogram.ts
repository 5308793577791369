/**
 * Histogram: how many times there are of each length. Four bins for each power of 2 of a ms, whose limits are
 * 1, 1.25, 1.5 and 1.75 times that. A time that is a limit belongs to the bin below it.
 *
 * The bin of a time is what the first bits of it as a 32-bit float say: its exponent and two more.
 */
const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);
const SHIFT = 21;
const BIAS = 127;
/** 2^-20 ms and less are in the first bin, more than 2^31 ms, 25 days, in the last. */
const LOWEST_POWER = -20;
const HIGHEST_POWER = 31;
const FIRST = (BIAS + LOWEST_POWER) * 4 - 1;
const BINS = (HIGHEST_POWER - LOWEST_POWER) * 4 + 2;

export class Histogram {
  readonly #bins = new Float64Array(BINS);
  #count = 0;
  #sum = 0;
  #squares = 0;
  #longest = 0;

  add(ms: number): void {
    const bin = bin_of(ms);
    this.#bins[bin] = (this.#bins[bin] as number) + 1;
    this.#count++;
    this.#sum += ms;
    this.#squares += ms * ms;
    if (ms > this.#longest) this.#longest = ms;
  }

  /** As if each of the times `from` to `to` had been added. */
  add_column(times: Float64Array, from: number, to: number): void {
    const bins = this.#bins;
    let [sum, squares, longest] = [0, 0, this.#longest];
    for (let i = from; i < to; i++) {
      const ms = times[i] as number;
      const bin = bin_of(ms);
      bins[bin] = (bins[bin] as number) + 1;
      sum += ms;
      squares += ms * ms;
      if (ms > longest) longest = ms;
    }
    this.#count += to - from;
    this.#sum += sum;
    this.#squares += squares;
    this.#longest = longest;
  }

  /** As if all times of `other` had been added. */
  add_all(other: Histogram): void {
    for (let i = 0; i < BINS; i++) this.#bins[i] = (this.#bins[i] as number) + (other.#bins[i] as number);
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#squares += other.#squares;
    this.#longest = Math.max(this.#longest, other.#longest);
  }

  get count(): number {
    return this.#count;
  }

  /** Of all times, ms. */
  get sum(): number {
    return this.#sum;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get deviation(): number {
    if (this.#count < 2) return 0;
    return Math.sqrt(Math.max(0, this.#squares - this.#sum * this.mean) / (this.#count - 1));
  }

  get longest(): number {
    return this.#longest;
  }

  /** How many are at most 2^power ms long. */
  up_to(power: number): number {
    let count = 0;
    const last = Math.min(BINS - 1, (power - LOWEST_POWER) * 4);
    for (let i = 0; i <= last; i++) count += this.#bins[i] as number;
    return count;
  }

  /** The time that `share` of all do not exceed, as exactly as the bins are wide, ms. */
  quantile(share: number): number {
    let left = share * this.#count;
    for (let i = 0; i < BINS && this.#count > 0; i++) {
      left -= this.#bins[i] as number;
      if (left <= 0) return Math.min(this.#longest, limit_of(i));
    }
    return this.#longest;
  }

  /** The bins from the first to the last that hold any: upper limit in ms, and count. */
  bins(): { up_to: number; count: number }[] {
    const first = this.#bins.findIndex((count) => count > 0);
    const last = this.#bins.findLastIndex((count) => count > 0);
    if (first === -1) return [];
    return Array.from({ length: last - first + 1 }, (_, i) => ({
      up_to: limit_of(first + i),
      count: this.#bins[first + i] as number,
    }));
  }
}

function bin_of(ms: number): number {
  FLOAT[0] = ms;
  const place = ms > 0 ? (((BITS[0] as number) - 1) >> SHIFT) - FIRST : 0;
  return place < 0 ? 0 : place >= BINS ? BINS - 1 : place;
}

/** Upper limit of a bin, ms. */
function limit_of(bin: number): number {
  return 2 ** (LOWEST_POWER + Math.floor(bin / 4)) * (1 + (bin % 4) / 4);
}
