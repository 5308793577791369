/**
 * Rate: how many tasks end in a second of late, and how long the rest will take, with how sure that is.
 * What is late is measured by the tasks: some thirty of them, or ten seconds if that is longer.
 */

const SHORTEST_MEMORY = 10_000;
const TASKS_REMEMBERED = 30;

/** A time with its standard deviation, ms. */
export interface TimeLeft {
  ms: number;
  spread_ms: number;
}

export class Rate {
  readonly #start: number;
  #at: number;
  #count = 0;
  /** Smoothed tasks per ms, times the share of its memory that is filled. */
  #smooth = 0;
  #filled = 0;

  constructor(start: number) {
    this.#start = start;
    this.#at = start;
  }

  /** `count` more tasks have ended since the last call. */
  tick(now: number, count: number): void {
    this.#count += count;
    const time = now - this.#at;
    if (time <= 0) return;
    this.#at = now;
    const memory = Math.max(SHORTEST_MEMORY, TASKS_REMEMBERED / Math.max(1e-12, this.overall));
    const share = 1 - Math.exp(-time / memory);
    this.#smooth += share * (count / time - this.#smooth);
    this.#filled += share * (1 - this.#filled);
  }

  /** Tasks per ms since the start. */
  get overall(): number {
    return this.#at > this.#start ? this.#count / (this.#at - this.#start) : 0;
  }

  /** Tasks per ms of late. */
  get recent(): number {
    return this.#filled > 0 ? this.#smooth / this.#filled : 0;
  }

  /**
   * What `tasks` more will take. The spread has two parts: chance, as known from the `mean` and `deviation` of
   * the times of `known` tasks on `slaves` slaves, and that the rate of late differs from that of the whole.
   */
  time_left(
    tasks: number,
    times: { known: number; mean: number; deviation: number },
    slaves: number,
  ): TimeLeft | undefined {
    const { known, mean, deviation } = times;
    if (tasks <= 0) return { ms: 0, spread_ms: 0 };
    if (known === 0 || this.recent <= 0 || this.overall <= 0) return undefined;
    const ms = tasks / this.recent;
    const drift = Math.abs(ms - tasks / this.overall) / 2;
    // of one task alone the deviation is not known: take it to be as large as the task
    const width = known < 2 ? mean : deviation;
    const chance = (width * Math.sqrt(tasks + (tasks * tasks) / known)) / Math.max(1, slaves);
    return { ms, spread_ms: Math.hypot(chance, drift) };
  }
}
