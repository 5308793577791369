/** One event being handled: the time, and what has been decided so far. Core and Roster share it. */
import type { Effect, Report } from './events.js';
import type { TaskRecord } from './records.js';

export class Turn<T extends TaskRecord, R extends Report> {
  now = 0;
  effects: Effect<T, R>[] = [];

  begin(now: number): void {
    this.now = now;
    this.effects = [];
  }

  order(effect: Effect<T, R>): void {
    this.effects.push(effect);
  }
}
