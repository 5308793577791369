/**
 * Driver: carries out what the scheduler decides, and tells it what has happened. The only place where
 * decisions meet sockets and processes.
 *
 *     Job ─▶ Driver ─▶ Core.handle(event) ─▶ effects ─▶ sessions, unread outcomes, events
 *              ▲                                             │
 *              └──────────── SessionEvents ◀─────────────────┘
 */
import { randomBytes } from 'node:crypto';
import type PQueue from 'p-queue';
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import { Deferred } from '../base/deferred.js';
import type { Log } from '../base/log.js';
import {
  LaunchError,
  NetworkError,
  NoMoreSlavesError,
  type ParjobError,
  ProtocolError,
  RemoteError,
  StateError,
} from '../errors.js';
import type { LaunchedProcess } from '../launch/launcher.js';
import { Listener } from '../net/listener.js';
import { Core } from '../sched/core.js';
import type { Effect, SchedEvent } from '../sched/events.js';
import type { Progress } from '../task.js';
import { SECRET_BYTES } from '../wire/hello.js';
import type { TaskReport } from '../wire/messages.js';
import type { Vitals } from '../wire/pulse_messages.js';
import type { Command } from './command.js';
import type { Events } from './events.js';
import type { ResolvedJobOptions } from './job_options.js';
import type { JobTask } from './queued_task.js';
import { Session, type SessionEvents, type SlaveLostError } from './session.js';
import { refuse_idle_wait, type Slave, set_home } from './slave.js';
import type { Unread } from './unread.js';

/** Slaves die of a task so often before it is given up. */
const ATTEMPTS = 2;
/** How often silence is looked for, ms. */
const SWEEP_EVERY = 1000;
/** A sweep that comes so late finds a master that was busy itself: nobody is judged then, ms. */
const LATE_SWEEP = 500;
/** Slaves that are being started at the same time. */
const STARTS_AT_ONCE = 16;
const LOOPBACK = '127.0.0.1';
/** From a stop to the end of waiting for processes that cannot be killed, ms. */
const STOP_TIMEOUT = 10_000;

export interface DriverParts {
  options: ResolvedJobOptions;
  startup_commands: readonly Command[];
  events: Events;
  log: Log;
  /** Where outcomes of queued tasks go. */
  unread: Unread;
  /** After every event: time to queue more tasks from where they come from. */
  on_turn: () => void;
  /** Now and then, while the job lives. */
  on_sweep: () => void;
  clock?: Clock;
}

export class Driver implements SessionEvents {
  readonly #parts: DriverParts;
  readonly #core: Core<JobTask, TaskReport>;
  readonly #clock: Clock;
  readonly #secret = randomBytes(SECRET_BYTES);
  readonly #sessions = new Map<number, Session>();
  readonly #ids = new Map<Slave, number>();
  #next_slave_id = 0;
  #next_number = 0;
  #listener: Listener | undefined;
  #addresses: string[] | undefined;
  #listening: Promise<void> | undefined;
  #launches: Promise<PQueue> | undefined;
  readonly #starting = new Map<number, Deferred<void>>();
  #waiters: { is_met: () => boolean; deferred: Deferred<void> }[] = [];
  readonly #events: SchedEvent<JobTask, TaskReport>[] = [];
  #is_handling = false;
  #cancel_tick: (() => void) | undefined;
  #tick_at = Infinity;
  #holds = 0;
  /** Fires next to never; only keeps the process alive while it is referenced. */
  readonly #keep_alive = setInterval(() => {}, 2 ** 30).unref();
  #is_stopped = false;
  /** Bytes of each result in the frame that is being read. */
  #report_bytes = 0;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    const { prefetch, heartbeat_timeout, start_timeout } = parts.options;
    this.#core = new Core({ prefetch, attempts: ATTEMPTS, heartbeat_timeout, start_timeout });
  }

  get is_stopped(): boolean {
    return this.#is_stopped;
  }

  get waiting(): number {
    return this.#core.waiting;
  }

  get unsettled(): number {
    return this.#core.unsettled;
  }

  get slave_count(): number {
    return this.#sessions.size;
  }

  // ---- events in, effects out

  tell(event: SchedEvent<JobTask, TaskReport>): void {
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
    if (this.#waiters.length > 0) this.#wake_waiters();
    this.#parts.on_turn();
  }

  #carry_out(effect: Effect<JobTask, TaskReport>): void {
    switch (effect.kind) {
      case 'run_tasks':
        this.#sessions.get(effect.slave_id)?.run_tasks(effect.tasks);
        return;
      case 'tasks_settled':
        return this.#settle(this.#session(effect.slave_id), effect.tasks, effect.reports);
      case 'launch_slave':
        void this.#launch(this.#session(effect.slave_id));
        return;
      case 'take_back':
        this.#session(effect.slave_id).take_back(effect.from, effect.to);
        return;
      case 'abort_task':
        this.#session(effect.slave_id).abort_task(effect.task_id);
        return;
      case 'stop_slave':
        this.#session(effect.slave_id).stop();
        return;
      case 'abandon_slave':
        return this.#abandon(this.#session(effect.slave_id), effect.why);
      case 'task_died':
        return this.#on_task_died(this.#session(effect.slave_id), effect.task, effect.error, effect.is_last);
      case 'slave_given_up': {
        const session = this.#session(effect.slave_id);
        this.#parts.log.error({ slave: session.name, reason: effect.error.message }, 'a slave is given up');
        this.#parts.events.emit('slave_dead', { slave: session.slave, error: effect.error });
        return;
      }
      case 'no_slaves':
        return this.#on_no_slaves();
      case 'run_finished':
        return this.#parts.unread.finish();
      default:
        effect satisfies never;
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
    this.#parts.on_sweep();
    if (this.#is_stopped) return;
    this.#schedule_tick();
  }

  // ---- slaves

  add_slave(slave: Slave): void {
    const slave_id = this.#next_slave_id++;
    const { options, startup_commands } = this.#parts;
    const session = new Session(
      slave,
      slave_id,
      { options, secret: this.#secret.toString('hex'), startup_commands },
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
      keep_alive: (wait) => this.keep_alive(wait),
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
    await this.wait_until(() => {
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
      await (this.#listening ??= this.#listen());
    } catch (error) {
      this.#listening = undefined;
      const facts = { slave: session.name, cause_kind: 'cannot_start' as const };
      this.on_launch_failed(session, new LaunchError((error as Error).message, facts, { cause: error }));
      return;
    }
    const start = async () => {
      const ready = new Deferred<void>();
      this.#starting.set(session.slave_id, ready);
      session.launch(this.#addresses as string[]);
      await ready.promise;
    };
    // the first ones need no queue, and need not wait until it is loaded
    if (this.#starting.size < STARTS_AT_ONCE) void start();
    else void (await (this.#launches ??= launch_queue())).add(start);
  }

  async #listen(): Promise<void> {
    const { options, events, log } = this.#parts;
    const listener = new Listener(this.#secret, {
      on_accept: (identity, link, rest) => {
        const session = this.#sessions.get(identity.slave_id);
        if (session === undefined) link.destroy();
        else session.accept(link, identity.role, identity.launch, rest);
      },
      on_refuse: (peer, reason) => {
        log.info({ peer, reason: reason.message }, 'a client was turned away');
        events.emit('client_refused', { peer, reason });
      },
    });
    const host = options.host ?? LOOPBACK;
    await listener.listen(host, ...options.ports);
    this.#listener = listener;
    this.#addresses = [`${host.includes(':') ? `[${host}]` : host}:${listener.port}`];
  }

  #end_start(session: Session): void {
    this.#starting.get(session.slave_id)?.resolve();
    this.#starting.delete(session.slave_id);
  }

  #abandon(session: Session, why: 'silent' | 'start_timeout' | 'protocol'): void {
    const { heartbeat_timeout, start_timeout } = this.#parts.options;
    if (why === 'silent')
      session.abandon(
        new NetworkError(`gave no sign of life for ${heartbeat_timeout} ms (heartbeat_timeout)`),
      );
    else if (why === 'protocol')
      session.abandon(new ProtocolError('sent a report that answers none of its tasks'));
    else session.abandon(new NetworkError(`it was not ready within ${start_timeout} ms (start_timeout)`));
  }

  // ---- what sessions tell

  on_launched(session: Session, { pid, command }: LaunchedProcess): void {
    this.tell({ kind: 'slave_launched', slave_id: session.slave_id });
    this.#parts.log.debug({ slave: session.name, pid, command }, 'a slave was started');
    this.#parts.events.emit('slave_started', { slave: session.slave, pid, command });
  }

  on_ready(session: Session): void {
    this.#end_start(session);
    this.tell({ kind: 'slave_ready', slave_id: session.slave_id });
    this.#parts.events.emit('slave_connected', { slave: session.slave });
  }

  on_launch_failed(session: Session, error: LaunchError): void {
    this.#end_start(session);
    session.last_error = error;
    this.#parts.log.warn({ slave: session.name, reason: error.message }, 'a slave did not start');
    this.#parts.events.emit('slave_lost', { slave: session.slave, error });
    this.tell({ kind: 'launch_failed', slave_id: session.slave_id, error, same: sameness(error) });
    this.#forget_if_removed(session);
  }

  on_lost(session: Session, error: SlaveLostError, ended_with: number | 'no_task' | undefined): void {
    this.#parts.log.warn({ slave: session.name, reason: error.evidence.reason }, 'a slave was lost');
    this.#parts.events.emit('slave_lost', { slave: session.slave, error });
    this.tell({ kind: 'slave_lost', slave_id: session.slave_id, error, ended_with });
    this.#forget_if_removed(session);
  }

  on_ended(session: Session): void {
    this.#end_start(session);
    this.tell({ kind: 'slave_ended', slave_id: session.slave_id });
    this.#parts.events.emit('slave_stopped', { slave: session.slave });
    this.#forget_if_removed(session);
  }

  on_pulse(session: Session): void {
    this.tell({ kind: 'take_back_possible', slave_id: session.slave_id });
  }

  on_task_reports(session: Session, reports: TaskReport[], bytes: number): void {
    this.#report_bytes = bytes / reports.length;
    this.tell({ kind: 'tasks_ended', slave_id: session.slave_id, reports });
  }

  on_taken_back(session: Session, from: number, until: number): void {
    this.tell({ kind: 'tasks_taken_back', slave_id: session.slave_id, from, to: until });
  }

  on_command_ended(session: Session): void {
    this.tell({ kind: 'command_ended', slave_id: session.slave_id });
    refuse_idle_wait(session);
  }

  on_vitals(session: Session, vitals: Vitals): void {
    this.#parts.events.emit('heartbeat', { slave: session.slave, vitals });
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
    const task = this.#core.slave(session.slave_id)?.tasks;
    for (const held of task ?? []) {
      if (held.task_id !== task_id) continue;
      this.#parts.events.emit('task_progress', {
        task: held.handle,
        slave: session.slave,
        ...progress,
      });
      return;
    }
  }

  // ---- outcomes

  #settle(session: Session, tasks: JobTask[], reports: TaskReport[]): void {
    const { unread, events } = this.#parts;
    const tells_done = events.has_listeners('task_done');
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i] as JobTask;
      const report = reports[i] as TaskReport;
      if (report.kind === 'task_done') {
        this.#settle_task(task, report.value, this.#report_bytes);
        if (tells_done) {
          const run_ms = report.run_us / 1000;
          events.emit('task_done', { task: task.handle, slave: session.slave, run_ms });
        }
      } else {
        const error = new RemoteError(report.value, {
          slave: session.name,
          what: task.label,
          index: task.index,
        });
        this.#settle_task(task, error, this.#report_bytes);
        events.emit('task_failed', { task: task.handle, slave: session.slave, error });
      }
      if (task.index !== undefined) unread.push(task);
    }
    unread.wake();
  }

  #settle_task(task: JobTask, outcome: unknown, bytes: number): void {
    if (task.settle(outcome, bytes) && task.index === undefined) this.#release();
  }

  #on_task_died(session: Session, task: JobTask, error: Error, is_last: boolean): void {
    const { unread, events } = this.#parts;
    task.add_dead_attempt((error as SlaveLostError).evidence, is_last);
    const told = task.handle;
    if (!is_last) {
      events.emit('task_retried', { task: told, slave: session.slave, error });
      return;
    }
    events.emit('task_failed', { task: told, slave: session.slave, error: task.outcome as Error });
    if (task.index === undefined) this.#release();
    else unread.push(task);
    unread.wake();
  }

  #on_no_slaves(): void {
    const error = this.#no_slaves_error();
    this.#fail_urgent(error);
    // a run that has all its outcomes lacks no slaves
    if (!this.#parts.unread.is_finished) this.#parts.unread.fail(error);
  }

  #fail_urgent(error: ParjobError): void {
    for (const task of this.#core.urgent_tasks()) this.cancel(task, error);
  }

  #no_slaves_error(): NoMoreSlavesError {
    const fates: { slave: string; error: Error }[] = [];
    for (const { name, last_error } of this.#sessions.values()) {
      if (last_error !== undefined) fates.push({ slave: name, error: last_error });
    }
    const tasks = `${this.#core.unsettled + this.#core.urgent_tasks().length} tasks wait`;
    const [first] = fates;
    if (first === undefined) {
      return new NoMoreSlavesError(
        `${tasks} and the job has no slaves: push some first, such as job.push(...local_slaves())`,
        [],
      );
    }
    const causes = new Map<string, { error: Error; slaves: string[] }>();
    for (const { slave, error } of fates) {
      const cause = causes.get(sameness(error));
      if (cause === undefined) causes.set(sameness(error), { error, slaves: [slave] });
      else cause.slaves.push(slave);
    }
    const story = [...causes.values()].map(({ error, slaves }) => {
      const others = slaves.length > 1 ? ` (so did ${slaves.length - 1} more)` : '';
      return `${error.message}${others}`;
    });
    const options = causes.size === 1 ? { cause: first.error } : undefined;
    return new NoMoreSlavesError(
      `${tasks} and no slave is left, nor can one be had. ${story.join('\n')}`,
      fates,
      options,
    );
  }

  // ---- tasks

  queue(task: JobTask): void {
    if (task.index === undefined) this.#hold();
    this.tell({ kind: 'task_queued', task });
  }

  /** Takes a task out, wherever it is. Its outcome will be `error`. */
  cancel(task: JobTask, error: unknown): void {
    if (task.state !== 'queued' && task.state !== 'assigned') return;
    this.tell({ kind: 'task_cancelled', task });
    this.#settle_task(task, error, 0);
  }

  // ---- waiting

  /** Resolves when `is_met`; rejects with what `is_met` throws. Looked at after every event. */
  wait_until(is_met: () => boolean): Promise<void> {
    const deferred = new Deferred<void>();
    this.#waiters.push({ is_met, deferred });
    this.#wake_waiters();
    return this.keep_alive(deferred.promise);
  }

  #wake_waiters(): void {
    this.#waiters = this.#waiters.filter(({ is_met, deferred }) => {
      try {
        if (!is_met()) return true;
        deferred.resolve();
      } catch (error) {
        deferred.reject(error);
      }
      return false;
    });
  }

  /** While `wait` is pending the process stays alive; an idle job holds nobody up. */
  async keep_alive<T>(wait: Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await wait;
    } finally {
      release();
    }
  }

  /** Keeps the process alive until the returned function is called. */
  hold(): () => void {
    this.#hold();
    return () => this.#release();
  }

  #hold(): void {
    if (this.#holds++ === 0) this.#keep_alive.ref();
  }

  #release(): void {
    if (--this.#holds === 0) this.#keep_alive.unref();
  }

  // ---- the end

  /** Ends all slaves. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    const error = new StateError('the job was stopped');
    this.tell({ kind: 'job_stopped' });
    this.#fail_urgent(error);
    this.#parts.unread.fail(error);
    const gone = this.wait_until(() => {
      for (const { state } of this.#core.slaves) if (state === 'stopping') return false;
      return true;
    });
    const timer = setTimeout(() => {
      for (const session of this.#sessions.values()) session.kill();
    }, STOP_TIMEOUT);
    await gone;
    clearTimeout(timer);
    this.#cancel_tick?.();
    this.#listener?.close();
  }
}

async function launch_queue(): Promise<PQueue> {
  const { default: LaunchQueue } = await import('p-queue');
  return new LaunchQueue({ concurrency: STARTS_AT_ONCE });
}

/** Launches that fail of the same cause have the same text here. */
function sameness(error: Error): string {
  if (!(error instanceof LaunchError)) return error.message;
  const { cause_kind, exit_code, signal } = error;
  const cause =
    error.cause instanceof RemoteError
      ? error.cause.remote_message
      : ((error.cause as Error | undefined)?.message ?? '');
  return `${cause_kind} ${exit_code} ${signal} ${cause}`;
}
