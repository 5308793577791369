/**
 * Supervisor: runs the fuzzer in a thread of its own and watches it. A thread that hangs or runs out of memory
 * is a failure of the input that it was at, and another goes on behind that input.
 */
import type { Failure } from './failure.js';
import type { Tally } from './fuzz.js';
import type { TargetName } from './target_names.js';
import { start_thread } from './thread.js';

/** Iterations of one target. */
export interface Stint {
  target: TargetName;
  from: number;
  to: number;
}

/** What a thread is to do. */
export interface Order {
  stints: readonly Stint[];
  seed: number;
  /** When it must end, ms since 1970. */
  deadline: number;
  /** Where it is: stint and iteration. */
  progress: Int32Array;
}

/** What came of one stint, or of what was done of it. */
export interface Report {
  target: TargetName;
  tally: Tally;
  mutations: number;
  ms: number;
}

/** What a thread tells, and `fuzz` tells on. */
export type News = { report: Report } | { failure: Failure };

/** An input that takes so long hangs, ms. */
const HANG = 10_000;
const LOOK_EVERY = 1000;
/** Threads that may be lost to one target. */
const MAX_LOST = 3;
/** The stack is that of a main thread. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32, stackSizeMb: 1 };

/** Runs `stints` one after another. What comes of each is told at once, its report maybe in several parts. */
export async function fuzz(
  stints: readonly Stint[],
  seed: number,
  on_news: (news: News) => void,
  deadline = Infinity,
): Promise<void> {
  const lost = new Map<TargetName, number>();
  for (let left = stints; left.length > 0; ) {
    const progress = new Int32Array(new SharedArrayBuffer(8));
    progress[1] = left[0]?.from ?? 0;
    const end = await run_thread({ stints: left, seed, deadline, progress }, on_news);
    if (end === undefined) return;
    const [at, iteration] = [Atomics.load(progress, 0), Atomics.load(progress, 1)];
    const stint = left[at] as Stint;
    const { target } = stint;
    const mutations = iteration - stint.from + 1;
    on_news({ failure: await lost_at(target, seed, iteration, end) });
    on_news({ report: { target, tally: { taken: 0, refused: 0 }, mutations, ms: 0 } });
    lost.set(target, (lost.get(target) ?? 0) + 1);
    const is_hopeless = (lost.get(target) as number) >= MAX_LOST;
    left = [...(is_hopeless ? [] : [{ ...stint, from: iteration + 1 }]), ...left.slice(at + 1)];
  }
}

/** Resolves with what ended the thread; undefined when it has done all that it should. */
function run_thread(order: Order, on_news: (news: News) => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    const worker = start_thread('./worker.ts', order, { resourceLimits: LIMITS });
    let [at, since, reports] = [-1, Date.now(), 0];
    const timer = setInterval(() => {
      const now = Atomics.load(order.progress, 1);
      if (now !== at) [at, since] = [now, Date.now()];
      if (Date.now() - since > HANG) end(`hangs for more than ${HANG} ms`);
    }, LOOK_EVERY);
    const end = (why: string | undefined) => {
      clearInterval(timer);
      resolve(why);
      void worker.terminate();
    };
    worker.on('message', (news: News) => {
      on_news(news);
      if ('report' in news && ++reports === order.stints.length) end(undefined);
    });
    worker.once('error', (error) => end(`ends the thread: ${error.stack ?? error.message}`));
    worker.once('exit', (code) => end(`ends the thread with code ${code}`));
  });
}

async function lost_at(target: TargetName, seed: number, iteration: number, story: string): Promise<Failure> {
  const [{ TARGETS }, { input_of }] = await Promise.all([import('./targets/all.js'), import('./fuzz.js')]);
  const made = TARGETS[target]();
  const { bytes } = input_of(made, seed, iteration).input;
  made.close?.();
  const key = story.slice(0, 60);
  return { target, seed, iteration, key, story, input: bytes.toString('hex'), bytes: bytes.length };
}
