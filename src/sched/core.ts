/**
 * The scheduler: takes an event and the time, returns effects, and does nothing else.
 *
 *     event ─▶ Core.handle(event, now) ─▶ effects
 *
 * Everything about queues, attempts, prefetch, relaunches and the end of a run is decided here. There is
 * no I/O and no clock; `master/driver.ts` carries the effects out, and a simulator can do the same for
 * ten thousand slaves without a socket.
 *
 * Which task is next is task_queues.ts, which slave offers.ts, how many it may hold prefetch.ts, what it
 * gives back back_taking.ts; dispatcher.ts brings them together. How slaves come and go is roster.ts, what a
 * loss does to tasks and hosts losses.ts, what becomes of a cancelled task that does not end kill_ladder.ts.
 * No event takes time in proportion to the number of slaves, but those that concern all of them.
 */
import { assert } from './assert.js';
import { BackTaking } from './back_taking.js';
import { count_failure } from './blame.js';
import type { CoreOptions } from './core_options.js';
import { Dispatcher } from './dispatcher.js';
import type { AbandonReason, Effect, Report, SchedEvent } from './events.js';
import { Hosts } from './hosts.js';
import { climb, watch_head } from './kill_ladder.js';
import { Losses } from './losses.js';
import { Offers } from './offers.js';
import { Outcomes } from './outcomes.js';
import { adapt_depth, MAX_PREFETCH } from './prefetch.js';
import type { SlaveRecord, TaskRecord } from './records.js';
import { Roster } from './roster.js';
import { is_at_work } from './slave_state.js';
import { TaskQueues } from './task_queues.js';
import { Turn } from './turn.js';

export type { CoreOptions } from './core_options.js';

/** A slave that cannot rest, for there may be work, is looked at again after so long, ms. */
const REST_AGAIN = 1000;

export class Core<T extends TaskRecord, R extends Report = Report> {
  readonly #options: CoreOptions;
  readonly #turn = new Turn<T, R>();
  readonly #hosts = new Hosts();
  readonly #roster: Roster<T, R>;
  readonly #queues = new TaskQueues<T>();
  readonly #offers = new Offers<T>();
  readonly #back_taking = new BackTaking<T, R>(this.#turn, this.#offers);
  readonly #dispatcher: Dispatcher<T, R>;
  readonly #outcomes: Outcomes<T, R>;
  readonly #losses: Losses<T, R>;
  #open_sources = 0;
  #is_run_open = false;
  #is_reader_behind = false;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#roster = new Roster(options, this.#turn, this.#hosts);
    const [turn, hosts, roster, queues] = [this.#turn, this.#hosts, this.#roster, this.#queues];
    const parts = { turn, hosts, roster, queues, offers: this.#offers, back_taking: this.#back_taking };
    this.#dispatcher = new Dispatcher(options, { ...parts, wear_out: (slave) => this.#wear_out(slave) });
    this.#outcomes = new Outcomes(turn, queues);
    this.#losses = new Losses({ ...parts, dispatcher: this.#dispatcher, outcomes: this.#outcomes });
  }

  /** Tasks that wait for a slave. */
  get waiting(): number {
    return this.#queues.waiting;
  }

  /** Those of them that wait for no run. Takes time in proportion to them. */
  get urgent_waiting(): number {
    return [...this.#queues.urgent()].length;
  }

  /** Bytes of the arguments of all tasks that wait. */
  get waiting_bytes(): number {
    return this.#queues.bytes;
  }

  get is_run_open(): boolean {
    return this.#is_run_open;
  }

  get is_reader_behind(): boolean {
    return this.#is_reader_behind;
  }

  /** Tasks of the queue that have no outcome yet. */
  get unsettled(): number {
    return this.#outcomes.unsettled;
  }

  /** The urgent tasks that have no outcome yet. Takes time in proportion to all slaves, and more. */
  urgent_tasks(): T[] {
    const found = [...this.#queues.urgent()];
    for (const task of this.#tasks_on_slaves()) if (task.index === undefined) found.push(task);
    return found;
  }

  /** The tasks of the queue that have no outcome yet. Takes time in proportion to all tasks. */
  queued_tasks(): T[] {
    return [...this.#queues, ...this.#tasks_on_slaves()].filter((task) => task.index !== undefined);
  }

  *#tasks_on_slaves(): IterableIterator<T> {
    for (const slave of this.#roster)
      for (const task of slave.tasks) if (task.state !== 'cancelled') yield task;
  }

  slave(slave_id: number): SlaveRecord<T> | undefined {
    return this.#roster.get(slave_id);
  }

  get slaves(): Iterable<SlaveRecord<T>> {
    return this.#roster;
  }

  /** When a `tick` is due at the latest; Infinity when nothing waits for time to pass. */
  get wake_at(): number {
    const helps = Math.min(this.#dispatcher.wake_at, this.#back_taking.wake_at);
    return Math.min(this.#roster.wake_at, this.#queues.due_at, helps);
  }

  handle(event: SchedEvent<T, R>, now: number): readonly Effect<T, R>[] {
    this.#turn.begin(now);
    this.#react(event);
    this.#conclude();
    return this.#turn.effects;
  }

  get #now(): number {
    return this.#turn.now;
  }

  #react(event: SchedEvent<T, R>): void {
    const roster = this.#roster;
    switch (event.kind) {
      case 'task_queued':
        return this.#on_task_queued(event.task);
      case 'tasks_ended':
        return this.#on_tasks_ended(roster.must_have(event.slave_id), event.reports);
      case 'tasks_taken_back':
        return this.#on_taken_back(roster.must_have(event.slave_id), event.from, event.to);
      case 'task_cancelled':
        return this.#on_cancelled(event.task);
      case 'slave_added':
        roster.add(event.slave_id);
        if (this.#is_run_open || this.#outcomes.unsettled_urgent > 0) roster.launch_all();
        return;
      case 'slave_joined':
        return roster.launch_if_new(roster.must_have(event.slave_id));
      case 'slave_removed':
        return this.#on_removed(roster.get(event.slave_id));
      case 'slaves_wanted':
        roster.launch_all();
        return roster.wake_all();
      case 'grow_failed':
        return roster.on_grow_failed();
      case 'slave_launched':
        return roster.on_launched(roster.must_have(event.slave_id));
      case 'slave_ready':
        return this.#on_ready(roster.must_have(event.slave_id), event.host, event.time_left);
      case 'launch_failed':
        return this.#losses.on_launch_failed(roster.must_have(event.slave_id), event.error, event.same);
      case 'slave_lost':
        return this.#losses.on_lost(
          roster.must_have(event.slave_id),
          event.error,
          event.why,
          event.ended_with,
        );
      case 'slave_ended':
        return this.#losses.on_ended(roster.get(event.slave_id));
      case 'slave_heard': {
        const slave = roster.must_have(event.slave_id);
        slave.heard_at = this.#now;
        if (event.round_trip !== undefined) slave.round_trip_us = event.round_trip * 1000;
        return;
      }
      case 'slave_swollen':
        return this.#wear_out(roster.must_have(event.slave_id));
      case 'take_back_possible':
        return this.#on_take_back_possible(roster.must_have(event.slave_id));
      case 'command_sent':
        return this.#on_command(roster.must_have(event.slave_id), 1);
      case 'command_ended':
        return this.#on_command(roster.must_have(event.slave_id), -1);
      case 'source_opened':
        this.#open_sources++;
        this.#queues.may_grow = true;
        return;
      case 'source_closed':
        this.#open_sources--;
        this.#queues.may_grow = this.#open_sources > 0;
        return;
      case 'run_opened':
        this.#set_run_open(true);
        if (this.#outcomes.unsettled > 0 || this.#open_sources > 0) roster.launch_all();
        return;
      case 'run_closed':
        this.#set_run_open(false);
        for (const slave of roster) this.#back_taking.take_back(slave);
        return;
      case 'reader_behind':
        this.#is_reader_behind = event.is_behind;
        return this.#set_run_open(this.#is_run_open);
      case 'job_stopped':
        for (const slave of roster) this.#offers.withdraw(slave);
        return roster.stop_all();
      case 'tick':
        return this.#on_tick();
      default:
        event satisfies never;
    }
  }

  /** After every event: what it has made possible, or hopeless, or done. */
  #conclude(): void {
    for (const host of this.#hosts.release_if_alone()) this.#losses.let_back(host);
    this.#dispatcher.dispatch();
    this.#back_taking.help_out(this.#roster);
    if (this.#roster.is_doubtful && this.#roster.is_hopeless() && this.#is_waited_for) {
      this.#set_run_open(false);
      this.#turn.order({ kind: 'no_slaves' });
    }
    if (this.#is_run_open && this.#outcomes.unsettled === 0 && this.#open_sources === 0) {
      this.#set_run_open(false);
      this.#turn.order({ kind: 'run_finished' });
    }
  }

  get #is_waited_for(): boolean {
    if (this.#outcomes.unsettled_urgent > 0) return true;
    return this.#is_run_open && (this.#outcomes.unsettled > 0 || this.#open_sources > 0);
  }

  #set_run_open(is_open: boolean): void {
    this.#is_run_open = is_open;
    this.#queues.is_open = is_open && !this.#is_reader_behind;
  }

  // ---- tasks

  #on_task_queued(task: T): void {
    this.#queues.push(task);
    this.#outcomes.expect(task);
    const { unsettled, unsettled_urgent } = this.#outcomes;
    if (task.index === undefined ? unsettled_urgent === 1 : unsettled === 1 && this.#is_run_open)
      this.#roster.launch_new();
  }

  #on_tasks_ended(slave: SlaveRecord<T>, reports: readonly R[]): void {
    const tasks: T[] = [];
    const settled: R[] = [];
    for (const report of reports) {
      const task = slave.tasks.at(0);
      if (task === undefined || task.task_id !== report.task_id) {
        this.#abandon(slave, 'protocol');
        break;
      }
      slave.tasks.shift();
      slave.bytes -= task.bytes;
      slave.failures = 0;
      slave.paroles = 0;
      slave.ended++;
      slave.has_suspect = false;
      adapt_depth(slave, report.run_us, this.#options.prefetch);
      if (task.state === 'cancelled') continue;
      if (task.trouble !== undefined) task.trouble.is_suspect = false;
      if (report.may_retry === true && count_failure(task)) {
        const delay = this.#outcomes.retry_later(task);
        this.#turn.order({ kind: 'task_threw', slave_id: slave.slave_id, task, report, delay });
        continue;
      }
      this.#outcomes.settle(task, report.kind === 'task_done' ? 'done' : 'failed');
      tasks.push(task);
      settled.push(report);
    }
    if (tasks.length > 0)
      this.#turn.order({ kind: 'tasks_settled', slave_id: slave.slave_id, tasks, reports: settled });
    slave.progress_at = Math.floor(this.#now);
    this.#watch_head(slave);
    if (slave.host !== undefined && this.#hosts.note_success(slave.host)) this.#losses.let_back(slave.host);
    if (slave.ended >= this.#options.max_tasks_per_slave && !slave.is_worn) this.#wear_out(slave);
    else this.#after_work(slave);
  }

  #on_cancelled(task: T): void {
    if (task.state === 'queued') {
      this.#queues.cancel(task);
      this.#outcomes.settle(task, 'cancelled');
    } else if (task.state === 'assigned') {
      const slave = this.#roster.must_have(task.holder);
      this.#outcomes.settle(task, 'cancelled');
      this.#turn.order({ kind: 'abort_task', slave_id: slave.slave_id, task_id: task.task_id });
      slave.has_cancelled = true;
      this.#watch_head(slave);
    }
  }

  #watch_head(slave: SlaveRecord<T>): void {
    if (!slave.has_cancelled) return;
    if (slave.tasks.length === 0) slave.has_cancelled = false;
    if (watch_head(slave, this.#now, this.#options.cancel_grace)) this.#roster.look(slave, slave.kill_at);
  }

  // ---- slaves at work

  #on_ready(slave: SlaveRecord<T>, host: string, time_left = Infinity): void {
    if (slave.state !== 'started') return;
    slave.ready_at = this.#now;
    slave.ends_at = this.#now + time_left;
    this.#roster.connect(slave, host);
    slave.heard_at = this.#now;
    slave.progress_at = Math.floor(this.#now);
    slave.depth = this.#options.prefetch === 1 ? 1 : 2;
    slave.ended_at_depth = 0;
    slave.ended = 0;
    slave.next_seq = 0;
    slave.task_us = undefined;
    slave.failure_cause = undefined;
    slave.is_abandoned = false;
    this.#roster.move(slave, 'ready');
    this.#roster.look(slave, this.#now + this.#patience(slave));
    this.#look_for_rest(slave);
    this.#offers.offer(slave, true);
  }

  /** A slave has ended a task or a command, or given tasks back: it gets the next, or leaves. */
  #after_work(slave: SlaveRecord<T>): void {
    if (!is_at_work(slave.state)) return;
    if (slave.tasks.length === 0 && slave.commands === 0) {
      if (slave.state !== 'connected') this.#roster.move(slave, 'finish');
      if (slave.is_leaving) return this.#roster.stop(slave, 'leave');
      if (slave.is_worn) return this.#roster.stop(slave, 'recycle');
      this.#look_for_rest(slave);
    }
    this.#offers.offer(slave);
    if (slave.list !== undefined && this.#queues.have_task) this.#dispatcher.fill(slave, MAX_PREFETCH);
  }

  #look_for_rest(slave: SlaveRecord<T>): void {
    if (this.#options.idle_timeout < Infinity)
      this.#roster.look(slave, this.#now + this.#options.idle_timeout);
  }

  #on_command(slave: SlaveRecord<T>, change: 1 | -1): void {
    if (!is_at_work(slave.state)) return;
    slave.commands = Math.max(0, slave.commands + change);
    if (change === 1) {
      this.#roster.move(slave, 'command');
      this.#offers.withdraw(slave);
    } else {
      if (slave.commands === 0 && slave.tasks.length > 0) this.#roster.move(slave, 'assign');
      slave.progress_at = Math.floor(this.#now);
      this.#after_work(slave);
    }
  }

  #on_removed(slave: SlaveRecord<T> | undefined): void {
    if (slave === undefined || slave.is_leaving) return;
    slave.is_leaving = true;
    if (is_at_work(slave.state)) this.#give_up_work(slave);
    else this.#roster.stop(slave, 'leave');
  }

  /** Its process is to be replaced as soon as it has ended its task. */
  #wear_out(slave: SlaveRecord<T>): void {
    if (!is_at_work(slave.state) || slave.is_worn) return;
    slave.is_worn = true;
    this.#give_up_work(slave);
  }

  /** It takes no new tasks, gives back those that have not started, and then goes. */
  #give_up_work(slave: SlaveRecord<T>): void {
    this.#roster.note_serving(slave);
    this.#offers.withdraw(slave);
    this.#back_taking.take_back(slave);
    this.#after_work(slave);
  }

  #on_take_back_possible(slave: SlaveRecord<T>): void {
    slave.can_take_back = true;
    slave.heard_at = this.#now;
    this.#roster.look(slave, this.#now + this.#patience(slave));
    if (slave.tasks.length > 1) this.#back_taking.note_chance();
    // what it could not be asked for before
    if (slave.is_leaving || slave.is_worn) this.#back_taking.take_back(slave);
  }

  #on_taken_back(slave: SlaveRecord<T>, from: number, to: number): void {
    const asked = slave.taking_back;
    if (asked === undefined || to !== asked.to || from < asked.from || from > to)
      return this.#abandon(slave, 'protocol');
    for (let last = slave.tasks.at(-1); last !== undefined && last.seq >= from; last = slave.tasks.at(-1)) {
      slave.tasks.pop();
      slave.bytes -= last.bytes;
      if (last.state !== 'cancelled') this.#queues.push_back(last);
    }
    const has_given = from < to;
    this.#back_taking.note_answer(slave, has_given);
    if (has_given && (slave.is_leaving || slave.is_worn)) this.#back_taking.take_back(slave);
    this.#watch_head(slave);
    // those who idle come first, or it would get back what it gave
    this.#dispatcher.dispatch();
    this.#after_work(slave);
  }

  // ---- time

  #on_tick(): void {
    this.#queues.release_due(this.#now);
    this.#dispatcher.on_tick();
    for (const slave of this.#roster.take_due()) this.#look_at(slave);
  }

  #look_at(slave: SlaveRecord<T>): void {
    const { start_timeout } = this.#options;
    if (slave.is_abandoned) return;
    if (slave.state === 'created') {
      if (slave.launch_at <= this.#now) this.#roster.launch(slave);
      else this.#roster.look(slave, slave.launch_at);
    } else if (slave.state === 'started') {
      if (slave.launch_at + start_timeout <= this.#now) this.#abandon(slave, 'start_timeout');
      else this.#roster.look(slave, slave.launch_at + start_timeout);
    } else if (slave.state === 'dead') {
      if (this.#is_waited_for) this.#roster.let_out(slave);
    } else if (is_at_work(slave.state)) {
      const silent_at = slave.heard_at + this.#patience(slave);
      if (silent_at <= this.#now) return this.#abandon(slave, 'silent');
      this.#roster.look(slave, silent_at);
      this.#climb(slave);
      this.#let_rest(slave);
    }
  }

  /** A pulse that has not come yet cannot be heard, however well its process is: on a busy machine it takes time. */
  #patience(slave: SlaveRecord<T>): number {
    const { heartbeat_timeout, start_timeout } = this.#options;
    return slave.can_take_back ? heartbeat_timeout : Math.max(heartbeat_timeout, start_timeout);
  }

  /** Its process is to be ended by whoever started it, which will say when it is gone. */
  #abandon(slave: SlaveRecord<T>, why: AbandonReason): void {
    if (slave.is_abandoned) return;
    slave.is_abandoned = true;
    this.#roster.note_serving(slave);
    this.#offers.withdraw(slave);
    this.#turn.order({ kind: 'abandon_slave', slave_id: slave.slave_id, why });
  }

  /** The last steps of the cancel ladder: its pulse kills it, or else whoever started it. */
  #climb(slave: SlaveRecord<T>): void {
    const step = climb(slave, this.#now);
    if (step === 'abandon') this.#abandon(slave, 'cancelled');
    else if (step === 'kill')
      this.#turn.order({ kind: 'kill_task', slave_id: slave.slave_id, seq: slave.kill_seq as number });
    this.#roster.look(slave, slave.kill_at);
  }

  #let_rest(slave: SlaveRecord<T>): void {
    if (slave.list === undefined || slave.tasks.length > 0) return;
    const rest_at = slave.progress_at + this.#options.idle_timeout;
    if (rest_at > this.#now) return this.#roster.look(slave, rest_at);
    // there may be work for it in a moment
    if (this.#queues.have_task || this.#back_taking.wake_at < Infinity)
      return this.#roster.look(slave, this.#now + REST_AGAIN);
    this.#offers.withdraw(slave);
    this.#roster.stop(slave, 'rest');
  }

  /** Asserts what must hold between any two events. Every test of the scheduler ends with it. */
  check(): void {
    this.#queues.check();
    this.#roster.check();
    this.#hosts.check();
    this.#back_taking.check(this.#roster);
    let [unsettled, urgent] = [0, 0];
    const count = ({ index }: T) => {
      if (index === undefined) urgent++;
      else unsettled++;
    };
    if (this.#queues.waiting + this.#queues.delayed > 0) for (const task of this.#queues) count(task);
    for (const slave of this.#roster) {
      check_slave(slave, this.#options.prefetch ?? MAX_PREFETCH);
      this.#offers.check(slave);
      if (slave.tasks.length === 0) continue;
      for (const task of slave.tasks) if (task.state !== 'cancelled') count(task);
    }
    assert(
      unsettled === this.#outcomes.unsettled && urgent === this.#outcomes.unsettled_urgent,
      () =>
        `${this.#outcomes.unsettled}+${this.#outcomes.unsettled_urgent} unsettled tasks are counted, ${unsettled}+${urgent} are there`,
    );
    assert(!this.#queues.have_plain || this.#offers.idle.size === 0, 'a slave idles and a task waits');
  }
}

/** Asserts that what `slave` has fits where it stands, and that it holds no more than `limit` tasks. */
function check_slave(slave: SlaveRecord<TaskRecord>, limit: number): void {
  const { slave_id, state, tasks } = slave;
  let bytes = 0;
  assert(slave.has_suspect === (tasks.at(0)?.is_suspect === true), 'a suspect is overlooked');
  for (const task of tasks) {
    const is_there = task.state === 'assigned' || task.state === 'cancelled';
    assert(
      is_there && task.holder === slave_id,
      () => `task ${task.task_id} is on a slave while ${task.state}`,
    );
    bytes += task.bytes;
  }
  assert(tasks.length <= limit, () => `slave ${slave_id} holds more than ${limit} tasks`);
  assert(slave.bytes === bytes, () => `slave ${slave_id} has miscounted its bytes`);
  const is_connected = is_at_work(state) || state === 'stopping';
  assert(tasks.length === 0 || is_connected, () => `a slave that is ${state} has tasks`);
  assert(slave.host === undefined || is_connected, () => `a slave that is ${state} is on a host`);
  const head = tasks.at(0);
  const doomed = is_at_work(state) && head?.state === 'cancelled' ? head.seq : undefined;
  if (is_at_work(state))
    assert(slave.kill_seq === doomed, () => `slave ${slave_id} is to be killed for the wrong task`);
}
