/** No-op tasks a second: `{ i, s: 'abc' }` -> number, two workers. */
import { type Contender, load_contender } from './contenders/contender.js';
import { type Bench, type Figure, POOLS } from './figure.js';
import type { Goal } from './report.js';
import { type Entry, in_arena, type Measures, type Rounds, run_rounds } from './rounds.js';
import { median } from './stats.js';
import { warm_up } from './warm_up.js';

/** How the tasks are submitted. */
type Way =
  /** All at once by `run`, a promise each. */
  | 'each'
  /** By `run`, a promise each, no more of them than the workers can have under way. */
  | 'window'
  /** All at once by `run_all`. */
  | 'all'
  /** By `stream`, made as they are needed. */
  | 'stream';

export interface ThroughputEntry extends Entry {
  tasks: number;
  warm_ms: number;
  /** Each is measured so many times, in turn, and the median of each counts. */
  ways: Way[];
  times: number;
  /** How many tasks are under way, for `window`. */
  window: number;
}

/** The pools as they come, and with as many tasks per thread as the bare loop has per worker. */
const THROUGHPUT_POOLS = [...POOLS, 'piscina:64', 'tinypool:64'];
const PROMISE_WAYS: Way[] = ['each', 'window'];
/** The better of the ways. */
const BEST = 'tasks_per_s';
const LIMIT = 'limit:64';
const RUN_ALL = 'parjob run_all_tasks';
const RUN_TASK = 'parjob run_task';
const STREAM = 'parjob queue_tasks';

export const throughput: Figure = {
  name: 'throughput',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const rounds = await run_rounds(
      build,
      entries_of(quick, has_parjob),
      quick ? 1 : 5,
      in_arena<ThroughputEntry>('throughput'),
    );
    report.add_results(this.name, rounds);

    const pool = fastest(rounds, THROUGHPUT_POOLS, BEST);
    const compare = (
      label: string,
      metric: string,
      against: string,
      against_metric: string,
      goal?: Goal,
    ): void => {
      const text = `${label} (${way_of(metric)}) / ${against} (${way_of(against_metric)}), no-op tasks/s`;
      report.add_claim(this.name, rounds, { text, label, metric, against, against_metric, goal });
    };
    compare(LIMIT, metric_of('window'), LIMIT, metric_of('each'));
    for (const way of PROMISE_WAYS) compare('limit:256', metric_of(way), LIMIT, metric_of('each'));
    for (const depth of [64, 256]) compare(without_promises(depth), BEST, LIMIT, metric_of('each'));
    for (const label of ['ipc', ...THROUGHPUT_POOLS]) compare(label, BEST, LIMIT, metric_of('each'));
    // What is submitted in the same way is compared: 200,000 promises that wait cost more than 128.
    compare(RUN_ALL, BEST, LIMIT, metric_of('each'), { at_least: 0.6 });
    compare(RUN_ALL, BEST, pool, BEST, { at_least: 5 });
    compare(RUN_TASK, metric_of('each'), LIMIT, metric_of('each'), { at_least: 0.4 });
    compare(RUN_TASK, metric_of('window'), LIMIT, metric_of('window'), { at_least: 0.4 });
    compare(RUN_ALL, BEST, LIMIT, metric_of('window'));
    compare(STREAM, BEST, LIMIT, metric_of('window'));
  },
};

function entries_of(quick: boolean, has_parjob: boolean): ThroughputEntry[] {
  const common = { tasks: quick ? 40_000 : 200_000, warm_ms: quick ? 300 : 1_000, times: 3, window: 128 };
  // The pools are slow, and their speed does not depend on the number of tasks.
  const pool = { ...common, tasks: quick ? 4_000 : 40_000, times: 1 };
  return [
    { contender: LIMIT, ways: PROMISE_WAYS, ...common },
    ...(has_parjob ? parjob_entries(common) : []),
    { contender: 'limit:256', ways: PROMISE_WAYS, ...common, window: 512 },
    { contender: 'limit:64', label: without_promises(64), ways: ['all'], ...common },
    { contender: 'limit:256', label: without_promises(256), ways: ['all'], ...common },
    { contender: 'ipc', ways: PROMISE_WAYS, ...common, times: 1 },
    ...THROUGHPUT_POOLS.map((contender) => ({ contender, ways: PROMISE_WAYS, ...pool })),
  ];
}

function parjob_entries(common: Omit<ThroughputEntry, 'contender' | 'ways'>): ThroughputEntry[] {
  return [
    { contender: 'parjob', label: RUN_ALL, ways: ['all'], ...common },
    { contender: 'parjob', label: RUN_TASK, ways: PROMISE_WAYS, ...common },
    { contender: 'parjob', label: STREAM, ways: ['stream'], ...common },
  ];
}

function metric_of(way: Way): string {
  return `${BEST}_${way}`;
}

function way_of(metric: string): string {
  return metric === BEST ? 'best' : metric.slice(BEST.length + 1);
}

function without_promises(depth: number): string {
  return `limit:${depth} without promises`;
}

/** The one of `labels` with the highest median. */
export function fastest(rounds: Rounds, labels: readonly string[], metric: string): string {
  const speed = (label: string): number => rounds.median(label, metric) || 0;
  return labels.reduce((a, b) => (speed(b) > speed(a) ? b : a));
}

export async function measure(entry: ThroughputEntry): Promise<Measures> {
  const contender = await load_contender(entry.contender);
  await contender.start(2);
  await warm_up(contender, entry.warm_ms);
  const speeds = new Map<Way, number[]>(entry.ways.map((way) => [way, []]));
  for (let j = 0; j < entry.times; j++) {
    for (const way of entry.ways) {
      const start = performance.now();
      const sum = await WAYS[way](contender, entry);
      speeds.get(way)!.push((entry.tasks / (performance.now() - start)) * 1000);
      if (sum !== (entry.tasks * (entry.tasks - 1)) / 2)
        throw new Error(`wrong results: their sum is ${sum}`);
    }
  }
  await contender.stop();
  const measures = Object.fromEntries(entry.ways.map((way) => [metric_of(way), median(speeds.get(way)!)]));
  return { ...measures, [BEST]: Math.max(...Object.values(measures)) };
}

/** Runs the tasks and returns the sum of the results. */
type RunTasks = (contender: Contender, entry: ThroughputEntry) => Promise<number>;

const WAYS: Record<Way, RunTasks> = {
  each: (contender, { tasks }) => run_in_window(contender, tasks, tasks),
  window: (contender, { tasks, window }) => run_in_window(contender, tasks, window),
  all: async (contender, { tasks }) => {
    const results = await contender.run_all!('noop', noop_arguments(tasks));
    let sum = 0;
    for (const result of results) sum += result as number;
    return sum;
  },
  stream: async (contender, { tasks }) => {
    let sum = 0;
    for await (const result of contender.stream!('noop', noop_arguments(tasks))) sum += result as number;
    return sum;
  },
};

export function* noop_arguments(tasks: number): Iterable<unknown> {
  for (let i = 0; i < tasks; i++) yield { i, s: 'abc' };
}

function run_in_window(contender: Contender, tasks: number, window: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let submitted = 0;
    let done = 0;
    let sum = 0;
    const submit = (): void => {
      contender.run('noop', { i: submitted++, s: 'abc' }).then(on_done, reject);
    };
    const on_done = (result: unknown): void => {
      sum += result as number;
      done++;
      if (submitted < tasks) submit();
      else if (done === tasks) resolve(sum);
    };
    while (submitted < window) submit();
  });
}
