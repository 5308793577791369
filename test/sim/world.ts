/**
 * The world around the scheduler, under a virtual clock: slaves that take their time to start, run what they
 * are sent in order, and die; messages that take theirs; and somebody who queues, cancels and stops.
 *
 *     plan ─▶ happenings ─▶ ┌───────┐ ─▶ SchedModel ─▶ Core
 *                           │ World │                   │
 *     reports, losses ────▶ └───────┘ ◀──── effects ◀───┘
 *
 * SchedModel holds every effect against what the contract allows, and checks the invariants after every
 * event. The messages of one connection keep their order; those of the two connections of a slave, and of
 * different slaves, do not. After the last happening nothing goes wrong any more, and all must come to an end.
 */
import { Heap } from '../../src/base/heap.js';
import type { LossKind, Report } from '../../src/sched/events.js';
import type { TaskRecord } from '../../src/sched/records.js';
import { SchedModel, type Told } from '../kit/sched_model.js';
import { draw } from './draw.js';
import { type Happening, type Plan, POLICIES } from './plan.js';
import { SimSlave } from './sim_slave.js';
import { fate_of, type Trait, trait_of } from './task_fate.js';

/** What is drawn, so that no two kinds share their numbers. */
export const DRAW = { latency: 1, start: 2, fate: 3, trait: 4, death: 5, host: 6, command: 7 } as const;

/** How often heartbeats are passed on, ms. */
const SWEEP_EVERY = 1000;
/** More than any sane schedule takes. */
const MOST_TURNS = 20_000;
/** Nothing that is right takes so long after the last happening, ms. */
const LONGEST_END = 2 * 3600_000;

export class World {
  readonly plan: Plan;
  readonly model: SchedModel;
  readonly #heap = new Heap<() => void>();
  readonly #slaves = new Map<number, SimSlave>();
  /** Hosts on which slaves die of their tasks, until when. */
  readonly #bad_hosts = new Map<string, number>();
  /** What goes wrong by itself does no more. */
  is_calm = false;
  #is_finished = false;
  turns = 0;
  #swept_at = 0;
  /** Since then all is calm. */
  #calm_at = 0;

  constructor(plan: Plan, watch?: (text: string) => void, model?: SchedModel) {
    this.plan = plan;
    this.model = model ?? new SchedModel({ ...plan.options, slaves: 0 });
    if (watch !== undefined)
      this.model.on_event = (event) => watch(`${this.model.now.toFixed(3)}  ${describe(event)}`);
    this.model.on_effect = (effect) => {
      watch?.(`              ─▶ ${describe(effect)}`);
      this.#carry_out(effect);
    };
    for (let i = 0; i < (plan.options.slaves ?? 0); i++) this.model.add_slave();
  }

  get now(): number {
    return this.model.now;
  }

  draw(what: number, whom: number, count = 0): number {
    return draw(this.plan.seed, what, whom, count);
  }

  after(delay: number, happen: () => void): void {
    this.#heap.push(this.now + delay, happen);
  }

  at(time: number, happen: () => void): void {
    this.#heap.push(time, happen);
  }

  /** Plays the whole plan. @throws Error of what the scheduler did wrong */
  play(): void {
    const start = this.now;
    const { happenings } = this.plan;
    for (const happening of happenings) this.at(start + happening.at, () => this.#happen(happening));
    this.at(start + (happenings.at(-1)?.at ?? 0) + 1, () => this.#calm_down());
    while (!this.#is_finished) {
      this.turn();
      if (++this.turns > MOST_TURNS) throw new Error('the scheduler never comes to rest');
      if (this.is_calm) this.#finish_if_done();
    }
  }

  /** Lets the next thing happen. */
  turn(): void {
    const { model } = this;
    const { wake_at } = model.core;
    if (this.#heap.least <= wake_at) {
      model.now = Math.max(model.now, this.#heap.least);
      const happen = this.#heap.pop();
      if (happen === undefined) throw new Error('the scheduler waits for nothing, for ever');
      happen();
    } else {
      const now = Math.max(model.now, wake_at);
      if (now >= this.#swept_at + SWEEP_EVERY) this.#hear_all(now);
      model.pass(now - model.now);
    }
  }

  /** As a driver does: heartbeats are only passed on now and then. */
  #hear_all(now: number): void {
    this.#swept_at = now;
    for (const slave of this.#slaves.values()) if (slave.is_heard) this.model.heard(slave.slave_id);
  }

  // ---- what happens

  #happen({ kind, a, b }: Happening): void {
    const { model } = this;
    if (model.is_stopped) return;
    const slave = this.#pick(a);
    switch (kind) {
      case 'queue':
        return void model.queue(a % 16 === 3 ? 12 : 1 + (a % 3), 10, POLICIES[b % POLICIES.length]);
      case 'run_task':
        return void model.queue_urgent(10, POLICIES[b % POLICIES.length]);
      case 'cancel': {
        const task = model.tasks[a % model.tasks.length];
        if (task !== undefined && model.unsettled.has(task)) model.cancel(task);
        return;
      }
      case 'open_run':
        if (!model.is_run_open) model.open_run();
        return;
      case 'close_run':
        return void model.close_run();
      case 'read_slowly':
        model.set_reader_behind(true);
        return this.after(b * b, () => model.set_reader_behind(false));
      case 'open_source':
        return this.#open_source(1 + (a % 4), b);
      case 'add_slave':
        if (model.slaves.size < 5) model.add_slave();
        return;
      case 'remove_slave':
        if (slave !== undefined && !model.slave(slave.slave_id).is_leaving)
          model.remove_slave(slave.slave_id);
        return;
      case 'want_slaves':
        return void model.tell({ kind: 'slaves_wanted' });
      case 'die':
        return slave?.die(b % 8 === 0 ? 'too_large' : 'died');
      case 'evict':
        return slave?.die('evicted');
      case 'cut':
        return slave?.cut();
      case 'swell':
        if (slave?.is_heard === true) model.swollen(slave.slave_id);
        return;
      case 'command':
        return slave?.command(b);
      case 'bad_host':
        this.#bad_hosts.set(this.host_of(a), this.now + b * 1000);
        return;
      case 'stop_job':
        model.stop_job();
        for (const task of [...model.unsettled]) if (task.index === undefined) model.cancel(task);
        return;
      default:
        throw new Error(`nobody knows how to ${kind satisfies never}`);
    }
  }

  #pick(a: number): SimSlave | undefined {
    const slaves = [...this.model.slaves.keys()];
    const slave_id = slaves[a % slaves.length];
    return slave_id === undefined ? undefined : this.sim_slave(slave_id);
  }

  /** An iterable of tasks, which takes its time. */
  #open_source(count: number, pause: number): void {
    this.model.open_source();
    if (!this.model.is_run_open) this.model.open_run();
    const next = (left: number) => {
      if (left === 0) return void this.model.close_source();
      for (const task of this.model.queue(1)) if (this.is_calm) this.#spare(task);
      this.after(pause, () => next(left - 1));
    };
    this.after(pause, () => next(count));
  }

  /** Nothing goes wrong any more. */
  #calm_down(): void {
    const { model } = this;
    this.is_calm = true;
    this.#calm_at = this.now;
    this.#bad_hosts.clear();
    for (const task of [...model.unsettled]) this.#spare(task);
    this.#want_all_done();
  }

  /** Nobody waits for a task that does not end. */
  #spare(task: TaskRecord): void {
    const trait = this.trait(task);
    if (trait === 'endless' || trait === 'stubborn') this.model.cancel(task);
  }

  #want_all_done(): void {
    const { model } = this;
    if (model.unsettled_of_queue > 0 && !model.is_run_open && !model.is_stopped) model.open_run();
  }

  #finish_if_done(): void {
    const { model } = this;
    if (this.now - this.#calm_at > LONGEST_END) throw new Error('the scheduler lets a run go on for ever');
    if (model.is_stopped) {
      for (const { process } of model.slaves.values()) if (process !== 'none') return;
    } else {
      if (model.is_waited_for) return;
      const has_slaves = [...model.slaves.values()].some((slave) => !slave.is_leaving);
      if (model.unsettled.size > 0 && has_slaves && model.no_slaves < 20) return this.#want_all_done();
      for (const slave of model.slaves.values()) if (slave.held.length > 0) return;
      if (has_slaves && model.unsettled.size > 0)
        throw new Error('the scheduler says again and again that no slave is left, and they would start');
    }
    this.#is_finished = true;
  }

  // ---- what the scheduler wants

  #carry_out(effect: Told): void {
    switch (effect.kind) {
      case 'launch_slave':
        return this.sim_slave(effect.slave_id).launch();
      case 'run_tasks':
        return this.sim_slave(effect.slave_id).receive(effect.tasks);
      case 'take_back':
        return this.sim_slave(effect.slave_id).take_back(effect.from, effect.to);
      case 'abort_task':
        return this.sim_slave(effect.slave_id).abort(effect.task_id);
      case 'kill_task':
        return this.sim_slave(effect.slave_id).kill(effect.seq);
      case 'stop_slave':
        return this.sim_slave(effect.slave_id).stop();
      case 'abandon_slave':
        return this.sim_slave(effect.slave_id).abandon(effect.why === 'cancelled' ? 'cancelled' : 'lost');
      default:
    }
  }

  sim_slave(slave_id: number): SimSlave {
    let slave = this.#slaves.get(slave_id);
    if (slave === undefined) {
      slave = new SimSlave(this, slave_id);
      this.#slaves.set(slave_id, slave);
    }
    return slave;
  }

  host_of(slave_id: number): string {
    return `host${slave_id % this.plan.hosts}`;
  }

  // ---- what is drawn

  /** Of a message over the connection, ms: mostly short, seldom very long. */
  latency(slave_id: number, count: number): number {
    const luck = this.draw(DRAW.latency, slave_id, count);
    return luck < 0.5 ? 0.05 : luck < 0.95 ? luck * 4 : this.is_calm ? 20 : luck * 400;
  }

  trait(task: TaskRecord): Trait {
    return trait_of(this.draw(DRAW.trait, task.task_id));
  }

  /** How the run of `task` on `slave_id` that starts now ends, and when. */
  fate(task: TaskRecord, slave_id: number, run: number): { after: number; end: Report['kind'] | LossKind } {
    const luck = this.draw(DRAW.fate, task.task_id, run);
    const fate = fate_of(this.trait(task), luck, run, this.plan.pace);
    const is_bad = (this.#bad_hosts.get(this.host_of(slave_id)) ?? 0) > this.now;
    return is_bad && luck < 0.9 && fate.end === 'task_done' ? { ...fate, end: 'died' } : fate;
  }
}

function describe(message: Told | object): string {
  return JSON.stringify(message, (key, value) => {
    if (key === 'tasks' && Array.isArray(value))
      return value.map((task: TaskRecord) => task.task_id).join(' ');
    if (key === 'task') return (value as TaskRecord).task_id;
    if (value instanceof Error) return value.message;
    return value as unknown;
  });
}
