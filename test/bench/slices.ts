/**
 * Slices: all contenders are started and then measured in turn, some tens of milliseconds each, over and over.
 *
 * For the time of single round trips. Most of that is the waking of a halted CPU, and whether a CPU halts depends on
 * what else the machine does at the moment: it triples the time or not, for seconds. Contenders that are measured in the
 * same moments meet the same. Those whose turn it is not only wait.
 */
import type { Build } from './build.js';
import { type Conversation, start_measured } from './measured_process.js';
import { type Entry, label_of, Rounds } from './rounds.js';
import { percentile } from './stats.js';

/** Measures a slice and returns the times, in microseconds. */
export type RunSlice = () => Promise<number[]>;

export interface SlicePlan {
  /** How often all contenders are started anew. */
  generations: number;
  /** Results of each generation. */
  rounds: number;
  /** A round is made of so many slices of each contender. */
  slices: number;
}

/** The p50 and p99 of each round, by the `prepare` function of a figure's module. */
export async function run_slices<E extends Entry>(
  build: Build,
  module_name: string,
  entries: readonly E[],
  plan: SlicePlan,
): Promise<Rounds> {
  const result = new Rounds();
  for (let generation = 0; generation < plan.generations; generation++) {
    const contenders: Contender[] = [];
    for (const entry of entries) contenders.push(await Contender.start(build, module_name, entry));
    for (let round = 0; round < plan.rounds; round++) {
      for (const contender of contenders) contender.times = [];
      for (let slice = 0; slice < plan.slices; slice++) {
        for (const contender of contenders) await contender.run_slice();
        contenders.reverse();
      }
      for (const { label, times } of contenders) {
        const measures = { p50_us: percentile(times, 0.5), p99_us: percentile(times, 0.99) };
        result.add(label, times.length > 0 ? measures : undefined);
      }
    }
    for (const contender of contenders) contender.end();
  }
  return result;
}

class Contender {
  readonly label: string;
  times: number[] = [];
  // Undefined when it has failed.
  #process: Conversation | undefined;

  private constructor(label: string) {
    this.label = label;
  }

  static async start(build: Build, module_name: string, entry: Entry): Promise<Contender> {
    const contender = new Contender(label_of(entry));
    const args = [module_name, JSON.stringify(entry)];
    contender.#process = start_measured(build, 'slice_arena.js', args);
    await contender.#receive();
    return contender;
  }

  async run_slice(): Promise<void> {
    this.#process?.send('go');
    await this.#receive();
  }

  end(): void {
    this.#process?.end();
  }

  async #receive(): Promise<void> {
    if (this.#process === undefined) return;
    try {
      this.times.push(...((await this.#process.receive()) as number[]));
    } catch (error) {
      console.error(`${this.label}: ${(error as Error).message}`);
      this.#process.end();
      this.#process = undefined;
      this.times = [];
    }
  }
}
