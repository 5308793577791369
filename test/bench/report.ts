/** What comes of a bench: a JSON line per result as soon as it is known, and a table at the end. */
import type { Rounds } from './rounds.js';
import { rounded } from './stats.js';

/** A goal: the ratio is to be at least, or at most, this. */
export type Goal = { at_least: number } | { at_most: number };

/** A claim that is put to the test: what `label` reaches is so much of what `against` reaches. */
export interface Claim {
  text: string;
  label: string;
  metric: string;
  against: string;
  /** The metric of `against`, where it is another. */
  against_metric?: string;
  /** A row without a goal is for information only. */
  goal?: Goal | undefined;
}

export class Report {
  readonly #table: string[][] = [['figure', 'what', 'value', 'reference', 'ratio', 'goal', '']];

  /** What share of the CPUs others used just before the figure was measured. */
  add_foreign_load(figure: string, load: number): void {
    print_line({ figure, foreign_load: rounded(load) });
    this.#table.push([figure, 'CPUs in use by others just before', show(load), '', '', '', '']);
  }

  /** One line per contender and metric. */
  add_results(figure: string, rounds: Rounds): void {
    for (const label of rounds.labels) {
      for (const metric of rounds.metrics(label)) {
        const value = rounded(rounds.median(label, metric));
        print_line({
          figure,
          contender: label,
          metric,
          value,
          rounds: rounds.values(label, metric).map(rounded),
        });
      }
      if (rounds.metrics(label).length === 0) print_line({ figure, contender: label, failed: true });
    }
  }

  /** Tests a claim by the rounds in which both were measured. */
  add_claim(figure: string, rounds: Rounds, claim: Claim): void {
    const { text, label, metric, against, against_metric = metric, goal } = claim;
    const value = rounds.median(label, metric);
    const reference = rounds.median(against, against_metric);
    this.#add(figure, text, value, reference, rounds.ratio(label, against, metric, against_metric), goal);
  }

  /** Tests whether a value is within a bound. */
  add_bound(figure: string, text: string, value: number, bound: number): void {
    this.#add(figure, text, value, bound, value / bound, { at_most: 1 });
  }

  /** A value for information only. */
  add_value(figure: string, text: string, value: number): void {
    this.#table.push([figure, text, show(value), '', '', '', '']);
  }

  #add(
    figure: string,
    text: string,
    value: number,
    reference: number,
    ratio: number,
    goal: Goal | undefined,
  ): void {
    const row = [figure, text, show(value), show(reference), show(ratio)];
    if (goal === undefined) {
      this.#table.push([...row, '', '']);
      return;
    }
    const shown = { value: rounded(value), reference: rounded(reference), ratio: rounded(ratio) };
    const verdict = verdict_of(ratio, goal);
    print_line({ figure, claim: text, ...shown, ...goal, verdict });
    this.#table.push([...row, 'at_least' in goal ? `>= ${goal.at_least}` : `<= ${goal.at_most}`, verdict]);
  }

  print_table(): void {
    const widths = this.#table[0]!.map((_, column) =>
      Math.max(...this.#table.map((row) => row[column]!.length)),
    );
    console.log();
    for (const row of this.#table) {
      // Words to the left, numbers to the right.
      const cells = row.map((cell, j) =>
        j >= 2 && j <= 5 ? cell.padStart(widths[j]!) : cell.padEnd(widths[j]!),
      );
      console.log(cells.join('  ').trimEnd());
    }
  }
}

function verdict_of(ratio: number, goal: Goal): string {
  if (Number.isNaN(ratio)) return 'not measured';
  const is_met = 'at_least' in goal ? ratio >= goal.at_least : ratio <= goal.at_most;
  return is_met ? 'met' : 'NOT MET';
}

function print_line(line: object): void {
  console.log(JSON.stringify(line));
}

function show(value: number): string {
  return Number.isNaN(value) ? '-' : String(rounded(value));
}
