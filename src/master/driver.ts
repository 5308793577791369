/**
 * Driver: carries out what the scheduler decides, and tells it what has happened. The only place where
 * decisions meet sockets and processes.
 *
 *     Job ─▶ Driver ─▶ Core.handle(event) ─▶ effects ─▶ sessions, unread outcomes, events
 *              ▲                                             │
 *              └──────────── SessionEvents ◀─────────────────┘
 */
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import { Deferred } from '../base/deferred.js';
import type { Log } from '../base/log.js';
import { LaunchError, NetworkError, ProtocolError, RemoteError, StateError } from '../errors.js';
import type { LaunchedProcess, Launcher, LaunchOrder } from '../launch/launcher.js';
import { Core } from '../sched/core.js';
import type { Effect, SchedEvent } from '../sched/events.js';
import { retry_delay, type StopReason, type TaskTrouble } from '../sched/records.js';
import type { Progress } from '../task.js';
import type { TaskReport } from '../wire/messages.js';
import type { Vitals } from '../wire/pulse_messages.js';
import { type EncodedValue, encode_value } from '../wire/value.js';
import type { Command } from './command.js';
import { Estate } from './estate.js';
import type { Events } from './events.js';
import { explain, type SlaveStory } from './explain.js';
import { type FailureCounts, no_failures } from './failure_counts.js';
import { Heirs } from './heirs.js';
import type { ResolvedJobOptions } from './job_options.js';
import { LaunchQueue } from './launch_queue.js';
import type { EndedWith, SlaveLostError } from './life.js';
import { type Fate, no_slaves_error, sameness } from './no_slaves.js';
import { type JobReport, Outcomes } from './outcomes.js';
import type { JobTask } from './queued_task.js';
import { Reception } from './reception.js';
import type { Recalled, RunRecord } from './run_record.js';
import { type LeftOverReport, Session, type SessionEvents } from './session.js';
import { refuse_idle_wait, type Slave, set_home } from './slave.js';
import type { Unread } from './unread.js';
import { Waits } from './waits.js';
import type { Watching } from './watching.js';

/** How often silence is looked for, ms. */
const SWEEP_EVERY = 1000;
/** A sweep that comes so late finds a master that was busy itself: nobody is judged then, ms. */
const LATE_SWEEP = 500;
/** A task that has run so long is recorded as begun, ms. */
const LONG_TASK = 1000;
/** From a stop to the end of waiting for processes that cannot be killed, ms. */
const STOP_TIMEOUT = 10_000;

export interface DriverParts {
  options: ResolvedJobOptions;
  startup_commands: readonly Command[];
  events: Events;
  log: Log;
  /** Where outcomes of queued tasks go. */
  unread: Unread;
  watching: Watching;
  /** After every event: time to queue more tasks from where they come from. */
  on_turn: () => void;
  /** Now and then, while the job lives. */
  on_sweep: () => void;
  /** A slave has come by itself from that address: puts one for it into the job. */
  on_join: (peer: string) => Slave;
  /** It is gone, and nobody here can start it again. */
  on_leave: (slave: Slave) => void;
  /** So many more slaves are needed. */
  on_grow: (count: number) => void;
  clock?: Clock;
}

type JobEffect = Effect<JobTask, JobReport>;

export class Driver implements SessionEvents {
  readonly #parts: DriverParts;
  readonly #core: Core<JobTask, JobReport>;
  readonly #clock: Clock;
  readonly #reception: Reception;
  readonly #waits = new Waits();
  /** With a lease. */
  #estate: Estate | undefined;
  #heirs: Heirs | undefined;
  readonly #sessions = new Map<number, Session>();
  readonly #ids = new Map<Slave, number>();
  #next_slave_id = 0;
  #next_number = 0;
  readonly #launches = new LaunchQueue((launcher, sessions) => this.#start(launcher, sessions));
  readonly #starting = new Map<number, Deferred<void>>();
  readonly #events: SchedEvent<JobTask, JobReport>[] = [];
  readonly #failures = no_failures();
  readonly #outcomes: Outcomes;
  /** What tasks that have no outcome yet have kept for their next attempt. */
  readonly #checkpoints = new Map<JobTask, unknown>();
  #is_handling = false;
  #cancel_tick: (() => void) | undefined;
  #tick_at = Infinity;
  #is_stopped = false;
  /** Bytes of each result in the frame that is being read. */
  #report_bytes = 0;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#core = new Core(parts.options);
    const { options, unread, events, log } = parts;
    this.#reception = new Reception({
      options,
      events,
      log,
      session_of: (slave_id) => this.#sessions.get(slave_id),
      on_join: (peer) => this.#on_join(peer),
      on_joined: ({ slave_id }) => this.tell({ kind: 'slave_joined', slave_id }),
      on_ports: (ports) => this.#note({ listener: { ...ports } }),
    });
    this.#outcomes = new Outcomes({ unread, events, log, on_settled: (task) => this.#on_settled(task) });
  }

  get is_stopped(): boolean {
    return this.#is_stopped;
  }

  get waiting(): number {
    return this.#core.waiting;
  }

  /** Bytes of the arguments of all tasks that wait. */
  get waiting_bytes(): number {
    return this.#core.waiting_bytes;
  }

  get failures(): Readonly<FailureCounts> {
    return this.#failures;
  }

  get unsettled(): number {
    return this.#core.unsettled;
  }

  /** Tasks that slaves have. */
  get assigned(): number {
    let count = 0;
    for (const { tasks } of this.#core.slaves) count += tasks.length;
    return count;
  }

  /** The task of the queue with that index, if it has no outcome yet. Takes time in proportion to the queue. */
  find_task(index: number): JobTask | undefined {
    return this.#core.queued_tasks().find((task) => task.index === index);
  }

  get slave_count(): number {
    return this.#sessions.size;
  }

  /** From now on what becomes of the tasks of the queue is recorded, before the user learns of it. */
  set_record(record: RunRecord): void {
    this.#outcomes.record = record;
    if (this.#parts.options.lease === 0) return;
    const estate = new Estate(record.file, record.former_facts);
    this.#estate = estate;
    this.#reception.set_estate(estate);
    this.#next_number = estate.highest_number + 1;
    this.#heirs = new Heirs(estate, {
      log: this.#parts.log,
      // from now on it has start_timeout to be ready, and longer as long as its pulse beats
      on_back: ({ slave_id }) => this.tell({ kind: 'slave_launched', slave_id }),
      settle: (session, task, report) => this.#outcomes.settle(session, [task], [report], 0),
      queue: (task) => this.queue(task),
      on_reserved: () => this.tell({ kind: 'source_opened' }),
      on_released: () => this.tell({ kind: 'source_closed' }),
    });
  }

  /** Leaves word to the master that would restart this run. */
  #note(facts: Record<string, unknown>): void {
    if (this.#estate === undefined) return;
    this.#outcomes.record?.note(facts);
    this.#outcomes.hand_over(() => {});
  }

  /** Writes what was recorded, and hands over what waited for that. Returns why it cannot be written. */
  write_record(): Error | undefined {
    return this.#outcomes.write();
  }

  // ---- events in, effects out

  tell(event: SchedEvent<JobTask, JobReport>): void {
    this.#events.push(event);
    if (this.#is_handling) return;
    this.#is_handling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.#core.handle(next, this.#clock.now())) this.#carry_out(effect);
      }
    } finally {
      this.#is_handling = false;
    }
    if (this.#core.wake_at < this.#tick_at) this.#schedule_tick();
    this.#waits.look();
    this.#parts.on_turn();
  }

  #carry_out(effect: JobEffect): void {
    switch (effect.kind) {
      case 'run_tasks':
        this.#sessions.get(effect.slave_id)?.run_tasks(effect.tasks, this.#ahead_of);
        return;
      case 'tasks_settled':
        return this.#outcomes.settle(
          this.#session(effect.slave_id),
          effect.tasks,
          effect.reports,
          this.#report_bytes,
        );
      case 'launch_slave':
        void this.#launch(this.#session(effect.slave_id));
        return;
      case 'grow':
        return this.#grow(effect.count);
      case 'take_back':
        this.#session(effect.slave_id).take_back(effect.from, effect.to);
        return;
      case 'abort_task':
        this.#session(effect.slave_id).abort_task(effect.task_id);
        return;
      case 'kill_task':
        this.#session(effect.slave_id).kill_task(effect.seq);
        return;
      case 'stop_slave':
        this.#session(effect.slave_id).stop(effect.reason);
        return;
      case 'abandon_slave':
        return this.#abandon(this.#session(effect.slave_id), effect.why);
      case 'task_threw':
        return this.#outcomes.threw(
          this.#session(effect.slave_id),
          effect.task,
          effect.report.error as Error,
          effect.delay,
        );
      case 'task_died':
        return this.#on_task_died(effect);
      case 'host_benched':
        this.#parts.log.warn(
          { host: effect.host, ms: effect.time },
          'several tasks died there: it is benched',
        );
        return this.#parts.events.emit('host_benched', { host: effect.host, time_ms: effect.time });
      case 'host_released':
        this.#parts.log.info({ host: effect.host }, 'it gets tasks again');
        return this.#parts.events.emit('host_released', { host: effect.host });
      case 'slave_given_up': {
        const session = this.#session(effect.slave_id);
        // what it failed of last has been said
        const reason = effect.error === session.last_error ? {} : { reason: effect.error.message };
        this.#parts.log.error({ slave: session.name, ...reason }, 'a slave is given up');
        this.#parts.events.emit('slave_dead', { slave: session.slave, error: effect.error });
        return;
      }
      case 'no_slaves':
        return this.#on_no_slaves();
      case 'run_finished':
        this.#outcomes.record?.finished();
        return this.#outcomes.hand_over(() => this.#parts.unread.finish());
      default:
        effect satisfies never;
    }
  }

  #grow(count: number): void {
    this.#parts.log.info({ count }, 'the job gets more slaves');
    try {
      this.#parts.on_grow(count);
    } catch (error) {
      this.#parts.unread.fail(error as Error);
      this.#fail_urgent(error as Error);
      this.tell({ kind: 'grow_failed' });
    }
  }

  #session(slave_id: number): Session {
    return this.#sessions.get(slave_id) as Session;
  }

  // ---- time

  #schedule_tick(): void {
    this.#cancel_tick?.();
    const now = this.#clock.now();
    const at = Math.min(this.#core.wake_at, now + SWEEP_EVERY);
    this.#tick_at = at;
    this.#cancel_tick = this.#clock.set_timer(Math.ceil(at - now), () => this.#tick());
  }

  #tick(): void {
    const is_late = this.#clock.now() - this.#tick_at > LATE_SWEEP;
    for (const session of this.#sessions.values()) {
      if (!session.was_heard && !is_late) continue;
      session.was_heard = false;
      this.tell({ kind: 'slave_heard', slave_id: session.slave_id });
    }
    this.tell({ kind: 'tick' });
    if (this.#outcomes.record !== undefined) this.#record_running(this.#outcomes.record);
    this.#parts.on_sweep();
    if (this.#is_stopped) return;
    this.#schedule_tick();
  }

  /** A task that ends soon is recorded when it has ended; of one that takes long it is kept that it was begun. */
  #record_running(record: RunRecord): void {
    const now = this.#clock.now();
    for (const { slave_id, tasks, progress_at } of this.#core.slaves) {
      const task = tasks.at(0);
      if (task === undefined || task.index === undefined || task.state === 'cancelled') continue;
      if (now - progress_at > LONG_TASK) record.assigned(task, this.#session(slave_id).name);
    }
    this.#outcomes.hand_over(() => {});
  }

  // ---- slaves

  add_slave(slave: Slave): void {
    const slave_id = this.#next_slave_id++;
    const { options, startup_commands } = this.#parts;
    const session = new Session(
      slave,
      slave_id,
      {
        options,
        secret: () => this.#reception.secret,
        secret_file: () => this.#reception.secret_file(),
        startup_commands,
      },
      this,
    );
    this.#sessions.set(slave_id, session);
    this.#ids.set(slave, slave_id);
    set_home(slave, {
      session,
      state: () => this.#core.slave(slave_id)?.state ?? 'stopped',
      run_command: (command, args) => {
        session.run_command(command, args);
        this.tell({ kind: 'command_sent', slave_id });
      },
      running: () => {
        const record = this.#core.slave(slave_id);
        const task = record?.tasks.at(0);
        return record === undefined || task === undefined
          ? undefined
          : { task: task.handle, since: record.progress_at };
      },
      keep_alive: (wait) => this.#waits.keep_alive(wait),
    });
    this.tell({ kind: 'slave_added', slave_id });
  }

  remove_slave(slave: Slave): void {
    const slave_id = this.#ids.get(slave);
    if (slave_id === undefined) return;
    this.#ids.delete(slave);
    this.tell({ kind: 'slave_removed', slave_id });
    const session = this.#sessions.get(slave_id);
    if (session !== undefined) this.#forget_if_removed(session);
  }

  /** A slave that was taken out of the job and has ended is free to go into another. */
  #forget_if_removed({ slave, slave_id }: Session): void {
    if (this.#core.slave(slave_id) !== undefined || !this.#sessions.delete(slave_id)) return;
    set_home(slave, undefined);
  }

  /** Starts all slaves that do not run; resolves when each is ready, rejects with what the first failed of. */
  async start_slaves(): Promise<void> {
    this.tell({ kind: 'slaves_wanted' });
    await this.#waits.until(() => {
      if (this.#is_stopped) throw new StateError('the job was stopped');
      let all_ready = true;
      for (const { state, last_failure } of this.#core.slaves) {
        if (state === 'dead') throw last_failure ?? new StateError('a slave is dead');
        if (state === 'created' || state === 'started') all_ready = false;
      }
      return all_ready;
    });
  }

  async #launch(session: Session): Promise<void> {
    session.set_number(() => this.#next_number++);
    try {
      await this.#reception.addresses(session.slave.launcher.reach);
    } catch (error) {
      const facts = { slave: session.name, cause_kind: 'cannot_start' as const };
      this.on_launch_failed(session, new LaunchError((error as Error).message, facts, { cause: error }));
      return;
    }
    if ((await this.#heirs?.has_come(session)) === true) return;
    this.#launches.add(session);
  }

  async #start(launcher: Launcher, sessions: readonly Session[]): Promise<void> {
    const addresses = await this.#reception.addresses(launcher.reach);
    const ordered: Session[] = [];
    const orders: LaunchOrder[] = [];
    for (const session of sessions) {
      const order = session.prepare_launch(addresses);
      if (order === undefined) continue;
      ordered.push(session);
      orders.push(order);
    }
    if (orders.length === 0) return;
    let processes: LaunchedProcess[];
    try {
      processes = await launcher.start(orders);
    } catch (error) {
      for (const session of ordered) session.not_launched(error as Error);
      return;
    }
    const waits = ordered.map((session, i) => {
      const process = processes[i] as LaunchedProcess;
      const ready = new Deferred<void>();
      this.#starting.set(session.slave_id, ready);
      session.launched(process);
      this.#reception.let_in(session);
      return launcher.pace.until === 'ready' ? ready.promise : process.accepted;
    });
    await Promise.all(waits);
  }

  /** Opens the door for slaves that somebody else starts. Resolves to where they find it. */
  open_to_all(): Promise<string[]> {
    return this.#reception.addresses('network');
  }

  /** Path of the file from which they get the secret. */
  secret_file(): string {
    return this.#reception.secret_file();
  }

  #on_join(peer: string): Session | undefined {
    if (this.#is_stopped) return undefined;
    const slave = this.#parts.on_join(peer);
    return this.#session(this.#ids.get(slave) as number);
  }

  on_left_over(session: Session, report: LeftOverReport): void {
    this.#heirs?.on_left_over(session, report);
  }

  /** Keeps a task for the slave of an earlier run that had it. False when that will not come back. */
  reserve(task: JobTask, held_by: NonNullable<Recalled['held_by']>): boolean {
    return this.#heirs?.reserve(task, held_by) === true;
  }

  /** Tasks that wait for slaves of an earlier run. */
  get reserved(): number {
    return this.#heirs?.reserved ?? 0;
  }

  #end_start(session: Session): void {
    this.#starting.get(session.slave_id)?.resolve();
    this.#starting.delete(session.slave_id);
  }

  #abandon(session: Session, why: 'silent' | 'start_timeout' | 'protocol' | 'cancelled'): void {
    const { heartbeat_timeout, start_timeout } = this.#parts.options;
    switch (why) {
      case 'silent': {
        const what = `gave no sign of life for ${heartbeat_timeout} ms (heartbeat_timeout)`;
        return session.abandon(new NetworkError(what), 'lost');
      }
      case 'start_timeout':
        return session.abandon(
          new NetworkError(`it was not ready within ${start_timeout} ms (start_timeout)`),
        );
      case 'cancelled':
        return session.abandon(
          new NetworkError('was ended because its task was cancelled and did not end'),
          'cancelled',
        );
      case 'protocol':
        return session.abandon(new ProtocolError('sent a report that answers none of its tasks'));
    }
  }

  // ---- what sessions tell

  on_launched(session: Session, { pid, command }: LaunchedProcess): void {
    this.tell({ kind: 'slave_launched', slave_id: session.slave_id });
    this.#parts.log.debug({ slave: session.name, pid, command }, 'a slave was started');
    this.#parts.events.emit('slave_started', { slave: session.slave, pid, command });
  }

  on_ready(session: Session): void {
    this.#end_start(session);
    this.#heirs?.close(session);
    const { slave, slave_id, number, launches, facts } = session;
    const { pid } = session;
    // that of another machine says nothing here
    const is_known = slave.launcher.reach === 'local' && pid !== undefined;
    const facts_kept = { slave_id, number, launch: launches - 1, ...(is_known ? { pid } : {}) };
    this.#note({ [`slave.${slave_id}`]: facts_kept });
    this.tell({ kind: 'slave_ready', slave_id, host: slave.host, time_left: facts?.time_left });
    this.#parts.events.emit('slave_connected', { slave: session.slave });
  }

  on_launch_failed(session: Session, error: LaunchError): void {
    this.#end_start(session);
    session.last_error = error;
    this.#parts.log.warn({ slave: session.name, reason: error.message }, 'a slave did not start');
    this.#failures.cannot_start++;
    this.#heirs?.close(session);
    this.#parts.events.emit('slave_lost', { slave: session.slave, error, why: undefined });
    this.tell({ kind: 'launch_failed', slave_id: session.slave_id, error, same: sameness(error) });
    this.#let_go(session.slave);
    this.#forget_if_removed(session);
  }

  on_lost(session: Session, error: SlaveLostError, said: EndedWith | undefined): void {
    const { slave, slave_id } = session;
    const overdue = this.#overdue_task(slave_id, error);
    if (overdue !== undefined) error.evidence.why = 'timed_out';
    const { why, reason } = error.evidence;
    this.#failures[why]++;
    this.#parts.log.warn({ slave: session.name, why, reason }, 'a slave was lost');
    this.#parts.events.emit('slave_lost', { slave, error, why });
    this.#let_go(slave);
    const ended_with = overdue?.task_id ?? this.#ended_with(slave_id, said);
    this.tell({ kind: 'slave_lost', slave_id, error, why, ended_with });
    this.#forget_if_removed(session);
  }

  /** Whoever came by itself cannot be started again from here. */
  #let_go(slave: Slave): void {
    if (slave.launcher.kind === 'joined') this.#parts.on_leave(slave);
  }

  /**
   * The task that a slave was ended for because its time was over: its pulse, which ended it, could not say so
   * if the connection was broken.
   */
  #overdue_task(slave_id: number, { evidence }: SlaveLostError): JobTask | undefined {
    const record = this.#core.slave(slave_id);
    const task = record?.tasks.at(0);
    if (record === undefined || task === undefined || task.policy.timeout === 0) return undefined;
    if (evidence.why !== 'died' || evidence.signal !== 'SIGKILL') return undefined;
    const limit = task.policy.timeout + this.#parts.options.cancel_grace;
    return this.#clock.now() - record.progress_at >= limit ? task : undefined;
  }

  #ended_with(slave_id: number, said: EndedWith | undefined): number | 'no_task' | undefined {
    if (said === undefined || said === 'no_task') return said;
    if ('task_id' in said) return said.task_id;
    for (const task of this.#core.slave(slave_id)?.tasks ?? [])
      if (is_same_seq(task.seq, said.seq)) return task.task_id;
    return undefined;
  }

  on_ended(session: Session, reason: StopReason): void {
    this.#end_start(session);
    this.#parts.events.emit('slave_stopped', { slave: session.slave, reason });
    this.#let_go(session.slave);
    this.tell({ kind: 'slave_ended', slave_id: session.slave_id });
    this.#forget_if_removed(session);
  }

  on_link(session: Session, is_broken: boolean): void {
    const { log, events } = this.#parts;
    log.warn({ slave: session.name }, is_broken ? 'the connection of a slave broke' : 'it is back');
    events.emit(is_broken ? 'slave_disconnected' : 'slave_reconnected', { slave: session.slave });
  }

  on_pulse(session: Session): void {
    this.tell({ kind: 'take_back_possible', slave_id: session.slave_id });
  }

  on_task_reports(session: Session, reports: TaskReport[], bytes: number): void {
    this.#report_bytes = bytes / reports.length;
    const { slave_id } = session;
    for (let i = 0; i < reports.length; i++) {
      const report = reports[i] as JobReport;
      if (report.kind === 'task_failed')
        this.#judge_failure(session, this.#core.slave(slave_id)?.tasks.at(i), report);
    }
    this.tell({ kind: 'tasks_ended', slave_id, reports });
  }

  /** What a failure is for the user, and whether it is worth another run. */
  #judge_failure(session: Session, task: JobTask | undefined, report: JobReport): void {
    if (task === undefined || task.task_id !== report.task_id || task.state === 'cancelled') return;
    this.#failures[report.has_timed_out ? 'timed_out' : 'threw']++;
    report.error = report.has_timed_out
      ? task.timeout_error(session.name, false)
      : new RemoteError(report.value, { slave: session.name, what: task.label, index: task.index });
    const { retries, retry_if } = task.policy;
    if ((task.trouble?.failures ?? 0) >= retries) return;
    try {
      report.may_retry = retry_if === undefined || retry_if(report.error) === true;
    } catch (error) {
      this.#parts.log.error({ err: error }, 'retry_if threw: the task is not run again');
    }
  }

  on_taken_back(session: Session, from: number, until: number): void {
    this.tell({ kind: 'tasks_taken_back', slave_id: session.slave_id, from, to: until });
  }

  on_command_ended(session: Session): void {
    this.tell({ kind: 'command_ended', slave_id: session.slave_id });
    refuse_idle_wait(session);
  }

  on_vitals(session: Session, vitals: Vitals): void {
    // it has a task of an earlier run to end before it can be ready
    if (this.#heirs?.has(session) === true) this.tell({ kind: 'slave_launched', slave_id: session.slave_id });
    this.tell({ kind: 'slave_heard', slave_id: session.slave_id });
    this.#parts.events.emit('heartbeat', { slave: session.slave, vitals });
    if (vitals.rss <= this.#parts.options.max_slave_memory) return;
    this.#parts.log.info({ slave: session.name, rss: vitals.rss }, 'a slave has grown too large');
    this.tell({ kind: 'slave_swollen', slave_id: session.slave_id });
  }

  on_round_trip({ slave_id }: Session, ms: number): void {
    this.tell({ kind: 'slave_heard', slave_id, round_trip: ms });
  }

  on_stray_error(session: Session, thrown: unknown): void {
    const error = new RemoteError(thrown, {
      slave: session.name,
      what: 'no task (a stray promise or callback)',
    });
    this.#parts.log.warn(
      { slave: session.name, reason: error.message },
      'an error on a slave was caught by nobody',
    );
    this.#parts.events.emit('stray_error', { slave: session.slave, error });
  }

  on_progress(session: Session, task_id: number, progress: Progress): void {
    const task = this.#held_task(session, task_id);
    if (task === undefined) return;
    if (task.index !== undefined) this.#outcomes.record?.progress(task, progress);
    this.#parts.events.emit('task_progress', { task: task.handle, slave: session.slave, ...progress });
  }

  on_checkpoint(session: Session, task_id: number, attempt: number, value: unknown): void {
    const task = this.#held_task(session, task_id);
    if (task === undefined || task.attempt !== attempt || task.state === 'cancelled') return;
    this.#checkpoints.set(task, value);
    const { record } = this.#outcomes;
    if (task.index !== undefined && record !== undefined) {
      record.checkpoint(task, value);
      this.#outcomes.hand_over(() => {});
    }
    this.#parts.events.emit('task_checkpoint', { task: task.handle, slave: session.slave, value });
  }

  readonly #ahead_of = {
    last_checkpoint: (task: JobTask): EncodedValue | undefined => {
      const value = this.#checkpoints.get(task);
      return value === undefined ? undefined : encode_value(value, 'checkpoint');
    },
    trace_context: (task: JobTask) => this.#parts.watching.context_of(task),
  };

  #held_task(session: Session, task_id: number): JobTask | undefined {
    for (const task of this.#core.slave(session.slave_id)?.tasks ?? [])
      if (task.task_id === task_id) return task;
    return undefined;
  }

  // ---- outcomes

  #on_settled(task: JobTask): void {
    if (this.#checkpoints.size > 0) this.#checkpoints.delete(task);
    if (task.index === undefined) this.#waits.release();
  }

  #on_task_died({ slave_id, task, error, is_last }: Extract<JobEffect, { kind: 'task_died' }>): void {
    const lost = error as SlaveLostError;
    const had_it_since = this.#core.slave(slave_id)?.progress_at ?? this.#clock.now();
    const is_delayed = lost.evidence.why === 'timed_out' && !is_last;
    const delay_ms = is_delayed ? retry_delay(task.policy, (task.trouble as TaskTrouble).failures) : 0;
    const run_ms = this.#clock.now() - had_it_since;
    this.#outcomes.died(this.#session(slave_id), task, lost, { run_ms, is_last, delay_ms });
  }

  #on_no_slaves(): void {
    const fates: Fate[] = [];
    for (const { name, last_error } of this.#sessions.values())
      if (last_error !== undefined) fates.push({ slave: name, error: last_error });
    const error = no_slaves_error(this.#core.unsettled + this.#core.urgent_tasks().length, fates);
    this.#fail_urgent(error);
    // a run that has all its outcomes lacks no slaves
    if (!this.#parts.unread.is_finished) this.#parts.unread.fail(error);
  }

  #fail_urgent(error: Error): void {
    for (const task of this.#core.urgent_tasks()) this.cancel(task, error);
  }

  // ---- tasks

  /** Gives a task of an earlier run of the program what that run knew of it. */
  remember(task: JobTask, { deaths, attempt, checkpoint }: Recalled): void {
    task.is_restarted = true;
    task.attempt = attempt + 1;
    if (deaths > 0) task.have_trouble().deaths = deaths;
    if (checkpoint !== undefined) this.#checkpoints.set(task, checkpoint);
  }

  queue(task: JobTask): void {
    if (task.index === undefined) this.#waits.hold();
    this.#parts.watching.wanted(task);
    this.tell({ kind: 'task_queued', task });
  }

  /** Takes a task out, wherever it is. Its outcome will be `error`. False when it has one. */
  cancel(task: JobTask, error: unknown): boolean {
    if (task.state !== 'queued' && task.state !== 'assigned') return false;
    // it waited for a run that will not be
    if (task.state === 'queued') task.attempt--;
    // before the scheduler hears of it: this may be the last outcome that a run waits for
    this.#outcomes.cancelled(task, error);
    this.tell({ kind: 'task_cancelled', task });
    return true;
  }

  /** Takes all tasks of the queue out. */
  cancel_queue(error_of: (task: JobTask) => Error): void {
    for (const task of this.#core.queued_tasks()) this.cancel(task, error_of(task));
  }

  // ---- telling

  explain(): string {
    const now = this.#clock.now();
    let running = 0;
    const stories: SlaveStory[] = [];
    for (const record of this.#core.slaves) {
      const { slave_id, state, tasks, host, launch_at } = record;
      const session = this.#session(slave_id);
      running += tasks.length;
      stories.push({
        name: session.name,
        host: session.slave.host,
        state,
        waits_for: session.waits_for,
        tasks: tasks.length,
        busy_ms: now - record.progress_at,
        last_error: session.last_error,
        is_leaving: record.is_leaving,
        is_worn: record.is_worn,
        is_benched: (host?.benched_until ?? 0) > 0,
        is_disconnected: session.is_disconnected,
        relaunch_in_ms: state === 'created' && launch_at < Infinity ? launch_at - now : undefined,
      });
    }
    const { waiting, urgent_waiting, is_run_open, is_reader_behind } = this.#core;
    const { max_slaves } = this.#parts.options;
    return explain({ waiting, urgent_waiting, running, is_run_open, is_reader_behind, max_slaves }, stories);
  }

  /** Keeps the process alive until the returned function is called. */
  hold(): () => void {
    this.#waits.hold();
    return () => this.#waits.release();
  }

  // ---- the end

  #close_record(): void {
    this.#estate?.remove_secret();
    try {
      this.#outcomes.record?.close();
    } catch (error) {
      // whoever waited for an outcome has been told so already
      this.#parts.log.error({ reason: (error as Error).message }, 'the status file could not be closed');
    }
  }

  /** Ends all slaves. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    const error = new StateError('the job was stopped');
    this.tell({ kind: 'job_stopped' });
    this.#fail_urgent(error);
    this.#parts.unread.fail(error);
    const gone = this.#waits.until(() => {
      for (const { state } of this.#core.slaves) if (state === 'stopping') return false;
      return true;
    });
    const timer = setTimeout(() => {
      for (const session of this.#sessions.values()) session.kill();
    }, STOP_TIMEOUT);
    await gone;
    clearTimeout(timer);
    this.#close_record();
    this.#reception.close();
    this.#cancel_tick?.();
    this.#parts.events.emit('job_stopped', {});
  }
}

/** A pulse counts the tasks of its connection round 2^30. */
function is_same_seq(seq: number, counted: number): boolean {
  return seq % 2 ** 30 === counted;
}
