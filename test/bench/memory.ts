/**
 * What a master holds: bytes per queued task beyond its arguments, and how much it grows while tasks that are made
 * lazily run through it.
 */
import { load_contender } from './contenders/contender.js';
import { type Bench, type Figure, POOLS } from './figure.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';
import { noop_arguments } from './throughput.js';

interface MemoryEntry extends Entry {
  /** `queue` all tasks and run none, or `stream` them through; `arguments` only makes an array of the arguments. */
  what: 'queue' | 'stream' | 'arguments';
  tasks: number;
}

const ARGUMENTS = 'arguments alone';
const QUEUED = 'heap_bytes_per_task';
const GROWTH = 'heap_growth_mb';
const MAX_BYTES_PER_TASK = 300;
/** More than this, over all the tasks, is not flat. */
const FLAT_MB = 8;
const STREAM = 'parjob queue_tasks';

export const memory: Figure = {
  name: 'memory',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const tasks = quick ? 200_000 : 1_000_000;
    // The pools hold so much that fewer tasks must do.
    const pool_tasks = tasks / 5;
    const entries: MemoryEntry[] = [
      { contender: '', label: ARGUMENTS, what: 'arguments', tasks },
      { contender: 'limit:64', what: 'queue', tasks },
      ...POOLS.map((contender): MemoryEntry => ({ contender, what: 'queue', tasks: pool_tasks })),
    ];
    if (has_parjob) {
      entries.push(
        { contender: 'parjob', what: 'queue', tasks },
        { contender: 'parjob', label: STREAM, what: 'stream', tasks },
      );
    }
    const measure_once = in_arena<MemoryEntry>('memory', ['--expose-gc']);
    const rounds = await run_rounds(build, entries, quick ? 1 : 3, measure_once);
    report.add_results(this.name, rounds);

    const beyond = (label: string, metric: string): number =>
      rounds.median(label, metric) - rounds.median(ARGUMENTS, metric);
    report.add_value(this.name, `${ARGUMENTS}, bytes a task`, rounds.median(ARGUMENTS, QUEUED));
    for (const label of ['limit:64', ...POOLS]) {
      report.add_value(this.name, `${label}, bytes a queued task beyond them`, beyond(label, QUEUED));
    }
    const text = 'parjob, bytes a queued task beyond its arguments';
    report.add_value(this.name, `${text}, by RSS`, beyond('parjob', 'rss_bytes_per_task'));
    report.add_bound(this.name, text, beyond('parjob', QUEUED), MAX_BYTES_PER_TASK);
    const stream_text = `${STREAM} lazily, MB more over ${tasks} tasks`;
    report.add_value(this.name, `${stream_text}, by RSS`, rounds.median(STREAM, 'rss_growth_mb'));
    report.add_bound(this.name, stream_text, rounds.median(STREAM, GROWTH), FLAT_MB);
  },
};

export async function measure(entry: MemoryEntry): Promise<Measures> {
  if (entry.what === 'stream') return measure_stream(entry);
  const contender = entry.what === 'queue' ? await load_contender(entry.contender) : undefined;
  await contender?.start(2);
  await contender?.ready?.();
  // Some first, so that what is made once and code are not counted.
  const held: unknown[] = [];
  const queue = (tasks: number): void => {
    for (const arg of noop_arguments(tasks)) {
      if (contender === undefined) held.push(arg);
      else contender.queue!('noop', arg);
    }
  };
  queue(entry.tasks / 100);
  const before = held_now();
  queue(entry.tasks);
  const after = held_now();
  return {
    [QUEUED]: (after.heap - before.heap) / entry.tasks,
    rss_bytes_per_task: (after.rss - before.rss) / entry.tasks,
    rss_mb: after.rss / 1e6,
  };
}

/** Looks at the heap, after a collection, ten times on the way; the first tenth is not counted. */
async function measure_stream(entry: MemoryEntry): Promise<Measures> {
  const contender = await load_contender(entry.contender);
  await contender.start(2);
  await contender.ready?.();
  const heaps: number[] = [];
  const resident: number[] = [];
  let done = 0;
  let sum = 0;
  const start = performance.now();
  for await (const result of contender.stream!('noop', noop_arguments(entry.tasks))) {
    sum += result as number;
    if (++done % (entry.tasks / 10) !== 0) continue;
    resident.push(process.memoryUsage.rss());
    heaps.push(held_now().heap);
  }
  const tasks_per_s = (done / (performance.now() - start)) * 1000;
  if (sum !== (entry.tasks * (entry.tasks - 1)) / 2) throw new Error(`wrong results: their sum is ${sum}`);
  await contender.stop();
  return {
    [GROWTH]: (Math.max(...heaps.slice(1)) - heaps[0]!) / 1e6,
    rss_growth_mb: (Math.max(...resident.slice(1)) - resident[0]!) / 1e6,
    rss_max_mb: Math.max(...resident) / 1e6,
    tasks_per_s,
  };
}

/** Bytes on the heap and in buffers outside it, and resident, after a full collection. */
function held_now(): { heap: number; rss: number } {
  globalThis.gc!();
  globalThis.gc!();
  // `external` includes arrayBuffers.
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}
