/** A clock that stands still until a test lets time pass. */
import type { Clock } from '../../src/base/clock.js';

export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  now(): number {
    return this.#now;
  }

  set_timer(delay: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass; timers fire in their order, each at its time. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = end;
  }

  /** Time has passed, but nothing could run meanwhile: whatever is due fires late. */
  stall(ms: number): void {
    this.#now += ms;
    this.pass(0);
  }
}
