/**
 * The tasks of a storm: each writes its begin and its end into the ledger, and does in between what users' tasks do to
 * their slaves. What may become of each is in workload.ts.
 */
import { spawn } from 'node:child_process';
import { current_task } from 'parjob';
import { begin } from './ledger_writer.js';

/** @typedef {{ i: number, kind: string, ms: number, bytes: number }} Spec */

/**
 * A task that is in the ledger. It returns the word of its run, so that each outcome can be found there.
 * @param {(spec: Spec, data: Uint8Array | undefined, entry: ReturnType<typeof begin>) => unknown} work
 */
function recorded(work) {
  return (/** @type {Spec} */ spec, /** @type {Uint8Array | undefined} */ data) => {
    const entry = begin(spec.i);
    const ends = (/** @type {unknown} */ value) => {
      entry.end('done');
      return { i: spec.i, run: entry.run, value };
    };
    const fails = (/** @type {unknown} */ error) => {
      entry.end('threw');
      throw error;
    };
    try {
      const value = work(spec, data, entry);
      return value instanceof Promise ? value.then(ends, fails) : ends(value);
    } catch (error) {
      return fails(error);
    }
  };
}

/** @param {number} ms */
function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {number} ms */
function spin_for(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

export const quick = recorded(() => undefined);
export const spin = recorded(({ ms }) => spin_for(ms));
export const brief = spin;
export const spin_long = spin;
export const sleep = recorded(({ ms }) => wait(ms));
export const sleep_long = sleep;
export const big = recorded((_spec, data) => data);

export const chatter = recorded(async ({ ms }) => {
  for (let done = 0; done < ms; done += 5) {
    current_task().report_progress(done, ms, 'on my way');
    await wait(5);
  }
});

/** Runs until it is told to end. */
export const hold = recorded(async () => {
  const { signal } = current_task();
  const timer = setInterval(() => {}, 1000);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
});

/** @type {Uint8Array[]} */
const hoard = [];
export const leak = recorded(({ bytes }) => {
  hoard.push(new Uint8Array(bytes).fill(1));
});

export const print = recorded(({ i, bytes }) => console.log(`task ${i} ${'prints '.repeat(bytes / 7)}`));

export const leave_child = recorded(() => spawn('sleep', ['1000'], { stdio: 'ignore' }).pid);

export const stray = recorded(() => {
  setTimeout(() => Promise.reject(new Error('stray')), 0);
});

export const throw_error = recorded(({ i }) => {
  throw Object.assign(new TypeError(`task ${i} throws`), { i });
});

export const throw_odd = recorded(({ i }) => {
  /** @type {Record<string, unknown>} */
  const circle = { i };
  circle['self'] = circle;
  throw [undefined, null, i, circle, () => i, new Error('x', { cause: circle })][i % 6];
});

export const return_function = (/** @type {Spec} */ spec) => {
  const entry = begin(spec.i);
  entry.end('threw');
  return { on_done: () => entry };
};

/** @param {(entry: ReturnType<typeof begin>) => void} die */
function in_first_attempt(die) {
  return recorded((_spec, _data, entry) => {
    if (current_task().attempt > 1) return;
    entry.end('dies');
    die(entry);
  });
}

function kill_now() {
  process.kill(process.pid, 'SIGKILL');
  spin_for(1000);
}

export const kill_once = in_first_attempt(kill_now);
export const exit_once = in_first_attempt(() => process.exit(7));

/** @param {() => void} die */
function each_time(die) {
  return (/** @type {Spec} */ spec) => {
    begin(spec.i).end('dies');
    die();
  };
}

export const kill_self = each_time(kill_now);
export const exit = each_time(() => process.exit(3));
export const abort = each_time(() => process.abort());
export const allocate = each_time(() => {
  /** @type {string[]} */
  const hoarded = [];
  for (let i = 0; ; i++) hoarded.push(`${i}`.repeat(1000) + i);
});

export const hang_sync = (/** @type {Spec} */ spec) => {
  begin(spec.i);
  for (;;);
};

export const hang_async = async (/** @type {Spec} */ spec) => {
  begin(spec.i);
  await new Promise(() => {
    setInterval(() => {}, 1000);
  });
};
