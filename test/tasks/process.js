/** Tasks that do to a real slave what users' tasks do to theirs. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { current_task } from 'parjob';

export const echo = (/** @type {unknown} */ value) => value;
export const add = (/** @type {number} */ a, /** @type {number} */ b) => a + b;
export const pid = () => process.pid;

/** @param {number} ms */
export async function sleep_for(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
}

/** Blocks the event loop. @param {number} ms */
export function spin_for(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

/** What a slave was started with. */
export const surroundings = () => ({
  cwd: process.cwd(),
  exec_argv: process.execArgv,
  argv: process.argv,
  env: { ...process.env },
});

export const read_env = (/** @type {string} */ name) => process.env[name];

export async function nice_level() {
  const { getPriority } = await import('node:os');
  return getPriority();
}

/** Leaves a mark in `file`, then ends the process. @param {string} file @param {number} code */
export function mark_and_exit(file, code) {
  appendFileSync(file, `${process.pid}\n`);
  process.exit(code);
}

/** Dies in the first run, returns in the second. @param {string} file */
export async function die_once(file) {
  if (existsSync(file)) return 'second run';
  appendFileSync(file, 'x');
  process.kill(process.pid, 'SIGKILL');
  return 'never';
}

/** @param {string} file */
export function mark_and_kill(file) {
  appendFileSync(file, `${process.pid}\n`);
  process.kill(process.pid, 'SIGKILL');
}

export function throw_rich_error() {
  const error = Object.assign(new TypeError('no good', { cause: new Error('deep down') }), {
    code: 'E_GOOD',
    data: [1],
  });
  throw error;
}

export function throw_undefined() {
  throw undefined;
}

export const return_function = () => ({ on_done: () => {} });
export const return_megabytes = (/** @type {number} */ n) => new Uint8Array(n * 1024 * 1024);

/** @returns {number} */
export function overflow_stack() {
  return overflow_stack() + 1;
}

export function exhaust_heap() {
  /** @type {string[]} */
  const hoard = [];
  for (let i = 0; ; i++) hoard.push(`${i}`.repeat(1000) + i);
}

export function reject_later() {
  setTimeout(() => Promise.reject(new Error('stray')), 0);
  return 'returned';
}

/** A timer throws while the task waits. */
export async function throw_in_timer() {
  setTimeout(() => {
    throw new Error('thrown in a timer');
  }, 0);
  await new Promise(() => {});
}

/** Starts a program that outlives the task unless someone ends it. @returns {number | undefined} its pid */
export function leave_child() {
  return spawn('sleep', ['600'], { stdio: 'ignore' }).pid;
}

/** @param {string} text */
export function print(text) {
  console.log(text);
  return text.length;
}

/** Ends when it is told to. @returns {Promise<never>} */
export function until_aborted() {
  const { signal } = current_task();
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

/** Starts a program, says its pid as progress, and ends the process. @param {number} code */
export function exit_beside_child(code) {
  current_task().report_progress(/** @type {number} */ (spawn('sleep', ['600'], { stdio: 'ignore' }).pid));
  process.exit(code);
}

/** Starts a program, tells its pid as progress, and never ends. @returns {Promise<never>} */
export function run_child() {
  current_task().report_progress(/** @type {number} */ (spawn('sleep', ['600'], { stdio: 'ignore' }).pid));
  return new Promise(() => {});
}

/** Takes so much memory, and never ends. @param {number} megabytes @returns {Promise<never>} */
export function grow(megabytes) {
  const hoard = Array.from({ length: megabytes }, () => Buffer.alloc(2 ** 20, 1));
  return new Promise(() => hoard);
}

/** In the first run keeps a value and is killed; later returns what was kept. */
export function keep_and_be_killed() {
  const task = current_task();
  if (task.attempt > 1) return { attempt: task.attempt, kept: task.last_checkpoint };
  task.checkpoint({ step: 1 });
  task.checkpoint({ step: 2, seen: new Set(['a']) });
  process.kill(process.pid, 'SIGKILL');
  return undefined;
}

/** Leaves its number in `file`, some time later returns it. @param {string} file @param {number} n @param {number} ms */
export async function mark(file, n, ms) {
  appendFileSync(file, `${n}\n`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return n;
}

/** Returns when there is such a file. @param {string} file */
export async function wait_for_file(file) {
  while (!existsSync(file)) await sleep_for(10);
  return file;
}

/** Blocks the event loop until `file` is there. @param {string} file */
export function block_until_file(file) {
  while (!existsSync(file));
  return file;
}
