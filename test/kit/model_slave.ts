/** A slave as the scheduler may expect it: it runs what it is sent, in that order, one thing at a time. */
import type { TaskRecord } from '../../src/sched/records.js';

export interface Held {
  /** Number of the task on this connection. */
  seq: number;
  task: TaskRecord;
}

export class ModelSlave {
  readonly slave_id: number;
  process: 'none' | 'starting' | 'ready' = 'none';
  /** Its process has been started since. */
  is_launched = false;
  /** Sent and not yet reported. */
  held: Held[] = [];
  /** So many of them, from the head on, have certainly started. */
  started = 0;
  /** Tasks that came over this connection. */
  received = 0;
  /** Tasks that its process has ended. */
  ended = 0;
  commands = 0;
  has_pulse = false;
  readonly #given_back = new Set<number>();
  /** The order to give back tasks that it has not answered. */
  asked: { from: number; to: number } | undefined;
  is_leaving = false;
  is_stopping = false;
  is_abandoned = false;
  /** Its pulse was told to kill it. */
  is_killed = false;
  killed_at = Infinity;
  /** The cancelled task at its head, since when. */
  #doomed: TaskRecord | undefined;
  doomed_at = Infinity;
  /** Has taken too much memory. */
  is_swollen = false;
  /** Was stopped until it is needed. */
  is_resting = false;
  host = '';
  launched_at = 0;
  heard_at = 0;

  constructor(slave_id: number) {
    this.slave_id = slave_id;
  }

  get tasks(): TaskRecord[] {
    return this.held.map(({ task }) => task);
  }

  /** Whether a task that is sent now would start now. */
  get is_idle(): boolean {
    return (
      this.process === 'ready' &&
      this.held.length === 0 &&
      this.commands === 0 &&
      this.asked === undefined &&
      !this.is_leaving &&
      !this.is_stopping &&
      !this.is_abandoned
    );
  }

  receive(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) this.held.push({ seq: this.received++, task });
  }

  /** Notes since when its head is a cancelled task. */
  watch_head(now: number): void {
    const head = this.held[0]?.task;
    const doomed = head?.state === 'cancelled' ? head : undefined;
    if (doomed === this.#doomed) return;
    this.#doomed = doomed;
    this.doomed_at = doomed === undefined ? Infinity : now;
    this.is_killed = false;
  }

  /** Ends the first `count` tasks. */
  end(count: number): TaskRecord[] {
    this.ended += count;
    this.started = Math.max(0, this.started - count);
    return this.held.splice(0, count).map(({ task }) => task);
  }

  /** What it gives back: from the last task on, until one has started. See claims.ts. */
  give_back(started: number): number {
    const { from, to } = this.asked as { from: number; to: number };
    this.started = Math.max(this.started, Math.min(started, this.held.length));
    for (const { seq } of this.held.slice(this.started))
      if (seq >= from && seq < to) this.#given_back.add(seq);
    let first = to;
    while (first > from && this.#given_back.has(first - 1)) first--;
    return first;
  }

  /** It has given back what it was asked for from `first` on. Returns what that is. */
  drop(first: number): TaskRecord[] {
    const { to } = this.asked as { to: number };
    this.asked = undefined;
    const dropped = this.held.filter(({ seq }) => seq >= first && seq < to).map(({ task }) => task);
    if (dropped.length > 0) this.held = this.held.filter(({ seq }) => seq < first || seq >= to);
    return dropped;
  }

  /** Its process and connection are gone. */
  forget(): void {
    this.process = 'none';
    this.is_launched = false;
    this.held = [];
    this.started = 0;
    this.received = 0;
    this.ended = 0;
    this.commands = 0;
    this.#given_back.clear();
    this.has_pulse = false;
    this.asked = undefined;
    this.is_stopping = false;
    this.is_abandoned = false;
    this.is_killed = false;
    this.watch_head(0);
    this.is_swollen = false;
  }
}
