/** SlaveLine: one slave as watchers show it: what it does, what it has done, how its process fares. */
import type { RunningTask, Slave } from '../master/slave.js';
import type { SlaveState } from '../sched/slave_state.js';
import type { Vitals } from '../wire/pulse_messages.js';

/** An event loop that has not turned for so long is worth telling, ms. */
const STALL = 1000;

export class SlaveLine {
  readonly slave: Slave;
  readonly slave_id: number;
  /** Tasks that ended on it. */
  done = 0;
  failed = 0;
  /** Time that it ran tasks, ms. */
  busy_ms = 0;
  launches = 0;
  losses = 0;
  /** Heartbeats that told of an event loop that did not turn. */
  stalls = 0;
  longest_stall = 0;
  vitals: Vitals | undefined;
  /** Share of one CPU that it took between its last two heartbeats, 0.5 for one half. */
  cpu: number | undefined;
  last_error: Error | undefined;
  #cpu_at = 0;
  #connected_at: number | undefined;
  #connected_ms = 0;
  #has_left = false;

  constructor(slave: Slave, slave_id: number) {
    this.slave = slave;
    this.slave_id = slave_id;
  }

  get name(): string {
    return this.slave.name;
  }

  get host(): string {
    return this.slave.host;
  }

  get state(): SlaveState {
    return this.#has_left ? 'stopped' : this.slave.state;
  }

  get is_connected(): boolean {
    return this.#connected_at !== undefined;
  }

  get running(): RunningTask | undefined {
    return this.state === 'running_task' ? this.slave.running : undefined;
  }

  get node_version(): string | undefined {
    return this.slave.node_version;
  }

  /** Time that it was ready for tasks, ms. */
  connected_ms(now: number): number {
    return this.#connected_ms + (this.#connected_at === undefined ? 0 : now - this.#connected_at);
  }

  on_started(): void {
    this.launches++;
    this.#has_left = false;
    this.vitals = undefined;
    this.cpu = undefined;
  }

  on_connected(now: number): void {
    this.#has_left = false;
    this.#connected_at ??= now;
  }

  /** It is not there any more, for now or for good. */
  on_gone(now: number, has_left: boolean): void {
    if (this.#connected_at !== undefined) this.#connected_ms += now - this.#connected_at;
    this.#connected_at = undefined;
    this.#has_left = has_left;
    this.cpu = undefined;
  }

  on_vitals(now: number, vitals: Vitals): void {
    const before = this.vitals;
    if (before !== undefined && now > this.#cpu_at && vitals.cpu >= before.cpu)
      this.cpu = (vitals.cpu - before.cpu) / (now - this.#cpu_at);
    this.#cpu_at = now;
    this.vitals = vitals;
    if (vitals.stalled > STALL) this.stalls++;
    this.longest_stall = Math.max(this.longest_stall, vitals.stalled);
  }
}
