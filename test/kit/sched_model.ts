/**
 * A model of all that surrounds the scheduler: a job, and slaves that keep their side of the contract.
 *
 *     what a test does ─▶ event ─▶ Core ─▶ effects ─▶ carried out on the model ─▶ check
 *
 * Every effect is held against what the model allows, and after every event `core.check()` and the
 * model's own invariants must hold. So every test of the scheduler tests them too.
 */
import { Core, type CoreOptions } from '../../src/sched/core.js';
import type { Effect, Report, SchedEvent } from '../../src/sched/events.js';
import { TaskRecord } from '../../src/sched/records.js';
import { ModelSlave } from './model_slave.js';
import { check_model, must } from './sched_invariants.js';

export type Told = Effect<TaskRecord, Report>;
export type Fate = 'done' | 'failed' | 'died' | 'cancelled';

export interface ModelOptions extends Partial<CoreOptions> {
  /** Slaves that are there from the start. */
  slaves?: number;
}

export class SchedModel {
  readonly options: CoreOptions;
  readonly core: Core<TaskRecord>;
  readonly slaves = new Map<number, ModelSlave>();
  readonly tasks: TaskRecord[] = [];
  readonly fates = new Map<TaskRecord, Fate>();
  now = 1000;
  sources = 0;
  is_run_open = false;
  is_reader_behind = false;
  is_stopped = false;
  /** How often the run finished, and how often nobody was left. */
  runs_finished = 0;
  no_slaves = 0;
  #next_slave_id = 0;
  #next_index = 0;
  readonly #events: SchedEvent<TaskRecord, Report>[] = [];
  #is_telling = false;
  #told: Told[] = [];
  readonly unsettled = new Set<TaskRecord>();
  /** Those of them that no slave has. */
  readonly waiting = new Set<TaskRecord>();

  constructor({ slaves = 0, ...options }: ModelOptions = {}) {
    this.options = { attempts: 2, heartbeat_timeout: 10_000, start_timeout: 60_000, ...options };
    this.core = new Core(this.options);
    for (let i = 0; i < slaves; i++) this.add_slave();
  }

  /** Tells the scheduler what happened; returns what it wants done. */
  tell(event: SchedEvent<TaskRecord, Report>, checks = true): Told[] {
    this.#events.push(event);
    if (this.#is_telling) return [];
    this.#is_telling = true;
    this.#told = [];
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.core.handle(next, this.now)) {
          this.#told.push(effect);
          this.#carry_out(effect);
        }
      }
    } finally {
      this.#is_telling = false;
    }
    for (const slave of this.slaves.values()) {
      if (this.core.slave(slave.slave_id) !== undefined) continue;
      must(slave.is_leaving && slave.process === 'none', `slave ${slave.slave_id} was forgotten too early`);
      this.slaves.delete(slave.slave_id);
    }
    if (checks) check_model(this);
    return this.#told;
  }

  slave(slave_id: number): ModelSlave {
    const slave = this.slaves.get(slave_id);
    if (slave === undefined) throw new Error(`the model has no slave ${slave_id}`);
    return slave;
  }

  // ---- effects

  #carry_out(effect: Told): void {
    switch (effect.kind) {
      case 'launch_slave': {
        const slave = this.slave(effect.slave_id);
        must(slave.process === 'none' && !slave.is_leaving && !this.is_stopped, 'launches whom it may not');
        slave.process = 'starting';
        return;
      }
      case 'run_tasks':
        return this.#on_run_tasks(this.slave(effect.slave_id), effect.tasks);
      case 'take_back': {
        const slave = this.slave(effect.slave_id);
        must(slave.process === 'ready' && slave.has_pulse, 'asks tasks back of a slave that cannot answer');
        must(slave.asked === undefined, 'asks tasks back twice');
        must(effect.from < effect.to && effect.to <= slave.received, 'asks back what it never sent');
        slave.asked = { from: effect.from, to: effect.to };
        return;
      }
      case 'abort_task': {
        const is_held = this.slave(effect.slave_id).tasks.some((task) => task.task_id === effect.task_id);
        return must(is_held, 'aborts a task where it is not');
      }
      case 'stop_slave': {
        const slave = this.slave(effect.slave_id);
        must(slave.process !== 'none' && !slave.is_stopping, 'stops a slave twice, or one that is gone');
        slave.is_stopping = true;
        return;
      }
      case 'abandon_slave':
        must(effect.why !== 'protocol', `takes the honest slave ${effect.slave_id} for a liar`);
        must(this.slave(effect.slave_id).process !== 'none', 'abandons a slave that is gone');
        this.slave(effect.slave_id).is_abandoned = true;
        return;
      case 'tasks_settled':
        must(effect.tasks.length === effect.reports.length, 'tasks and reports do not pair up');
        effect.tasks.forEach((task, i) => {
          const report = effect.reports[i] as Report;
          must(task.task_id === report.task_id, 'gives a task the report of another');
          this.#settle(task, report.kind === 'task_done' ? 'done' : 'failed');
        });
        return;
      case 'task_died':
        must(effect.is_last === effect.task.deaths >= this.options.attempts, 'miscounts attempts');
        if (effect.is_last) this.#settle(effect.task, 'died');
        return;
      case 'slave_given_up':
        return must(this.slave(effect.slave_id).process === 'none', 'gives up a slave that runs');
      case 'no_slaves':
        must(this.is_waited_for, 'says that no slave is left when nobody waits');
        this.no_slaves++;
        this.is_run_open = false;
        for (const task of [...this.unsettled]) if (task.index === undefined) this.cancel(task);
        return;
      case 'run_finished':
        must(this.is_run_open && this.sources === 0, 'finishes a run that is not open, or has sources');
        must(
          [...this.unsettled].every((task) => task.index === undefined),
          'finishes a run that has tasks',
        );
        this.runs_finished++;
        this.is_run_open = false;
        return;
      default:
        effect satisfies never;
    }
  }

  #on_run_tasks(slave: ModelSlave, tasks: readonly TaskRecord[]): void {
    must(slave.process === 'ready', 'sends a task to a slave that is not ready');
    must(!slave.is_leaving && !slave.is_stopping, 'sends a task to a slave that leaves');
    must(
      slave.commands === 0 && slave.asked === undefined,
      'sends a task where a command or an answer is due',
    );
    must(tasks.length > 0, 'sends no task at all');
    for (const task of tasks) {
      must(task.index === undefined || this.is_queue_open, 'sends a task of a queue that does not move');
      must(this.waiting.delete(task), `sends task ${task.task_id}, which is settled or on a slave`);
    }
    slave.receive(tasks);
  }

  #settle(task: TaskRecord, fate: Fate): void {
    must(this.unsettled.delete(task), `settles task ${task.task_id} again, as ${fate}`);
    this.waiting.delete(task);
    this.fates.set(task, fate);
  }

  /** No slave has these any more. */
  #take_off(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) if (this.unsettled.has(task)) this.waiting.add(task);
  }

  // ---- what is true now

  get is_queue_open(): boolean {
    return this.is_run_open && !this.is_reader_behind;
  }

  get is_waited_for(): boolean {
    for (const task of this.unsettled) if (task.index === undefined) return true;
    return this.is_run_open && (this.unsettled.size > 0 || this.sources > 0);
  }

  // ---- what happens

  add_slave(): number {
    const slave_id = this.#next_slave_id++;
    this.slaves.set(slave_id, new ModelSlave(slave_id));
    this.tell({ kind: 'slave_added', slave_id });
    return slave_id;
  }

  remove_slave(slave_id: number): Told[] {
    this.slave(slave_id).is_leaving = true;
    return this.tell({ kind: 'slave_removed', slave_id });
  }

  /** Its process has connected and is ready. With `has_pulse`, it gives back tasks. */
  ready(slave_id: number, has_pulse = true): Told[] {
    const slave = this.slave(slave_id);
    must(slave.process === 'starting', 'a slave that is not starting cannot come ready');
    slave.process = 'ready';
    const told = this.tell({ kind: 'slave_ready', slave_id });
    return has_pulse ? [...told, ...this.pulse(slave_id)] : told;
  }

  pulse(slave_id: number): Told[] {
    this.slave(slave_id).has_pulse = true;
    return this.tell({ kind: 'take_back_possible', slave_id });
  }

  /** Its process is gone: lost, not started, or ended as told, depending on where it stood. */
  gone(slave_id: number, ended_with?: number | 'no_task', cause = 'gone'): Told[] {
    const slave = this.slave(slave_id);
    const { process, is_stopping } = slave;
    this.#take_off(slave.tasks);
    slave.forget();
    const error = new Error(cause);
    if (is_stopping) return this.tell({ kind: 'slave_ended', slave_id });
    if (process === 'starting') return this.tell({ kind: 'launch_failed', slave_id, error, same: cause });
    return this.tell({ kind: 'slave_lost', slave_id, error, ended_with });
  }

  queue(count = 1, bytes = 10): TaskRecord[] {
    return Array.from({ length: count }, (_, i) => this.#queued(this.#next_index++, bytes, i === count - 1));
  }

  queue_urgent(bytes = 10): TaskRecord {
    return this.#queued(undefined, bytes, true);
  }

  #queued(index: number | undefined, bytes: number, checks: boolean): TaskRecord {
    const task = new TaskRecord(this.tasks.length, index, bytes);
    this.tasks.push(task);
    this.unsettled.add(task);
    this.waiting.add(task);
    this.tell({ kind: 'task_queued', task }, checks);
    return task;
  }

  cancel(task: TaskRecord): Told[] {
    this.#settle(task, 'cancelled');
    return this.tell({ kind: 'task_cancelled', task });
  }

  /** The slave reports the first `count` of its tasks. */
  report(slave_id: number, count = 1, run_us = 1000, kind: Report['kind'] = 'task_done'): Told[] {
    const reports = this.slave(slave_id)
      .end(count)
      .map(({ task_id }) => ({ kind, task_id, run_us }));
    return this.tell({ kind: 'tasks_ended', slave_id, reports });
  }

  /** The slave gives back what it was asked for, but for its first `started` tasks. */
  give_back(slave_id: number, started = 1): Told[] {
    const slave = this.slave(slave_id);
    const before = slave.tasks;
    const answer = slave.give_back(started);
    this.#take_off(before.slice(slave.held.length));
    return this.tell({ kind: 'tasks_taken_back', slave_id, ...answer });
  }

  send_command(slave_id: number): Told[] {
    this.slave(slave_id).commands++;
    return this.tell({ kind: 'command_sent', slave_id });
  }

  end_command(slave_id: number): Told[] {
    this.slave(slave_id).commands--;
    return this.tell({ kind: 'command_ended', slave_id });
  }

  open_source(): Told[] {
    this.sources++;
    return this.tell({ kind: 'source_opened' });
  }

  close_source(): Told[] {
    this.sources--;
    return this.tell({ kind: 'source_closed' });
  }

  open_run(): Told[] {
    this.is_run_open = true;
    return this.tell({ kind: 'run_opened' });
  }

  close_run(): Told[] {
    this.is_run_open = false;
    return this.tell({ kind: 'run_closed' });
  }

  set_reader_behind(is_behind: boolean): Told[] {
    this.is_reader_behind = is_behind;
    return this.tell({ kind: 'reader_behind', is_behind });
  }

  stop_job(): Told[] {
    this.is_stopped = true;
    return this.tell({ kind: 'job_stopped' });
  }

  /** So many ms pass, and whoever wants to be woken is. */
  pass(ms: number): Told[] {
    this.now += ms;
    return this.tell({ kind: 'tick' });
  }
}

/** A model with so many slaves that are ready. */
export function ready_model(slaves: number, options: Partial<CoreOptions> = {}): SchedModel {
  const model = new SchedModel({ slaves, ...options });
  model.tell({ kind: 'slaves_wanted' });
  for (const slave_id of model.slaves.keys()) model.ready(slave_id);
  return model;
}

/** The indices of the tasks that each slave has. */
export function held(model: SchedModel): (number | undefined)[][] {
  return [...model.slaves.values()].map((slave) => slave.tasks.map((task) => task.index));
}

/** What the scheduler wanted, by name. */
export function kinds(told: readonly Told[]): Told['kind'][] {
  return told.map(({ kind }) => kind);
}
