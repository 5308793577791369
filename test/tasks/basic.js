/** Plain tasks, for tests that start no process. */
import { current_task } from '../../src/task.js';

/**
 * @param {number} n
 * @returns {number}
 */
export function square(n) {
  return n * n;
}

/**
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function echo(value) {
  return value;
}

/**
 * @param {string} text
 * @returns {never}
 */
export function fail(text) {
  throw new TypeError(text);
}

/**
 * Never returns. When its slave is told to abort it, it fails.
 * @returns {Promise<never>}
 */
export function forever() {
  return new Promise(() => {});
}

/**
 * @param {number} bytes
 * @returns {Uint8Array}
 */
export function large(bytes) {
  return new Uint8Array(bytes);
}

/** @type {Map<string, (value: unknown) => void>} */
const gates = new Map();

/**
 * Returns when `open(name)` is called in this process.
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export function wait_for(name) {
  return new Promise((resolve) => gates.set(name, resolve));
}

/**
 * Whether a task waits for that.
 * @param {string} name
 */
export function is_awaited(name) {
  return gates.has(name);
}

/**
 * Lets a `wait_for` return `value`.
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean} whether there was one
 */
export function open(name, value) {
  const gate = gates.get(name);
  gates.delete(name);
  gate?.(value);
  return gate !== undefined;
}

export const not_a_function = 3;

/**
 * Fails with an error that carries so many bytes.
 * @param {number} bytes
 * @returns {never}
 */
export function fail_large(bytes) {
  throw Object.assign(new Error('with a core dump'), { dump: new Uint8Array(bytes) });
}

/**
 * Takes so many turns of the event loop.
 * @param {number} turns
 * @returns {Promise<number>}
 */
export async function take_turns(turns) {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

/**
 * Throws in each run before that one.
 * @param {number} run
 * @returns {string}
 */
export function fail_until(run) {
  const { attempt } = current_task();
  if (attempt < run) throw new Error(`not in run ${attempt}`);
  return `run ${attempt}`;
}

/**
 * Throws when `open(name)` is called.
 * @param {string} name
 * @returns {Promise<never>}
 */
export async function wait_then_fail(name) {
  await wait_for(name);
  throw new Error(name);
}

/**
 * Keeps `kept`, then waits for `open(name)`, which may throw instead if it gives an Error. Returns what an earlier
 * attempt has kept.
 * @param {unknown} kept
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export async function keep_and_wait(kept, name) {
  const task = current_task();
  const { last_checkpoint } = task;
  task.checkpoint(kept);
  const value = await wait_for(name);
  if (value instanceof Error) throw value;
  return last_checkpoint;
}

/**
 * Ends when it is aborted, with its reason.
 * @returns {Promise<never>}
 */
export function until_aborted() {
  const { signal } = current_task();
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}
