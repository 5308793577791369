/**
 * A model of all that surrounds the scheduler: a job, and slaves that keep their side of the contract.
 *
 *     what a test does ─▶ event ─▶ Core ─▶ effects ─▶ carried out on the model ─▶ check
 *
 * Every effect is held against what the model allows, and after every event `core.check()` and the
 * model's own invariants must hold. So every test of the scheduler tests them too.
 */
import { Core, type CoreOptions } from '../../src/sched/core.js';
import type { AbandonReason, Effect, LossKind, Report, SchedEvent } from '../../src/sched/events.js';
import { DEFAULT_POLICY, type StopReason, type TaskPolicy, TaskRecord } from '../../src/sched/records.js';
import { ModelSlave } from './model_slave.js';
import { check_model, may_retry, must, patience } from './sched_invariants.js';
import { TaskLedger } from './task_ledger.js';

export type Told = Effect<TaskRecord, Report>;
export type Fate = 'done' | 'failed' | 'died' | 'cancelled';

export interface ModelOptions extends Partial<CoreOptions>, Partial<TaskPolicy> {
  /** Slaves that are there from the start. */
  slaves?: number;
}

export class SchedModel {
  readonly options: CoreOptions;
  /** Of every task. */
  readonly policy: TaskPolicy;
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
  /** The task that is to be charged for the slave that is being lost. */
  #culprit: { task: TaskRecord; slave_id: number; why: LossKind } | undefined;
  readonly #events: SchedEvent<TaskRecord, Report>[] = [];
  #is_telling = false;
  #told: Told[] = [];
  readonly unsettled = new Set<TaskRecord>();
  unsettled_of_queue = 0;
  /** Those of them that no slave has. */
  readonly waiting = new Set<TaskRecord>();
  /** Those that wait for their time, and until when. */
  readonly delayed = new Map<TaskRecord, number>();
  /** Hosts that a slave has connected from; those that are benched, until when, and who has their probe. */
  readonly hosts = new Set<string>();
  readonly benched = new Map<string, { until: number; probe: ModelSlave | undefined }>();
  /** What each task went through. */
  readonly ledger = new TaskLedger();
  /** Are told of every event before it happens, and of every effect once the model has carried it out. */
  on_event: ((event: SchedEvent<TaskRecord, Report>) => void) | undefined;
  on_effect: ((effect: Told) => void) | undefined;

  constructor({ slaves = 0, ...options }: ModelOptions = {}) {
    const { attempts, retries, retry_delay, losses, ...core_options } = { ...DEFAULT_POLICY, ...options };
    this.policy = { attempts, retries, retry_delay, losses };
    this.options = {
      heartbeat_timeout: 10_000,
      start_timeout: 60_000,
      cancel_grace: 5000,
      max_tasks_per_slave: Infinity,
      idle_timeout: Infinity,
      ...core_options,
    };
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
        this.on_event?.(next);
        const effects = this.core.handle(next, this.now);
        if (next.kind === 'tick')
          must(
            this.core.wake_at > this.now || effects.length > 0,
            'wants to be woken again and again for nothing',
          );
        for (const effect of effects) {
          this.#told.push(effect);
          this.#carry_out(effect);
          this.on_effect?.(effect);
        }
      }
    } finally {
      this.#is_telling = false;
    }
    for (const slave of this.slaves.values()) {
      if (this.core.slave(slave.slave_id) !== undefined) continue;
      must(slave.is_leaving && slave.process === 'none', () => `forgets slave ${slave.slave_id} too early`);
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
        slave.is_resting = false;
        return;
      }
      case 'grow': {
        const { max_slaves = 0 } = this.options;
        must(!this.is_stopped && this.waiting.size > 0, 'wants more slaves for nothing');
        const alive = [...this.slaves.values()].filter(({ slave_id, is_leaving }) => {
          const record = this.core.slave(slave_id);
          return record === undefined ? !is_leaving : record.prospect !== 'out';
        }).length;
        must(alive + effect.count <= max_slaves, 'wants more slaves than the job may have');
        for (let i = 0; i < effect.count; i++) this.add_slave();
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
      case 'stop_slave':
        return this.#on_stop_slave(this.slave(effect.slave_id), effect.reason);
      case 'abandon_slave':
        return this.#on_abandon_slave(this.slave(effect.slave_id), effect.why);
      case 'tasks_settled':
        must(effect.tasks.length === effect.reports.length, 'tasks and reports do not pair up');
        effect.tasks.forEach((task, i) => {
          const report = effect.reports[i] as Report;
          must(task.task_id === report.task_id, 'gives a task the report of another');
          this.#settle(task, report.kind === 'task_done' ? 'done' : 'failed');
        });
        return;
      case 'task_died':
        this.#on_task_died(effect);
        return;
      case 'kill_task': {
        const slave = this.slave(effect.slave_id);
        const [head] = slave.held;
        must(slave.process === 'ready', 'kills a slave that is not ready');
        must(head?.seq === effect.seq && head.task.state === 'cancelled', 'kills a task that is wanted');
        slave.is_killed = true;
        slave.killed_at = this.now;
        return;
      }
      case 'task_threw':
        this.ledger.note_failure(effect.task);
        return this.#delay(effect.task, effect.delay);
      case 'host_benched':
        must(this.hosts.size > 1, 'benches the only host');
        this.benched.set(effect.host, { until: this.now + effect.time, probe: undefined });
        return;
      case 'host_released':
        must(this.benched.delete(effect.host), 'lets a host back that is not benched');
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
        must(this.unsettled_of_queue === 0, 'finishes a run that has tasks');
        this.runs_finished++;
        this.is_run_open = false;
        return;
      default:
        effect satisfies never;
    }
  }

  #on_stop_slave(slave: ModelSlave, reason: StopReason): void {
    must(slave.process !== 'none' && !slave.is_stopping, 'stops a slave twice, or one that is gone');
    if (reason !== 'leave') {
      must(slave.process === 'ready' && slave.held.length === 0, 'replaces or rests a slave that works');
      must(slave.commands === 0, 'replaces or rests a slave that runs a command');
    }
    if (reason === 'leave') must(slave.is_leaving || this.is_stopped, 'stops a slave that stays');
    if (reason === 'recycle')
      must(
        slave.is_swollen || slave.ended >= this.options.max_tasks_per_slave,
        'replaces a slave that is well',
      );
    slave.is_resting = reason === 'rest';
    slave.is_stopping = true;
  }

  #on_abandon_slave(slave: ModelSlave, why: AbandonReason): void {
    const { start_timeout } = this.options;
    must(slave.process !== 'none' && !slave.is_abandoned, 'abandons a slave twice, or one that is gone');
    must(why !== 'protocol', 'takes an honest slave for a liar');
    if (why === 'silent') must(this.now >= slave.heard_at + patience(this, slave), 'loses patience too soon');
    if (why === 'start_timeout') {
      must(slave.process === 'starting' && slave.is_launched, 'finds a start too long that is none');
      must(this.now >= slave.launched_at + start_timeout, 'finds a start too long that is not');
    }
    if (why === 'cancelled') {
      must(slave.is_killed, 'abandons a slave for its task before it was to kill itself');
      must(slave.held[0]?.task.state === 'cancelled', 'abandons a slave for a task that is wanted');
    }
    slave.is_abandoned = true;
  }

  #on_task_died({ task, why, is_last, slave_id }: Extract<Told, { kind: 'task_died' }>): void {
    must(this.#culprit?.task === task, 'blames a task that did not run');
    must(this.#culprit?.slave_id === slave_id && this.#culprit.why === why, 'blames it for something else');
    this.#culprit = undefined;
    this.ledger.note_loss(task, why, is_last);
    if (is_last) this.#settle(task, 'died');
    else if (why === 'timed_out') this.#delay(task, this.ledger.retry_delay(task));
  }

  #delay(task: TaskRecord, delay: number): void {
    must(delay === this.ledger.retry_delay(task), 'lets a task wait too long or not long enough');
    this.delayed.set(task, this.now + delay);
    this.waiting.delete(task);
  }

  #on_run_tasks(slave: ModelSlave, tasks: readonly TaskRecord[]): void {
    must(slave.process === 'ready', 'sends a task to a slave that is not ready');
    must(!slave.is_leaving && !slave.is_stopping, 'sends a task to a slave that leaves');
    must(
      slave.commands === 0 && slave.asked === undefined,
      'sends a task where a command or an answer is due',
    );
    must(tasks.length > 0, 'sends no task at all');
    const { max_tasks_per_slave } = this.options;
    must(slave.ended + slave.held.length + tasks.length <= max_tasks_per_slave, 'wears a slave out');
    this.#check_probe(slave, tasks.length);
    for (const task of tasks) {
      must(task.index === undefined || this.is_queue_open, 'sends a task of a queue that does not move');
      must(this.waiting.delete(task), () => `sends task ${task.task_id}, which is settled or on a slave`);
      this.ledger.note_sending(task);
      if (task.is_suspect) this.#check_place(slave, task);
    }
    slave.receive(tasks);
  }

  /** A suspect is kept from where it may have done harm, where there is another place. */
  #check_place(slave: ModelSlave, suspect: TaskRecord): void {
    let others = 0;
    for (const other of this.slaves.values()) {
      const may_take = this.core.slave(other.slave_id)?.is_serving === true && !this.benched.has(other.host);
      if (other !== slave && other.is_idle && may_take) others++;
    }
    must(may_retry(this, suspect, slave, others), 'sends a suspect back to where it was');
  }

  #check_probe(slave: ModelSlave, count: number): void {
    const bench = this.benched.get(slave.host);
    if (bench === undefined) return;
    must(this.now >= bench.until, 'sends a task to a host that is benched');
    must(
      bench.probe === undefined && slave.held.length === 0 && count === 1,
      'probes a host with more than one task',
    );
    bench.probe = slave;
  }

  #end_probe(slave: ModelSlave): void {
    const bench = this.benched.get(slave.host);
    if (bench?.probe === slave) bench.probe = undefined;
  }

  #settle(task: TaskRecord, fate: Fate): void {
    must(this.unsettled.delete(task), () => `settles task ${task.task_id} again, as ${fate}`);
    if (task.index !== undefined) this.unsettled_of_queue--;
    this.waiting.delete(task);
    this.delayed.delete(task);
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
    if (this.unsettled.size > this.unsettled_of_queue) return true;
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

  /** Its process was started; what comes before, as waiting in a queue of launches, may take any time. */
  launched(slave_id: number): Told[] {
    const slave = this.slave(slave_id);
    slave.is_launched = true;
    slave.launched_at = this.now;
    return this.tell({ kind: 'slave_launched', slave_id });
  }

  /** Its process has connected and is ready. With `has_pulse`, it gives back tasks. */
  ready(slave_id: number, has_pulse = true, host = 'here'): Told[] {
    const slave = this.slave(slave_id);
    must(slave.process === 'starting', 'a slave that is not starting cannot come ready');
    slave.process = 'ready';
    slave.is_abandoned = false;
    slave.host = host;
    slave.heard_at = this.now;
    this.hosts.add(host);
    const told = this.tell({ kind: 'slave_ready', slave_id, host });
    return has_pulse ? [...told, ...this.pulse(slave_id)] : told;
  }

  pulse(slave_id: number): Told[] {
    this.slave(slave_id).has_pulse = true;
    this.slave(slave_id).heard_at = this.now;
    return this.tell({ kind: 'take_back_possible', slave_id });
  }

  heard(slave_id: number): Told[] {
    this.slave(slave_id).heard_at = this.now;
    // which changes nothing but that
    return this.tell({ kind: 'slave_heard', slave_id }, false);
  }

  swollen(slave_id: number): Told[] {
    this.slave(slave_id).is_swollen = true;
    return this.tell({ kind: 'slave_swollen', slave_id });
  }

  /** Its process is gone: lost, not started, or ended as told, depending on where it stood. */
  gone(slave_id: number, ended_with?: number | 'no_task', cause = 'gone', why: LossKind = 'died'): Told[] {
    const slave = this.slave(slave_id);
    const { process, is_stopping, tasks } = slave;
    const ran =
      ended_with === undefined &&
      (tasks.length === 1 || (why === 'cancelled' && tasks[0]?.state === 'cancelled'))
        ? tasks[0]
        : tasks.find(({ task_id }) => task_id === ended_with);
    this.#take_off(tasks);
    this.#end_probe(slave);
    slave.forget();
    const error = error_of(cause);
    if (is_stopping) return this.tell({ kind: 'slave_ended', slave_id });
    if (process === 'starting') return this.tell({ kind: 'launch_failed', slave_id, error, same: cause });
    this.#culprit = ran !== undefined && this.unsettled.has(ran) ? { task: ran, slave_id, why } : undefined;
    const told = this.tell({ kind: 'slave_lost', slave_id, error, why, ended_with });
    must(this.#culprit === undefined, 'lets a task off that ran when its slave was lost');
    return told;
  }

  queue(count = 1, bytes = 10, policy = this.policy): TaskRecord[] {
    return Array.from({ length: count }, (_, i) => {
      return this.#queued(this.#next_index++, bytes, policy, i === count - 1);
    });
  }

  queue_urgent(bytes = 10, policy = this.policy): TaskRecord {
    return this.#queued(undefined, bytes, policy, true);
  }

  #queued(index: number | undefined, bytes: number, policy: TaskPolicy, checks: boolean): TaskRecord {
    const task = new TaskRecord(this.tasks.length, index, bytes, policy);
    this.tasks.push(task);
    this.unsettled.add(task);
    if (index !== undefined) this.unsettled_of_queue++;
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
    const may_retry = kind === 'task_failed' ? true : undefined;
    const reports = this.slave(slave_id)
      .tasks.slice(0, count)
      .map(({ task_id }) => ({ kind, task_id, run_us, may_retry }));
    return this.report_all(slave_id, reports);
  }

  /** The slave reports on the first of its tasks. */
  report_all(slave_id: number, reports: Report[]): Told[] {
    const slave = this.slave(slave_id);
    const ended = slave.end(reports.length);
    must(slave.ended <= this.options.max_tasks_per_slave, 'wears a slave out');
    this.#end_probe(slave);
    const failed = ended.filter((task, i) => reports[i]?.may_retry === true && this.unsettled.has(task));
    const is_over = failed.filter((task) => this.ledger.has_retry(task));
    const told = this.tell({ kind: 'tasks_ended', slave_id, reports });
    for (const task of is_over) {
      // that nobody is left to run it is another matter
      const is_kept = this.unsettled.has(task) || this.fates.get(task) === 'cancelled';
      must(is_kept, 'gives up a task that has a retry left');
    }
    for (const task of ended)
      if (!is_over.includes(task)) must(!this.unsettled.has(task), 'does not settle a task that has ended');
    return told;
  }

  /** The slave gives back what it was asked for, but for its first `started` tasks. */
  give_back(slave_id: number, started = 1): Told[] {
    return this.given_back(slave_id, this.slave(slave_id).give_back(started));
  }

  /** The slave gives back all tasks from `from` on of those that it was asked for. */
  given_back(slave_id: number, from: number): Told[] {
    const slave = this.slave(slave_id);
    const { to } = slave.asked as { to: number };
    this.#take_off(slave.drop(from));
    return this.tell({ kind: 'tasks_taken_back', slave_id, from, to });
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
    for (const [task, due] of this.delayed) {
      if (due > this.now) continue;
      this.delayed.delete(task);
      this.waiting.add(task);
    }
    return this.tell({ kind: 'tick' });
  }
}

/** One error serves for all losses of one cause: to make one takes longer than all the rest of an event. */
const ERRORS = new Map<string, Error>();

function error_of(cause: string): Error {
  const error = ERRORS.get(cause) ?? new Error(cause);
  ERRORS.set(cause, error);
  return error;
}

/** A model with so many slaves that are ready. */
export function ready_model(slaves: number, options: ModelOptions = {}): SchedModel {
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
