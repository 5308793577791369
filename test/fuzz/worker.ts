/** The thread in which the fuzzer runs, since it may hang or run out of memory. See supervisor.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Fuzzer } from './fuzz.js';
import type { News, Order, Report, Stint } from './supervisor.js';
import { TARGETS } from './targets/all.js';

/** Bytes that a run may leave behind, however long it is. */
const MAX_LEFT_BYTES = 24 * 2 ** 20;
const WARM_UP = 2000;

setFlagsFromString('--expose-gc');
const collect_garbage = runInNewContext('gc') as () => void;

const { stints, seed, deadline, progress } = workerData as Order;
for (const [i, stint] of stints.entries()) {
  Atomics.store(progress, 1, stint.from);
  Atomics.store(progress, 0, i);
  tell({ report: run(stint) });
}

function tell(news: News): void {
  parentPort?.postMessage(news);
}

function run({ target: name, from, to }: Stint): Report {
  const target = TARGETS[name]();
  // told at once: the thread may not live to the end
  const fuzzer = new Fuzzer(target, seed, (failure) => tell({ failure }));
  const start = performance.now();
  let warm: number | undefined;
  let iteration = from;
  for (; iteration < to && Date.now() < deadline && !fuzzer.is_full; iteration++) {
    Atomics.store(progress, 1, iteration);
    fuzzer.run(iteration);
    if (iteration === from + WARM_UP) warm = bytes_in_use();
  }
  const ms = performance.now() - start;
  fuzzer.look(iteration);
  const left = warm === undefined ? 0 : bytes_in_use() - warm;
  if (left > MAX_LEFT_BYTES) fuzzer.report(iteration, `${left} bytes were left behind by all inputs before`);
  target.close?.();
  return { target: name, tally: fuzzer.tally, mutations: iteration - from, ms };
}

function bytes_in_use(): number {
  collect_garbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
