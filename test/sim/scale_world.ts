/** A large world in which all is well but for deaths: for what decisions cost, in time and in steps. */
import { Core } from '../../src/sched/core.js';
import type { LossKind, Report, SchedEvent } from '../../src/sched/events.js';
import { type TaskPolicy, TaskRecord } from '../../src/sched/records.js';
import { type ModelOptions, SchedModel, type Told } from '../kit/sched_model.js';
import { draw } from './draw.js';
import type { Trait } from './task_fate.js';
import { World } from './world.js';

export interface Scale {
  slaves: number;
  tasks: number;
}

/** Slaves of one machine. */
const SLAVES_PER_HOST = 16;
/** Mean time of a task, ms, and the share of those that kill their slave. */
const MEAN_TIME = 100;
const DEADLY = 0.0005;
const PLAN = { seed: 1, hosts: 1, pace: 1, happenings: [] };

/** Events that are put together and then told again, to a scheduler that does nothing else: see TimedModel. */
const BATCH = 20_000;

/**
 * Takes the time of decisions, and watches nothing: checks would take far longer. Every event is told to a second
 * scheduler too, many in a row, so that what is measured is CPU time of deciding, and of nothing between.
 */
export class TimedModel extends SchedModel {
  decision_us = 0;
  events = 0;
  deaths = 0;
  readonly #pending: SchedEvent<TaskRecord, Report>[] = [];
  #is_at_it = false;
  readonly #second: Core<TaskRecord>;
  readonly #tape = new Tape();

  constructor(options: ModelOptions) {
    super(options);
    this.#second = new Core(this.options);
  }

  override tell(event: SchedEvent<TaskRecord, Report>): Told[] {
    this.#pending.push(event);
    if (this.#is_at_it) return [];
    this.#is_at_it = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      if (this.#tape.is_full) this.take_time();
      this.#tape.write(next, this.now);
      for (const effect of this.core.handle(next, this.now)) this.#note(effect);
    }
    this.#is_at_it = false;
    return [];
  }

  #note(effect: Told): void {
    if (effect.kind === 'run_finished') this.is_run_open = false;
    if (effect.kind === 'task_died') this.deaths++;
    this.on_effect?.(effect);
  }

  /** Of what has happened since that was done last. */
  take_time(): void {
    const [tape, second] = [this.#tape, this.#second];
    let sum = 0;
    const reading = time_of(() => tape.play((event, now) => void (sum += event.kind.length + now)));
    const all = time_of(() =>
      tape.play((event, now) => {
        second.handle(event, now);
        // a driver asks after every event
        sum += second.wake_at;
      }),
    );
    if (Number.isNaN(sum)) throw new Error('the scheduler does not know when to be woken');
    this.decision_us += all - reading;
    this.events += tape.events;
    tape.clear();
  }

  override queue(count = 1, bytes = 10, policy: TaskPolicy = this.policy): TaskRecord[] {
    for (let i = 0; i < count; i++)
      this.tell({ kind: 'task_queued', task: new TaskRecord(i, i, bytes, policy) });
    return [];
  }

  override add_slave(): number {
    const slave_id = this.slaves.size;
    super.add_slave();
    return slave_id;
  }

  override launched(slave_id: number): Told[] {
    return this.tell({ kind: 'slave_launched', slave_id });
  }

  override ready(slave_id: number, _has_pulse = false, host = ''): Told[] {
    return this.tell({ kind: 'slave_ready', slave_id, host });
  }

  override pulse(slave_id: number): Told[] {
    return this.tell({ kind: 'take_back_possible', slave_id });
  }

  override heard(slave_id: number): Told[] {
    return this.tell({ kind: 'slave_heard', slave_id });
  }

  override report_all(slave_id: number, reports: Report[]): Told[] {
    return this.tell({ kind: 'tasks_ended', slave_id, reports });
  }

  override given_back(slave_id: number, from: number): Told[] {
    const to = this.core.slave(slave_id)?.taking_back?.to ?? from;
    return this.tell({ kind: 'tasks_taken_back', slave_id, from, to });
  }

  override gone(
    slave_id: number,
    ended_with?: number | 'no_task',
    _cause = 'gone',
    why: LossKind = 'died',
  ): Told[] {
    return this.tell({ kind: 'slave_lost', slave_id, error: ERROR, why, ended_with });
  }
}

const ERROR = new Error('died');

type Event = SchedEvent<TaskRecord, Report>;

/**
 * Events that are kept until they are told again. Reports, which are most of them, are kept as numbers and made
 * anew when it is their turn, as a driver has just read them when it passes them on.
 */
class Tape {
  readonly #numbers = new Float64Array(BATCH * 8);
  readonly #others: Event[] = [];
  #written = 0;
  #read = 0;
  #others_read = 0;
  events = 0;

  get is_full(): boolean {
    return this.#written > this.#numbers.length - 1024;
  }

  /** For the second scheduler, which has tasks of its own. */
  write(event: Event, now: number): void {
    this.events++;
    this.#put(now);
    if (event.kind === 'tasks_ended') {
      this.#put(event.slave_id);
      this.#put(event.reports.length);
      for (const { task_id, run_us } of event.reports) {
        this.#put(task_id);
        this.#put(run_us);
      }
    } else {
      this.#put(-1);
      this.#others.push(
        event.kind === 'task_queued' ? { kind: 'task_queued', task: twin_of(event.task) } : event,
      );
    }
  }

  #put(number: number): void {
    this.#numbers[this.#written++] = number;
  }

  #take(): number {
    return this.#numbers[this.#read++] as number;
  }

  /** Tells it all, in order. */
  play(tell: (event: Event, now: number) => void): void {
    this.#read = 0;
    this.#others_read = 0;
    while (this.#read < this.#written) {
      const now = this.#take();
      const slave_id = this.#take();
      if (slave_id < 0) {
        tell(this.#others[this.#others_read++] as Event, now);
        continue;
      }
      const reports: Report[] = [];
      for (let left = this.#take(); left > 0; left--)
        reports.push({ kind: 'task_done', task_id: this.#take(), run_us: this.#take() });
      tell({ kind: 'tasks_ended', slave_id, reports }, now);
    }
  }

  clear(): void {
    this.#written = 0;
    this.events = 0;
    this.#others.length = 0;
  }
}

function twin_of({ task_id, index, bytes, policy }: TaskRecord): TaskRecord {
  return new TaskRecord(task_id, index, bytes, policy);
}

/** CPU time that `happen` takes, µs. */
function time_of(happen: () => void): number {
  const start = process.cpuUsage();
  happen();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

export class ScaleWorld extends World {
  readonly scale: Scale;
  readonly timed: TimedModel;

  constructor(scale: Scale) {
    const model = new TimedModel({ attempts: 3 });
    super({ ...PLAN, options: { slaves: scale.slaves } }, undefined, model);
    this.scale = scale;
    this.timed = model;
    this.is_calm = true;
  }

  override play(): void {
    const { model, scale } = this;
    model.queue(scale.tasks);
    model.open_run();
    // half of the slaves die together, when about half of the tasks are done
    const half_time = (scale.tasks * MEAN_TIME) / scale.slaves / 2;
    this.after(half_time, () => {
      for (let slave_id = 0; slave_id < scale.slaves / 2; slave_id++) this.sim_slave(slave_id).die('died');
    });
    while (model.is_run_open) this.turn();
    this.timed.take_time();
  }

  override host_of(slave_id: number): string {
    return `host${Math.floor(slave_id / SLAVES_PER_HOST)}`;
  }

  override latency(slave_id: number, count: number): number {
    return 0.05 + 0.2 * draw(this.plan.seed, 1, slave_id, count);
  }

  override trait(): Trait {
    return 'well';
  }

  override fate(task: TaskRecord): { after: number; end: Report['kind'] | LossKind } {
    const luck = draw(this.plan.seed, 2, task.task_id, task.attempt);
    const after = -Math.log(1 - luck) * MEAN_TIME;
    return { after, end: luck < DEADLY ? 'died' : 'task_done' };
  }
}
