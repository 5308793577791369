/**
 * Reports: what the example writes and prints about the pairs it has aligned and the time that took.
 */
import { type PairTable, pairs_of } from './blocks.js';

/** All pairs as a table, one pair a line. */
export function identity_tsv(names: readonly string[], table: PairTable): string {
  const lines = ['name_1\tname_2\tidentity_percent\tidentical\tlength\tscore'];
  for (const [i, j] of pairs_of(table.n)) {
    const at = i * table.n + j;
    const percent = (table.identity[at]! * 100).toFixed(2);
    const figures = [percent, table.identical[at]!, table.lengths[at]!, table.scores[at]!.toFixed(1)];
    lines.push([names[i]!, names[j]!, ...figures].join('\t'));
  }
  return `${lines.join('\n')}\n`;
}

/** The two lines on the closest and the farthest pair. */
export function extremes(names: readonly string[], table: PairTable): string {
  const closest = extreme(table, (a, b) => a > b);
  const farthest = extreme(table, (a, b) => a < b);
  return [
    `closest   ${describe(closest, names, table)}`,
    `farthest  ${describe(farthest, names, table)}`,
  ].join('\n');
}

interface Extreme {
  i: number;
  j: number;
  /** How many pairs have this same identity. */
  count: number;
}

function extreme(table: PairTable, is_better: (a: number, b: number) => boolean): Extreme {
  let found: Extreme = { i: 0, j: 1, count: 0 };
  let best = table.identity[1]!;
  for (const [i, j] of pairs_of(table.n)) {
    const identity = table.identity[i * table.n + j]!;
    if (is_better(identity, best)) {
      best = identity;
      found = { i, j, count: 1 };
    } else if (identity === best) found.count++;
  }
  return found;
}

function describe({ i, j, count }: Extreme, names: readonly string[], table: PairTable): string {
  const at = i * table.n + j;
  const share = `${(table.identity[at]! * 100).toFixed(1)}% identical (${table.identical[at]!} of ${table.lengths[at]!} columns)`;
  return `${names[i]} and ${names[j]}, ${share}${count > 1 ? `, and ${count - 1} other pairs` : ''}`;
}

/** A run over some blocks, as a line. `startup` is the time until the slaves were there; it is not in `seconds`. */
export function run_line(slaves: number, seconds: number, startup: number, cells: number): string {
  const speed = `${Math.round(cells / seconds / 1e6)} million cells a second`;
  return `${count_slaves(slaves)}  ${seconds.toFixed(2)} s (${speed}; start-up, not counted, ${startup.toFixed(2)} s)`;
}

/** "1 slave ", "2 slaves", as wide as each other. */
export function count_slaves(count: number): string {
  return count === 1 ? '1 slave ' : `${count} slaves`;
}
