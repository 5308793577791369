/**
 * TaskQuery: finds, sorts and pages through the tasks of a ring, of which there may be millions. It works in
 * slices, between which the master goes on with the run.
 */
import type { TaskRing, TaskRow } from '../task_ring.js';

/** Rows that are looked at, or sorted, in one go: a few ms. */
const SLICE = 2 ** 16;
const MOST_ROWS = 500;

export const SORT_KEYS = [
  'serial',
  'index',
  'name',
  'slave',
  'attempt',
  'outcome',
  'start',
  'run_ms',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface TaskQuery {
  offset: number;
  limit: number;
  sort: SortKey;
  descending: boolean;
  /** Places in OUTCOMES. */
  outcome?: number | undefined;
  /** Numbers of names and slaves that are wanted; undefined for all. */
  names?: ReadonlySet<number> | undefined;
  slaves?: ReadonlySet<number> | undefined;
  index?: number | undefined;
}

export interface TaskPage {
  /** Tasks that match. */
  matched: number;
  rows: TaskRow[];
}

/** What the text of a name or a slave is in the order of the alphabet, by its number. */
export type Ranks = ArrayLike<number>;

export async function query_tasks(
  ring: TaskRing,
  query: TaskQuery,
  ranks: { names: Ranks; slaves: Ranks },
): Promise<TaskPage> {
  const first = ring.added - ring.size;
  const matches = await find(ring, query, first, ring.added);
  const { descending } = query;
  const limit = Math.min(MOST_ROWS, query.limit);
  const wanted = Math.min(matches.length, query.offset + limit);
  let serials: number[] = [];
  if (query.sort === 'serial') {
    for (let i = query.offset; i < wanted; i++)
      serials.push(first + (matches[descending ? matches.length - 1 - i : i] as number));
  } else {
    const runs = await sorted_runs(ring, query.sort, ranks, first, matches);
    serials = merged(runs, query.offset, wanted, descending).map((key) => first + (key % POSITIONS));
  }
  const rows = serials.map((serial) => ring.row(serial)).filter((row) => row !== undefined);
  return { matched: matches.length, rows };
}

/** Distances from `first` of the rows that match. */
async function find(ring: TaskRing, query: TaskQuery, first: number, end: number): Promise<Uint32Array> {
  const found = new Uint32Array(end - first);
  let length = 0;
  for (let from = first; from < end; from += SLICE) {
    if (from > first) await turn();
    const to = Math.min(end, from + SLICE);
    for (let serial = from; serial < to; serial++) {
      const at = ring.place_of(serial);
      if (query.outcome !== undefined && ring.outcomes[at] !== query.outcome) continue;
      if (query.index !== undefined && ring.indices[at] !== query.index) continue;
      if (query.names?.has(ring.names[at] as number) === false) continue;
      if (query.slaves?.has(ring.slaves[at] as number) === false) continue;
      found[length++] = serial - first;
    }
  }
  return found.subarray(0, length);
}

/** A key holds 32 bits to sort by, then the distance from the first row: so it is a whole number below 2^53. */
const POSITIONS = 2 ** 21;
const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

async function sorted_runs(
  ring: TaskRing,
  sort: SortKey,
  ranks: { names: Ranks; slaves: Ranks },
  first: number,
  matches: Uint32Array,
): Promise<Float64Array[]> {
  const start = ring.size === 0 ? 0 : (ring.starts[ring.place_of(first)] as number) - 3_600_000;
  const runs: Float64Array[] = [];
  for (let from = 0; from < matches.length; from += SLICE) {
    if (from > 0) await turn();
    const keys = new Float64Array(Math.min(SLICE, matches.length - from));
    for (let i = 0; i < keys.length; i++) {
      const position = matches[from + i] as number;
      const key = key_of(ring, sort, ranks, ring.place_of(first + position), start);
      keys[i] = Math.min(2 ** 32 - 1, Math.max(0, key)) * POSITIONS + position;
    }
    runs.push(keys.sort());
  }
  return runs;
}

function key_of(
  ring: TaskRing,
  sort: SortKey,
  ranks: { names: Ranks; slaves: Ranks },
  at: number,
  start: number,
): number {
  switch (sort) {
    case 'index':
      return (ring.indices[at] as number) + 1;
    case 'name':
      return ranks.names[ring.names[at] as number] ?? 0;
    case 'slave':
      return ranks.slaves[ring.slaves[at] as number] ?? 2 ** 32 - 1;
    case 'attempt':
      return ring.attempts[at] as number;
    case 'outcome':
      return ring.outcomes[at] as number;
    case 'start':
      return Math.floor((ring.starts[at] as number) - start);
    case 'run_ms':
      // floats above 0 have the order of their bits
      FLOAT[0] = ring.run_ms[at] as number;
      return BITS[0] as number;
    case 'serial':
      return 0;
  }
}

/** The keys at places `from` to `to` of all runs together. */
function merged(runs: readonly Float64Array[], from: number, to: number, descending: boolean): number[] {
  const taken = runs.map(() => 0);
  const keys: number[] = [];
  for (let place = 0; place < to; place++) {
    let best = -1;
    let best_key = 0;
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i] as Float64Array;
      const at = descending ? run.length - 1 - (taken[i] as number) : (taken[i] as number);
      const key = run[at];
      if (key === undefined || (best !== -1 && (descending ? key <= best_key : key >= best_key))) continue;
      best = i;
      best_key = key;
    }
    taken[best] = (taken[best] as number) + 1;
    if (place >= from) keys.push(best_key);
  }
  return keys;
}

/** Ranks of texts by number. */
export function ranks_of(texts: readonly string[]): Uint32Array {
  const order = texts.map((_, i) => i);
  const compare = new Intl.Collator('en', { numeric: true }).compare;
  order.sort((a, b) => compare(texts[a] as string, texts[b] as string));
  const ranks = new Uint32Array(texts.length);
  for (const [rank, number] of order.entries()) ranks[number] = rank;
  return ranks;
}

/** Numbers of the texts in which `part` stands. */
export function numbers_with(texts: readonly string[], part: string): Set<number> {
  const low = part.toLowerCase();
  const numbers = new Set<number>();
  for (const [i, text] of texts.entries()) if (text.toLowerCase().includes(low)) numbers.add(i);
  return numbers;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
