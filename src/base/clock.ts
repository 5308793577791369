/**
 * Clock: time for whoever waits, so that a test can bring its own.
 * All times are milliseconds of a monotonic clock.
 */
export interface Clock {
  now(): number;
  /** Calls `fire` once after `delay` ms, unless the returned function is called first. Keeps no process alive. */
  set_timer(delay: number, fire: () => void): () => void;
}

/** setTimeout fires at once above this. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  set_timer(delay, fire) {
    const timer = setTimeout(fire, Math.min(Math.max(0, delay), LONGEST_TIMEOUT));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
