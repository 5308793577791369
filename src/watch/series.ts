/**
 * Series: a quantity over time in a bounded number of bins. When they are used up, each two become one and the
 * bins are twice as wide, so that a run of any length is seen whole.
 *
 *     |3|5|2|4|       four bins of 1 s
 *     |8|6| | |       two of 2 s, and room for two more
 */

export type SeriesKind =
  /** What is added in a bin adds up: a point is its sum per second. */
  | 'rate'
  /** What is added is a level: a point is its mean. */
  | 'level';

export interface SeriesPoints {
  /** Width of a bin, ms. */
  interval: number;
  /** Start of each bin, ms from the start of the series. */
  at: number[];
  values: number[];
}

export class Series {
  readonly #kind: SeriesKind;
  readonly #start: number;
  #interval: number;
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  #used = 0;

  /** Bins of `interval` ms from time `start` on, `capacity` of them: an even number. */
  constructor(kind: SeriesKind, start: number, interval = 250, capacity = 512) {
    this.#kind = kind;
    this.#start = start;
    this.#interval = interval;
    this.#sums = new Float64Array(capacity);
    this.#counts = new Float64Array(capacity);
  }

  /** What is before the start counts for the first bin. */
  add(time: number, value: number): void {
    let bin = Math.max(0, Math.floor((time - this.#start) / this.#interval));
    while (bin >= this.#sums.length) {
      this.#halve();
      bin = Math.floor((time - this.#start) / this.#interval);
    }
    this.#sums[bin] = (this.#sums[bin] as number) + value;
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
    if (bin >= this.#used) this.#used = bin + 1;
  }

  /** Something went on from `start` to `end`: of a rate, whose points are then how many such things did at a time. */
  add_span(start: number, end: number): void {
    const from = Math.max(start, this.#start);
    if (end <= from) return;
    // makes room for the last bin
    this.add(end, 0);
    const interval = this.#interval;
    const [first, last] = [this.#bin_of(from), this.#bin_of(end)];
    for (let bin = first; bin <= last; bin++) {
      const left = this.#start + bin * interval;
      const share = Math.min(end, left + interval) - Math.max(from, left);
      this.#sums[bin] = (this.#sums[bin] as number) + share / 1000;
    }
  }

  #bin_of(time: number): number {
    return Math.floor((time - this.#start) / this.#interval);
  }

  /** All bins up to `now`. Of a level that was not looked at in a bin, the one before it counts. */
  points(now: number): SeriesPoints {
    const interval = this.#interval;
    const elapsed = Math.max(0, now - this.#start);
    const length = Math.min(this.#sums.length, Math.max(this.#used, Math.ceil(elapsed / interval)));
    const points: SeriesPoints = { interval, at: [], values: [] };
    let level = 0;
    for (let bin = 0; bin < length; bin++) {
      const sum = this.#sums[bin] as number;
      const count = this.#counts[bin] as number;
      points.at.push(bin * interval);
      if (this.#kind === 'rate') {
        // the last bin is not over yet; a very short piece of it says nothing
        const width = bin === length - 1 ? Math.max(interval / 4, elapsed - bin * interval) : interval;
        points.values.push((sum * 1000) / Math.min(interval, width));
      } else {
        if (count > 0) level = sum / count;
        points.values.push(level);
      }
    }
    return points;
  }

  #halve(): void {
    for (const column of [this.#sums, this.#counts]) {
      const half = column.length / 2;
      for (let i = 0; i < half; i++) column[i] = (column[2 * i] as number) + (column[2 * i + 1] as number);
      column.fill(0, half);
    }
    this.#used = Math.ceil(this.#used / 2);
    this.#interval *= 2;
  }
}
