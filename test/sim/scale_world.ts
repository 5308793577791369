/** A large world in which all is well but for deaths: for what decisions cost, in time and in steps. */
import type { LossKind, Report, SchedEvent } from '../../src/sched/events.js';
import { type TaskPolicy, TaskRecord } from '../../src/sched/records.js';
import { SchedModel, type Told } from '../kit/sched_model.js';
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

const ERROR = new Error('died');

/** A model that passes everything on and watches nothing: checks would take far longer than decisions. */
export class LeanModel extends SchedModel {
  deaths = 0;
  readonly #pending: SchedEvent<TaskRecord, Report>[] = [];
  #is_at_it = false;

  override tell(event: SchedEvent<TaskRecord, Report>): Told[] {
    this.#pending.push(event);
    if (this.#is_at_it) return [];
    this.#is_at_it = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift())
      for (const effect of this.decide(next)) this.#note(effect);
    this.#is_at_it = false;
    return [];
  }

  /** What the scheduler makes of `event`. */
  decide(event: SchedEvent<TaskRecord, Report>): readonly Told[] {
    return this.core.handle(event, this.now);
  }

  #note(effect: Told): void {
    if (effect.kind === 'run_finished') this.is_run_open = false;
    if (effect.kind === 'task_died') this.deaths++;
    this.on_effect?.(effect);
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

export class ScaleWorld extends World {
  readonly scale: Scale;

  constructor(scale: Scale, model: LeanModel) {
    super({ ...PLAN, options: { slaves: scale.slaves } }, undefined, model);
    this.scale = scale;
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
