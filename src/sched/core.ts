/**
 * The scheduler: takes an event and the time, returns effects, and does nothing else.
 *
 *     event ─▶ Core.handle(event, now) ─▶ effects
 *
 * Everything about queues, attempts, prefetch, relaunches and the end of a run is decided here. There is
 * no I/O and no clock; `master/driver.ts` carries the effects out, and a simulator can do the same for
 * ten thousand slaves without a socket.
 *
 * Tasks wait in queues: urgent ones (run_task) go first, then suspects (see TaskRecord), then the user's
 * queue, which, with its suspects, only moves while a run is open. A slave holds up to `depth` tasks (prefetch.ts).
 */
import { Ring } from '../base/ring.js';
import type { Effect, Report, SchedEvent } from './events.js';
import { adapt_depth, fair_share, MAX_PREFETCH } from './prefetch.js';
import { SlaveRecord, type TaskRecord } from './records.js';
import { next_state, type SlaveState, type SlaveTransition } from './slave_state.js';

/** Bytes of arguments that a slave may hold beyond its first task. */
const PREFETCH_BYTES = 32 * 1024 * 1024;
/** A slave's unstarted tasks are worth taking back when they would wait there longer than this, ms. */
const STEAL_AFTER = 10;
/** Launches and unexplained losses of one slave in a row before it is given up. */
const MAX_FAILURES = 3;
/** Wait before the second launch, ms; doubled for each further one. */
const RELAUNCH_DELAY = 250;

export interface CoreOptions {
  /** Most tasks that a slave may hold; undefined lets the measured task time decide. */
  prefetch?: number | undefined;
  /** Deaths of slaves that a task may cause before it is given up. */
  attempts: number;
  /** ms without a sign of life after which a slave is lost. */
  heartbeat_timeout: number;
  /** ms from launch to readiness after which a launch has failed. */
  start_timeout: number;
}

export class Core<T extends TaskRecord, R extends Report = Report> {
  readonly #options: CoreOptions;
  readonly #slaves = new Map<number, SlaveRecord<T>>();
  /** Slaves that could take a task when they last were looked at. */
  readonly #hungry = new Set<SlaveRecord<T>>();
  readonly #queue = new Ring<T>();
  readonly #urgent = new Ring<T>();
  readonly #suspects = new Ring<T>();
  readonly #urgent_suspects = new Ring<T>();
  /** Queued tasks, and urgent ones, that are not settled. */
  #unsettled = 0;
  #unsettled_urgent = 0;
  /** Cancelled tasks that still lie in a queue. */
  #dead_entries = 0;
  #open_sources = 0;
  #is_run_open = false;
  #is_reader_behind = false;
  #is_stopped = false;
  /** Slaves that work or are about to. */
  #working = 0;
  /** What each slave's last launch failed of, to see whether all fail alike. */
  readonly #same_cause = new Map<number, string>();
  #wake_at = Infinity;
  #effects: Effect<T, R>[] = [];
  #now = 0;

  constructor(options: CoreOptions) {
    this.#options = options;
  }

  /** Tasks that wait for a slave. */
  get waiting(): number {
    const suspects = this.#suspects.length + this.#urgent_suspects.length;
    return this.#queue.length + this.#urgent.length + suspects - this.#dead_entries;
  }

  /** Tasks of the queue that have no outcome yet. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** The urgent tasks that have no outcome yet. Takes time in proportion to all tasks. */
  urgent_tasks(): T[] {
    const found: T[] = [];
    const look = (tasks: Iterable<T>) => {
      for (const task of tasks) if (task.index === undefined && task.state !== 'cancelled') found.push(task);
    };
    look(this.#urgent);
    look(this.#urgent_suspects);
    for (const slave of this.#slaves.values()) look(slave.tasks);
    return found;
  }

  slave(slave_id: number): SlaveRecord<T> | undefined {
    return this.#slaves.get(slave_id);
  }

  get slaves(): Iterable<SlaveRecord<T>> {
    return this.#slaves.values();
  }

  /** When a `tick` is due at the latest; Infinity when nothing waits for time to pass. */
  get wake_at(): number {
    return this.#wake_at;
  }

  handle(event: SchedEvent<T, R>, now: number): readonly Effect<T, R>[] {
    this.#now = now;
    this.#effects = [];
    this.#react(event);
    return this.#effects;
  }

  #react(event: SchedEvent<T, R>): void {
    switch (event.kind) {
      case 'task_queued':
        return this.#on_task_queued(event.task);
      case 'tasks_ended':
        return this.#on_tasks_ended(this.#must_have(event.slave_id), event.reports);
      case 'tasks_taken_back':
        return this.#on_taken_back(this.#must_have(event.slave_id), event.from, event.to);
      case 'task_cancelled':
        return this.#on_cancelled(event.task);
      case 'slave_added':
        this.#slaves.set(event.slave_id, new SlaveRecord<T>(event.slave_id));
        if (this.#is_run_open || this.#unsettled_urgent > 0) this.#launch_all();
        return;
      case 'slave_removed':
        return this.#on_removed(event.slave_id);
      case 'slaves_wanted':
        return this.#launch_all();
      case 'slave_launched':
        this.#must_have(event.slave_id).launch_at = this.#now;
        this.#wake(this.#now + this.#options.start_timeout);
        return;
      case 'slave_ready':
        return this.#on_ready(this.#must_have(event.slave_id));
      case 'launch_failed':
        return this.#on_launch_failed(this.#must_have(event.slave_id), event.error, event.same);
      case 'slave_lost':
        return this.#on_lost(this.#must_have(event.slave_id), event.error, event.ended_with);
      case 'slave_ended':
        return this.#on_ended(event.slave_id);
      case 'slave_heard':
        this.#must_have(event.slave_id).heard_at = this.#now;
        return;
      case 'take_back_possible':
        this.#must_have(event.slave_id).can_take_back = true;
        return;
      case 'command_sent':
        return this.#on_command(this.#must_have(event.slave_id), 1);
      case 'command_ended':
        return this.#on_command(this.#must_have(event.slave_id), -1);
      case 'source_opened':
        this.#open_sources++;
        return;
      case 'source_closed':
        this.#open_sources--;
        return this.#finish_run();
      case 'run_opened':
        this.#is_run_open = true;
        if (this.#unsettled > 0 || this.#open_sources > 0) this.#launch_all();
        this.#dispatch();
        return this.#finish_run();
      case 'run_closed':
        this.#is_run_open = false;
        for (const slave of this.#slaves.values()) this.#take_back(slave, slave.tasks.length - 1);
        return;
      case 'reader_behind':
        this.#is_reader_behind = event.is_behind;
        if (!event.is_behind) this.#dispatch();
        return;
      case 'job_stopped':
        this.#is_stopped = true;
        for (const slave of this.#slaves.values()) this.#stop(slave);
        return;
      case 'tick':
        return this.#on_tick();
      default:
        event satisfies never;
    }
  }

  #must_have(slave_id: number): SlaveRecord<T> {
    const slave = this.#slaves.get(slave_id);
    if (slave === undefined) throw new Error(`the scheduler has no slave ${slave_id}`);
    return slave;
  }

  #move(slave: SlaveRecord<T>, transition: SlaveTransition): void {
    if (is_working(slave.state)) this.#working--;
    slave.state = next_state(slave.state, transition);
    if (is_working(slave.state)) this.#working++;
  }

  #wake(at: number): void {
    if (at < this.#wake_at) this.#wake_at = at;
  }

  // ---- tasks

  #on_task_queued(task: T): void {
    if (task.index === undefined) {
      this.#unsettled_urgent++;
      this.#urgent.push(task);
      if (this.#unsettled_urgent === 1 && this.#working < this.#slaves.size) this.#launch_all();
      else if (this.#slaves.size === 0) this.#check_slaves();
      this.#dispatch();
    } else {
      this.#unsettled++;
      this.#queue.push(task);
      if (!this.#is_run_open) return;
      if (this.#unsettled === 1) this.#launch_all();
      this.#dispatch();
    }
  }

  #settle(task: T, state: 'done' | 'failed' | 'cancelled'): void {
    task.state = state;
    if (task.index === undefined) this.#unsettled_urgent--;
    else this.#unsettled--;
  }

  #on_tasks_ended(slave: SlaveRecord<T>, reports: readonly R[]): void {
    const tasks: T[] = [];
    const settled: R[] = [];
    for (const report of reports) {
      const task = slave.tasks.at(0);
      if (task === undefined || task.task_id !== report.task_id) {
        this.#effects.push({ kind: 'abandon_slave', slave_id: slave.slave_id, why: 'protocol' });
        break;
      }
      slave.tasks.shift();
      slave.bytes -= task.bytes;
      slave.failures = 0;
      adapt_depth(slave, report.run_us, this.#options.prefetch);
      if (task.state === 'cancelled') continue;
      task.is_suspect = false;
      this.#settle(task, report.kind === 'task_done' ? 'done' : 'failed');
      tasks.push(task);
      settled.push(report);
    }
    slave.progress_at = this.#now;
    if (tasks.length > 0)
      this.#effects.push({ kind: 'tasks_settled', slave_id: slave.slave_id, tasks, reports: settled });
    this.#after_work(slave);
    this.#finish_run();
  }

  #on_cancelled(task: T): void {
    if (task.state === 'assigned') {
      for (const slave of this.#slaves.values()) {
        for (const held of slave.tasks) {
          if (held === task)
            this.#effects.push({ kind: 'abort_task', slave_id: slave.slave_id, task_id: task.task_id });
        }
      }
      this.#settle(task, 'cancelled');
    } else if (task.state === 'queued') {
      // suspects are few; the other queues drop the entry when its turn comes
      if (task.is_suspect) this.#suspects_of(task).filter_in_place((other) => other !== task);
      else this.#dead_entries++;
      this.#settle(task, 'cancelled');
    }
    this.#finish_run();
  }

  #finish_run(): void {
    if (!this.#is_run_open || this.#unsettled > 0 || this.#open_sources > 0) return;
    this.#is_run_open = false;
    this.#effects.push({ kind: 'run_finished' });
  }

  // ---- from the queues to the slaves

  #dispatch(): void {
    if (this.#hungry.size === 0) return;
    // first one task for every idle slave, then the prefetch
    for (const slave of this.#hungry) if (slave.tasks.length === 0 && !this.#fill(slave, 1)) break;
    for (const slave of this.#hungry) if (!this.#fill(slave, MAX_PREFETCH)) break;
  }

  /** Gives `slave` tasks until it holds `most`, or its depth. False when there is none to give. */
  #fill(slave: SlaveRecord<T>, most: number): boolean {
    if (!this.#can_take(slave)) {
      this.#hungry.delete(slave);
      return true;
    }
    let batch: T[] | undefined;
    while (slave.tasks.length < most) {
      if (slave.tasks.length > 0 && !this.#may_prefetch(slave)) break;
      const task = this.#next_task(slave);
      if (task === undefined) break;
      if (slave.tasks.length === 0) slave.progress_at = this.#now;
      task.state = 'assigned';
      slave.tasks.push(task);
      slave.bytes += task.bytes;
      task.seq = slave.next_seq++;
      (batch ??= []).push(task);
      if (task.is_suspect) break;
    }
    if (batch !== undefined) {
      this.#move(slave, 'assign');
      this.#effects.push({ kind: 'run_tasks', slave_id: slave.slave_id, tasks: batch });
    }
    if (!this.#has_task()) return false;
    // it holds what it may: it is looked at again when it reports
    if (most > 1) this.#hungry.delete(slave);
    return true;
  }

  #can_take(slave: SlaveRecord<T>): boolean {
    return (
      (slave.state === 'connected' || slave.state === 'running_task') &&
      slave.commands === 0 &&
      slave.taking_back === undefined &&
      !slave.is_leaving
    );
  }

  #may_prefetch(slave: SlaveRecord<T>): boolean {
    if (slave.tasks.length >= slave.depth || slave.bytes >= PREFETCH_BYTES) return false;
    // whatever is queued behind a long task would only have to be taken back
    if (this.#now - slave.progress_at >= STEAL_AFTER) return false;
    if (this.#runnable_suspects() !== undefined || slave.tasks.at(0)?.is_suspect === true) return false;
    const left = this.#open_sources > 0 ? Infinity : this.waiting;
    return slave.tasks.length < fair_share(left, this.#working);
  }

  #has_task(): boolean {
    return (
      this.#urgent.length > 0 ||
      this.#runnable_suspects() !== undefined ||
      (this.#is_queue_open() && this.#queue.length > 0)
    );
  }

  #runnable_suspects(): Ring<T> | undefined {
    if (this.#urgent_suspects.length > 0) return this.#urgent_suspects;
    return this.#suspects.length > 0 && this.#is_queue_open() ? this.#suspects : undefined;
  }

  #is_queue_open(): boolean {
    return this.#is_run_open && !this.#is_reader_behind;
  }

  #next_task(slave: SlaveRecord<T>): T | undefined {
    const urgent = this.#shift(this.#urgent);
    if (urgent !== undefined) return urgent;
    const suspects = this.#runnable_suspects();
    if (suspects !== undefined) return slave.tasks.length === 0 ? suspects.shift() : undefined;
    return this.#is_queue_open() ? this.#shift(this.#queue) : undefined;
  }

  /** The next entry that was not cancelled while it waited. */
  #shift(queue: Ring<T>): T | undefined {
    for (;;) {
      const task = queue.shift();
      if (task === undefined || task.state !== 'cancelled') return task;
      this.#dead_entries--;
    }
  }

  /** A slave has ended a task or a command: it gets the next, or leaves, or helps another out. */
  #after_work(slave: SlaveRecord<T>): void {
    if (
      slave.tasks.length === 0 &&
      slave.commands === 0 &&
      (slave.state === 'running_task' || slave.state === 'running_cmd')
    ) {
      this.#move(slave, 'finish');
    }
    if (slave.is_leaving) {
      if (slave.tasks.length === 0 && slave.commands === 0) this.#stop(slave);
      return;
    }
    this.#hungry.add(slave);
    if (this.#has_task()) this.#fill(slave, MAX_PREFETCH);
    if (slave.tasks.length === 0) this.#steal();
  }

  // ---- tasks taken back from where they would wait too long

  /** The slave whose waiting tasks others could start now, if there is one. */
  #victim(): SlaveRecord<T> | undefined {
    if (this.#has_task()) return undefined;
    let fullest: SlaveRecord<T> | undefined;
    let idle = false;
    for (const slave of this.#slaves.values()) {
      if (slave.taking_back !== undefined) return undefined;
      if (slave.state === 'connected' && this.#can_take(slave)) idle = true;
      else if (slave.can_take_back && slave.tasks.length > (fullest?.tasks.length ?? 1)) fullest = slave;
    }
    return idle ? fullest : undefined;
  }

  #steal(): void {
    const victim = this.#victim();
    if (victim === undefined) return;
    const waiting = victim.tasks.length - 1;
    const expected = (waiting * (victim.task_us ?? 0)) / 1000;
    if (expected < STEAL_AFTER && this.#now - victim.progress_at < STEAL_AFTER) {
      this.#wake(this.#now + STEAL_AFTER);
      return;
    }
    this.#take_back(victim, Math.ceil(waiting / 2));
  }

  /** Asks for the last `count` tasks that `slave` holds. */
  #take_back(slave: SlaveRecord<T>, count: number): void {
    if (count <= 0 || !slave.can_take_back || slave.taking_back !== undefined || slave.state === 'stopping')
      return;
    const first = slave.tasks.at(-count) as T;
    const last = slave.tasks.at(-1) as T;
    slave.taking_back = { from: first.seq, to: last.seq + 1 };
    this.#effects.push({ kind: 'take_back', slave_id: slave.slave_id, ...slave.taking_back });
  }

  #on_taken_back(slave: SlaveRecord<T>, from: number, until: number): void {
    const asked = slave.taking_back;
    slave.taking_back = undefined;
    if (asked === undefined || until !== asked.to || from < asked.from || from > until) {
      this.#effects.push({ kind: 'abandon_slave', slave_id: slave.slave_id, why: 'protocol' });
      return;
    }
    for (let last = slave.tasks.at(-1); last !== undefined && last.seq >= from; last = slave.tasks.at(-1)) {
      slave.tasks.pop();
      this.#requeue(last, slave);
    }
    // those who idle come first, or it would get back what it gave
    this.#hungry.add(slave);
    this.#dispatch();
    this.#after_work(slave);
    this.#finish_run();
  }

  /** Puts a task that has certainly not run back to the head of its queue. */
  #requeue(task: T, slave: SlaveRecord<T>): void {
    slave.bytes -= task.bytes;
    if (task.state === 'cancelled') return;
    task.state = 'queued';
    if (task.is_suspect) this.#suspects_of(task).unshift(task);
    else if (task.index === undefined) this.#urgent.unshift(task);
    else this.#queue.unshift(task);
  }

  // ---- slaves

  #launch_all(): void {
    for (const slave of this.#slaves.values()) {
      if (slave.is_leaving) continue;
      if (slave.state === 'dead' || slave.state === 'stopped') slave.failures = 0;
      else if (slave.state !== 'created' || slave.failures > 0) continue;
      this.#launch(slave);
    }
    this.#check_slaves();
  }

  #launch(slave: SlaveRecord<T>): void {
    if (this.#is_stopped) return;
    this.#move(slave, 'launch');
    slave.launch_at = this.#now;
    this.#wake(this.#now + this.#options.start_timeout);
    this.#effects.push({ kind: 'launch_slave', slave_id: slave.slave_id });
  }

  #on_ready(slave: SlaveRecord<T>): void {
    if (slave.state !== 'started') return;
    this.#move(slave, 'ready');
    slave.heard_at = this.#now;
    slave.depth = this.#options.prefetch === 1 ? 1 : 2;
    slave.ended_at_depth = 0;
    slave.next_seq = 0;
    this.#hungry.add(slave);
    this.#dispatch();
  }

  #on_launch_failed(slave: SlaveRecord<T>, error: Error, same: string): void {
    if (slave.state === 'stopping') return this.#on_ended(slave.slave_id);
    if (slave.state !== 'started') return;
    this.#same_cause.set(slave.slave_id, same);
    this.#fail(slave, error);
  }

  /** A launch failed, or a slave was lost for no known reason: again after a while, within the budget. */
  #fail(slave: SlaveRecord<T>, error: Error): void {
    slave.failures++;
    slave.last_failure = error;
    if (slave.failures >= MAX_FAILURES) {
      this.#give_up(slave, error);
    } else {
      this.#move(slave, 'lose');
      slave.launch_at = this.#now + RELAUNCH_DELAY * 2 ** (slave.failures - 1);
      this.#wake(slave.launch_at);
    }
    if (slave.is_leaving) this.#stop(slave);
    this.#check_slaves();
  }

  #give_up(slave: SlaveRecord<T>, error: Error): void {
    this.#move(slave, 'give_up');
    this.#effects.push({ kind: 'slave_given_up', slave_id: slave.slave_id, error });
  }

  /** Says so when nobody is left to do what waits, or when all slaves fail alike. */
  #check_slaves(): void {
    const is_waited_for =
      this.#unsettled_urgent > 0 || (this.#is_run_open && (this.#unsettled > 0 || this.#open_sources > 0));
    const failing: SlaveRecord<T>[] = [];
    for (const slave of this.#slaves.values()) {
      if (slave.state === 'dead') continue;
      if (slave.state !== 'created' || slave.failures === 0) {
        if (slave.state !== 'stopping' && slave.state !== 'stopped') return;
      } else {
        failing.push(slave);
      }
    }
    const causes = new Set<string | undefined>();
    for (const slave_id of this.#slaves.keys()) causes.add(this.#same_cause.get(slave_id));
    const all_alike = causes.size === 1 && !causes.has(undefined);
    if (failing.length > 0 && !all_alike) return;
    for (const slave of failing) this.#give_up(slave, slave.last_failure as Error);
    if (is_waited_for) {
      this.#is_run_open = false;
      this.#effects.push({ kind: 'no_slaves' });
    }
  }

  #on_lost(slave: SlaveRecord<T>, error: Error, ended_with: number | 'no_task' | undefined): void {
    if (slave.state === 'stopping') return this.#on_ended(slave.slave_id);
    if (slave.state === 'started') return this.#on_launch_failed(slave, error, error.message);
    const held = [...slave.tasks];
    const is_known = ended_with !== undefined || held.length === 1;
    const guilty = ended_with === undefined ? held[0] : held.find((task) => task.task_id === ended_with);
    this.#forget_connection(slave);
    for (const task of held.reverse()) {
      if (task.state === 'cancelled') continue;
      if (!is_known) {
        // any of them may have been running: each is run again, alone
        this.#suspect(task);
      } else if (task !== guilty) {
        // it had not started
        slave.bytes += task.bytes;
        this.#requeue(task, slave);
      }
    }
    if (is_known && guilty !== undefined) {
      this.#charge(guilty, slave, error);
      this.#move(slave, 'lose');
      slave.failures = 0;
      if (slave.is_leaving) this.#stop(slave);
      else this.#launch(slave);
      this.#check_slaves();
    } else {
      this.#same_cause.delete(slave.slave_id);
      this.#fail(slave, error);
    }
    this.#dispatch();
    this.#finish_run();
  }

  /** The task may have killed its slave, or has: it is run again, alone. */
  #suspect(task: T): void {
    task.is_suspect = true;
    task.attempt++;
    task.state = 'queued';
    this.#suspects_of(task).unshift(task);
  }

  #suspects_of(task: T): Ring<T> {
    return task.index === undefined ? this.#urgent_suspects : this.#suspects;
  }

  #forget_connection(slave: SlaveRecord<T>): void {
    this.#hungry.delete(slave);
    slave.tasks.clear();
    slave.bytes = 0;
    slave.commands = 0;
    slave.can_take_back = false;
    slave.taking_back = undefined;
  }

  /** The slave died of this task. */
  #charge(task: T, slave: SlaveRecord<T>, error: Error): void {
    if (task.state === 'cancelled') return;
    task.deaths++;
    const is_last = task.deaths >= this.#options.attempts;
    if (is_last) {
      this.#settle(task, 'failed');
    } else {
      this.#suspect(task);
    }
    this.#effects.push({ kind: 'task_died', slave_id: slave.slave_id, task, error, is_last });
  }

  #on_removed(slave_id: number): void {
    const slave = this.#slaves.get(slave_id);
    if (slave === undefined) return;
    slave.is_leaving = true;
    this.#hungry.delete(slave);
    if (slave.tasks.length > 0 || slave.commands > 0) this.#take_back(slave, slave.tasks.length - 1);
    else this.#stop(slave);
    this.#check_slaves();
  }

  #stop(slave: SlaveRecord<T>): void {
    const was = slave.state;
    this.#hungry.delete(slave);
    this.#move(slave, 'stop');
    if (slave.state === 'stopping' && was !== 'stopping') {
      this.#effects.push({ kind: 'stop_slave', slave_id: slave.slave_id });
    } else if (slave.state === 'stopped' && slave.is_leaving) {
      this.#slaves.delete(slave.slave_id);
    }
  }

  #on_ended(slave_id: number): void {
    const slave = this.#slaves.get(slave_id);
    if (slave === undefined) return;
    const held = [...slave.tasks];
    this.#forget_connection(slave);
    for (const task of held.reverse()) {
      slave.bytes += task.bytes;
      this.#requeue(task, slave);
    }
    if (slave.state !== 'stopped') this.#move(slave, slave.state === 'stopping' ? 'end' : 'stop');
    if (slave.is_leaving) this.#slaves.delete(slave_id);
    this.#check_slaves();
  }

  #on_command(slave: SlaveRecord<T>, change: 1 | -1): void {
    if (slave.state !== 'connected' && slave.state !== 'running_task' && slave.state !== 'running_cmd')
      return;
    slave.commands = Math.max(0, slave.commands + change);
    if (change === 1) this.#move(slave, 'command');
    else if (slave.commands === 0 && slave.tasks.length > 0) this.#move(slave, 'assign');
    if (change === -1) this.#after_work(slave);
  }

  #on_tick(): void {
    this.#wake_at = Infinity;
    for (const slave of this.#slaves.values()) {
      switch (slave.state) {
        case 'created':
          if (slave.failures === 0) break;
          if (slave.launch_at <= this.#now) this.#launch(slave);
          else this.#wake(slave.launch_at);
          break;
        case 'started':
          if (this.#now - slave.launch_at < this.#options.start_timeout)
            this.#wake(slave.launch_at + this.#options.start_timeout);
          else this.#effects.push({ kind: 'abandon_slave', slave_id: slave.slave_id, why: 'start_timeout' });
          break;
        case 'connected':
        case 'running_task':
        case 'running_cmd':
          if (this.#now - slave.heard_at >= this.#options.heartbeat_timeout) {
            this.#effects.push({ kind: 'abandon_slave', slave_id: slave.slave_id, why: 'silent' });
          }
          break;
        default:
      }
    }
    this.#steal();
  }

  /** Asserts what must hold between any two events. Every test of the scheduler ends with it. */
  check(): void {
    const assert = (holds: boolean, text: string) => {
      if (!holds) throw new Error(`the scheduler is inconsistent: ${text}`);
    };
    const seen = new Set<T>();
    let [unsettled, urgent, dead_entries] = [0, 0, 0];
    const count = (task: T) => {
      assert(!seen.has(task), `task ${task.task_id} is in two places`);
      seen.add(task);
      if (task.state === 'cancelled') return;
      if (task.index === undefined) urgent++;
      else unsettled++;
    };
    for (const queue of [this.#queue, this.#urgent, this.#suspects, this.#urgent_suspects]) {
      for (const task of queue) {
        assert(
          task.state === 'queued' || task.state === 'cancelled',
          `task ${task.task_id} waits while ${task.state}`,
        );
        if (task.state === 'cancelled') dead_entries++;
        count(task);
      }
    }
    for (const slave of this.#slaves.values()) {
      let bytes = 0;
      for (const task of slave.tasks) {
        assert(
          task.state === 'assigned' || task.state === 'cancelled',
          `task ${task.task_id} is on a slave while ${task.state}`,
        );
        bytes += task.bytes;
        count(task);
      }
      const limit = this.#options.prefetch ?? MAX_PREFETCH;
      assert(slave.tasks.length <= limit, `slave ${slave.slave_id} holds more than ${limit} tasks`);
      assert(slave.bytes === bytes, `slave ${slave.slave_id} has miscounted its bytes`);
      if (slave.tasks.length > 0)
        assert(
          !['created', 'started', 'stopped', 'dead'].includes(slave.state),
          `a ${slave.state} slave has tasks`,
        );
    }
    assert(
      unsettled === this.#unsettled,
      `${this.#unsettled} unsettled tasks are counted, ${unsettled} are there`,
    );
    assert(
      urgent === this.#unsettled_urgent,
      `${this.#unsettled_urgent} urgent tasks are counted, ${urgent} are there`,
    );
    assert(dead_entries === this.#dead_entries, 'cancelled entries are miscounted');
  }
}

function is_working(state: SlaveState): boolean {
  return state === 'started' || state === 'connected' || state === 'running_task';
}
