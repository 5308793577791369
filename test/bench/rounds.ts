/**
 * Rounds: every contender is measured once a round, in turn, in a fresh process each time.
 *
 * The machine is never quiet and its speed drifts, so contenders are interleaved, the order is turned round from round
 * to round, ratios are taken inside a round, and the median over the rounds is what is told.
 */
import type { Build } from './build.js';
import { run_measured } from './measured_process.js';
import { median } from './stats.js';

/** A contender and how it is measured. More fields may follow: they are the figure's own. */
export interface Entry {
  /** As load_contender takes it. */
  contender: string;
  /** What it is called in the results; `contender` where it is not given. */
  label?: string;
}

/** What was measured, by name. */
export type Measures = Record<string, number>;

/** Measures one entry in a fresh process. */
export type MeasureOnce<E extends Entry> = (build: Build, entry: E) => Promise<Measures>;

/** The measures of all rounds, by label. A round in which the contender failed holds undefined. */
export class Rounds {
  readonly #by_label = new Map<string, (Measures | undefined)[]>();

  add(label: string, measures: Measures | undefined): void {
    const rounds = this.#by_label.get(label);
    if (rounds === undefined) this.#by_label.set(label, [measures]);
    else rounds.push(measures);
  }

  get labels(): string[] {
    return [...this.#by_label.keys()];
  }

  metrics(label: string): string[] {
    const first = this.#by_label.get(label)?.find((measures) => measures !== undefined);
    return Object.keys(first ?? {});
  }

  /** The values of one metric, round by round; NaN where there is none. */
  values(label: string, metric: string): number[] {
    return (this.#by_label.get(label) ?? []).map((measures) => measures?.[metric] ?? Number.NaN);
  }

  median(label: string, metric: string): number {
    return median(this.values(label, metric).filter((value) => !Number.isNaN(value)));
  }

  /** The ratio of two contenders in each round, and the median of those. */
  ratio(label: string, reference: string, metric: string, reference_metric = metric): number {
    const references = this.values(reference, reference_metric);
    const ratios = this.values(label, metric).map(
      (value, round) => value / (references[round] ?? Number.NaN),
    );
    return median(ratios.filter((ratio) => !Number.isNaN(ratio)));
  }
}

export async function run_rounds<E extends Entry>(
  build: Build,
  entries: readonly E[],
  rounds: number,
  measure_once: MeasureOnce<E>,
): Promise<Rounds> {
  const result = new Rounds();
  // In the order of the entries, whichever is measured first.
  const by_entry = entries.map((): (Measures | undefined)[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...entries.keys()];
    if (round % 2 === 1) order.reverse();
    for (const j of order) {
      const entry = entries[j]!;
      try {
        by_entry[j]!.push(await measure_once(build, entry));
      } catch (error) {
        console.error(`${label_of(entry)}, round ${round + 1}: ${(error as Error).message}`);
        by_entry[j]!.push(undefined);
      }
    }
  }
  for (const [j, entry] of entries.entries()) {
    for (const measures of by_entry[j]!) result.add(label_of(entry), measures);
  }
  return result;
}

/** Measures by the `measure` function of a figure's module, in arena.js. */
export function in_arena<E extends Entry>(
  module_name: string,
  node_flags: readonly string[] = [],
): MeasureOnce<E> {
  return async (build, entry) => {
    const report = await run_measured(build, node_flags, 'arena.js', [module_name, JSON.stringify(entry)]);
    return report.json as Measures;
  };
}

export function label_of(entry: Entry): string {
  return entry.label ?? entry.contender;
}
