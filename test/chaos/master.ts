/**
 * The master of a storm, in a process of its own: a job over the tasks of a seed. It writes each outcome that it is
 * given to a file, checks the values, tells what happens to its slaves, and measures itself before and after.
 */
import { appendFileSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { Job, type Outcome, ParjobError, SlaveDiedError, tasks_from } from '../../src/index.js';
import { ledger_time } from './ledger.js';
import type { MasterOrder, MasterWord, MemorySample, StormWord } from './master_words.js';
import { type OutcomeRecord, outcome_file } from './outcome.js';
import { ProxiedSlave } from './proxied_slave.js';
import { data_of, FIRST_URGENT, fate_of, KINDS, spec_of, type TaskSpec } from './workload.js';

const order = JSON.parse(process.argv[2] as string) as MasterOrder;
const tasks = tasks_from(new URL('./tasks.js', import.meta.url)) as Record<
  string,
  (spec: TaskSpec, data?: Uint8Array) => never
>;
const kinds = KINDS.filter(({ name }) => order.kinds === undefined || order.kinds.includes(name));
/** Outcomes after which all that is loaded once is there. */
const WARM_AFTER = Math.ceil(order.tasks / 5);
/** No slave can be had, or the disk is full: both may be otherwise in a moment. */
const MAY_BE_RUN_AGAIN = new Set(['PARJOB_ERR_NO_SLAVES', 'PARJOB_ERR_STATUS_FILE']);
/** A run that failed so is begun again so often. */
const MAX_FAILED_RUNS = 50;
/** ms */
const RUN_AGAIN_AFTER = 300;
/** How many outcomes there are is told so often, ms. */
const TELL_EVERY = 5;

function say(word: MasterWord): void {
  // synchronous: what was said is not lost with the master
  process.stdout.write(`${JSON.stringify(word)}\n`);
}

const outcomes_fd = openSync(outcome_file(order.folder, order.life), 'a');
let outcome_count = 0;
let told_count = 0;
let told_at = 0;
setInterval(tell_outcomes, TELL_EVERY).unref();

function tell_outcomes(): void {
  told_at = performance.now();
  if (told_count === outcome_count) return;
  told_count = outcome_count;
  say({ kind: 'outcomes', count: outcome_count });
}

function record(outcome: Omit<OutcomeRecord, 'at'>): void {
  writeSync(outcomes_fd, `${JSON.stringify({ ...outcome, at: ledger_time() })}\n`);
  outcome_count++;
  for (const { cancel } of cancel_at.filter(({ count }) => count === outcome_count)) cancel();
  if (performance.now() - told_at > TELL_EVERY) tell_outcomes();
  if (outcome_count >= WARM_AFTER && !is_warm) take_warm_sample();
}

let is_warm = false;
function take_warm_sample(): void {
  try {
    say({ kind: 'memory', when: 'warm', sample: measure() });
    is_warm = true;
  } catch {
    // there may be no descriptor left just now: at the next outcome
  }
}

function spec(i: number): TaskSpec {
  return spec_of(order.seed, i, kinds);
}

function task_of(i: number) {
  const what = spec(i);
  const make = tasks[what.kind] as (spec: TaskSpec, data?: Uint8Array) => never;
  return what.kind === 'big' ? make(what, data_of(what)) : make(what);
}

/** What is wrong with the value of task `i`. */
function fault_of_value(i: number, value: unknown): string | undefined {
  const what = spec(i);
  if (fate_of(what.kind) !== 'returns') return `${what.kind} cannot return`;
  const { i: said, value: data } = (value ?? {}) as { i?: number; value?: unknown };
  if (said !== i) return `the value is that of task ${said}`;
  if (what.kind === 'big' && !isDeepStrictEqual(data, data_of(what))) return 'the data came back changed';
  return undefined;
}

/** What is wrong with the error of task `i`, beside its code. */
function fault_of_error(i: number, error: unknown): string | undefined {
  const what = spec(i);
  if (!(error instanceof ParjobError)) return `the reason is no error of parjob: ${error}`;
  if (what.kind !== 'throw_error' || error.code !== 'PARJOB_ERR_REMOTE') return undefined;
  const { message } = error;
  return message.includes(`task ${i} throws`) ? undefined : `the error is that of another: ${message}`;
}

function record_outcome(outcome: Outcome): void {
  const { status, task } = outcome;
  const i = queued[outcome.index] as number;
  const { attempts } = task;
  if (status === 'fulfilled') {
    const run = (outcome.value as { run?: string } | undefined)?.run;
    record({ i, status, run, attempts, fault: fault_of_value(i, outcome.value) });
    return;
  }
  const { reason } = outcome;
  const { code, message } = reason as ParjobError;
  if (code === 'PARJOB_ERR_CANCELLED' && cancelled.has(i)) {
    record({ i, status: 'cancelled', attempts });
    return;
  }
  // what was the fault of node or network is told as well, but is not charged
  const deaths =
    reason instanceof SlaveDiedError
      ? reason.attempts.filter(({ why }) => why !== 'lost' && why !== 'evicted').length
      : undefined;
  record({ i, status, code, message, attempts, deaths, fault: fault_of_error(i, reason) });
}

// ---- the job

say({ kind: 'memory', when: 'begin', sample: measure() });
const launched = new Map<ProxiedSlave, number | undefined>();

function new_slave(): ProxiedSlave {
  const slave: ProxiedSlave = new ProxiedSlave(
    order.proxy,
    { node_flags: ['--max-old-space-size=64'] },
    (launch) => {
      launched.set(slave, launch.pid);
      say({ kind: 'launched', ...launch });
    },
    (pid) => {
      launched.set(slave, pid);
      say({ kind: 'adopted', pid });
    },
  );
  return slave;
}

const job = new Job<unknown>(Array.from({ length: order.slaves }, new_slave), {
  slave_command: [process.execPath],
  log_dir: order.log_dir,
  log_level: 'silent',
  jobname: 'storm',
  ...order.options,
});
const counts: Record<string, number> = {};
for (const name of [
  'task_retried',
  'task_cancelled',
  'stray_error',
  'client_refused',
  'task_progress',
  'heartbeat',
  'slave_disconnected',
  'slave_reconnected',
] as const) {
  job.on(name, () => {
    counts[name] = (counts[name] ?? 0) + 1;
  });
}
job.on('slave_connected', ({ slave }) =>
  say({ kind: 'connected', slave: slave.name, pid: slave.pid as number }),
);
job.on('slave_lost', ({ slave, error, why }) => {
  const pid = launched.get(slave as ProxiedSlave);
  say({ kind: 'lost', slave: slave.name, pid, why, reason: error.message });
});
job.on('slave_dead', ({ slave, error }) => say({ kind: 'dead', slave: slave.name, reason: error.message }));
job.on('slave_stopped', ({ slave }) =>
  say({ kind: 'stopped', slave: slave.name, pid: launched.get(slave as ProxiedSlave) }),
);

createInterface({ input: process.stdin }).on('line', (line) => {
  const word = JSON.parse(line) as StormWord;
  if (word.kind === 'dump') say({ kind: 'dump', text: dump() });
  else if (word.kind === 'add_slave') job.push(new_slave());
  else job.splice(word.place % job.length, 1);
});
process.stdin.unref?.();

function dump(): string {
  const slaves = job.map((slave) => `${slave.name} ${slave.state} pid ${slave.pid}`);
  return `${outcome_count} outcomes; slaves: ${slaves.join(', ')}`;
}

// ---- the runs

/** Which task has which place in the queue. */
const queued: number[] = [];
/** Tasks of the queue that were cancelled before they had an outcome. */
const cancelled = new Set<number>();

function* lazy_tasks(indices: readonly number[]) {
  for (const i of indices) {
    queued.push(i);
    yield task_of(i);
  }
}

function queue_one(i: number): void {
  const hangs = fate_of(spec(i).kind) === 'hangs';
  queued.push(i);
  const handle = job.queue_task(task_of(i), hangs ? { timeout: order.timeout } : undefined);
  if (order.cancels_one_in === 0 || i % order.cancels_one_in !== 0) return;
  // when so many others are done; about then it is its own turn
  cancel_at.push({ count: i + (i % 7) - 3, cancel: () => handle.cancel() && cancelled.add(i) });
}

const cancel_at: { count: number; cancel: () => void }[] = [];

async function run_queue(): Promise<void> {
  const all = Array.from({ length: order.tasks }, (_, i) => i);
  // what needs options or a handle cannot be left to an iterable
  const is_plain = (i: number) => order.is_lazy && fate_of(spec(i).kind) !== 'hangs';
  for (const i of all) if (!is_plain(i)) queue_one(i);
  if (order.is_lazy) job.queue_tasks(lazy_tasks(all.filter(is_plain)));
  for (let failed = 0; ; failed++) {
    try {
      for await (const outcome of job.yield_tasks_unordered({ settle: true })) record_outcome(outcome);
      return;
    } catch (error) {
      const { code = 'none', message } = error as ParjobError;
      say({ kind: 'run_failed', code, message });
      if (!MAY_BE_RUN_AGAIN.has(code) || failed > MAX_FAILED_RUNS) throw error;
      await pause(RUN_AGAIN_AFTER);
    }
  }
}

/** Sends tasks beside the queue, a few at a time; some are given up half way. */
async function run_urgent(): Promise<void> {
  let next = 0;
  const one_after_another = async () => {
    for (let mine = next++; mine < order.urgent; mine = next++) {
      // in step with the queue
      while (outcome_count < (mine * order.tasks) / (order.urgent + 1)) await pause(20);
      await run_one(FIRST_URGENT + mine);
    }
  };
  await Promise.all([one_after_another(), one_after_another(), one_after_another()]);
}

async function run_one(i: number): Promise<void> {
  const give_up = new AbortController();
  const is_given_up = i % 4 === 0;
  const task = task_of(i);
  const timeout = fate_of(spec(i).kind) === 'hangs' ? { timeout: order.timeout } : {};
  const result = job.run_task<unknown>(task, { signal: give_up.signal, ...timeout });
  if (is_given_up) setTimeout(() => give_up.abort(new Error(`gave up ${i}`)), i % 100).unref();
  try {
    const value = await result;
    record({ i, status: 'fulfilled', run: (value as { run?: string }).run, fault: fault_of_value(i, value) });
  } catch (error) {
    const { code, message } = error as ParjobError;
    if (message === `gave up ${i}`) record({ i, status: 'cancelled' });
    else record({ i, status: 'rejected', code, message, fault: fault_of_error(i, error) });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// ---- what it takes

function measure(): MemorySample {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const open = readdirSync('/proc/self/fd')
    .map(target_of)
    .filter((target) => target !== undefined);
  const sockets = open.filter((target) => target.startsWith('socket:')).length;
  const resources = process.getActiveResourcesInfo();
  return { rss, heap: heapUsed, external, sockets, descriptors: open.length, open, resources };
}

function target_of(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // that by which the folder itself was read
  }
}

try {
  await Promise.all([run_queue(), run_urgent()]);
  await job.stop();
  tell_outcomes();
  // sockets close in the turns of the event loop that follow
  await pause(200);
  say({ kind: 'memory', when: 'end', sample: measure() });
  say({ kind: 'finished', counts });
  // whether it would have ended by itself is in the sample: node 20 with a loader now and then spins at its own end
  process.exit(0);
} catch (error) {
  appendFileSync(2, `the master of the storm failed: ${(error as Error).stack}\n`);
  await job.stop();
  process.exit(1);
}
