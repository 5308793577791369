/**
 * Losses: what becomes of a slave that is gone, of the tasks that it had, and of the host that it was on.
 *
 *     its tasks     the one that ran is charged; the others wait again, as suspects if nobody knows which ran
 *     its host      is benched when different tasks have died there
 *     itself        is launched again: at once if the loss is explained, after a while if not
 */
import type { BackTaking } from './back_taking.js';
import { count_loss, judge } from './blame.js';
import type { Dispatcher } from './dispatcher.js';
import type { LossKind, Report } from './events.js';
import type { Hosts } from './hosts.js';
import { leave_ladder } from './kill_ladder.js';
import type { Offers } from './offers.js';
import type { Outcomes } from './outcomes.js';
import type { HostRecord, SlaveRecord, TaskRecord } from './records.js';
import type { Roster } from './roster.js';
import { is_at_work } from './slave_state.js';
import type { TaskQueues } from './task_queues.js';
import type { Turn } from './turn.js';

/** The loss of a slave that had nothing to do for so long, ms, is no sign of trouble with those before. */
const STEADY = 60_000;

interface LossesParts<T extends TaskRecord, R extends Report> {
  readonly turn: Turn<T, R>;
  readonly hosts: Hosts;
  readonly roster: Roster<T, R>;
  readonly queues: TaskQueues<T>;
  readonly offers: Offers<T>;
  readonly back_taking: BackTaking<T, R>;
  readonly dispatcher: Dispatcher<T, R>;
  readonly outcomes: Outcomes<T, R>;
}

export class Losses<T extends TaskRecord, R extends Report> {
  readonly #turn: Turn<T, R>;
  readonly #hosts: Hosts;
  readonly #roster: Roster<T, R>;
  readonly #queues: TaskQueues<T>;
  readonly #offers: Offers<T>;
  readonly #back_taking: BackTaking<T, R>;
  readonly #dispatcher: Dispatcher<T, R>;
  readonly #outcomes: Outcomes<T, R>;

  constructor(parts: LossesParts<T, R>) {
    this.#turn = parts.turn;
    this.#hosts = parts.hosts;
    this.#roster = parts.roster;
    this.#queues = parts.queues;
    this.#offers = parts.offers;
    this.#back_taking = parts.back_taking;
    this.#dispatcher = parts.dispatcher;
    this.#outcomes = parts.outcomes;
  }

  on_launch_failed(slave: SlaveRecord<T>, error: Error, same: string): void {
    if (slave.state === 'stopping') return this.on_ended(slave);
    if (slave.state !== 'started') return;
    this.#forget_connection(slave);
    this.#roster.fail(slave, error, same);
  }

  on_lost(
    slave: SlaveRecord<T>,
    error: Error,
    why: LossKind,
    ended_with: number | 'no_task' | undefined,
  ): void {
    if (slave.state === 'stopping') return this.on_ended(slave);
    if (slave.state === 'started') return this.on_launch_failed(slave, error, error.message);
    if (!is_at_work(slave.state)) return;
    const held = [...slave.tasks];
    const { guilty, is_open } = judge(held, why, ended_with);
    if (held.length === 0 && this.#turn.now - slave.progress_at >= STEADY) slave.failures = 0;
    const is_worked_off = why === 'too_large' && slave.ended > 0;
    const host = this.#forget_connection(slave);
    for (const task of held.reverse()) {
      if (task.state === 'cancelled' || task === guilty) continue;
      if (is_open) this.#suspect(task, slave, host);
      else this.#queues.push_back(task);
    }
    if (guilty !== undefined) this.#charge(guilty, slave, host, error, why);
    const is_explained = why === 'evicted' || (why !== 'lost' && guilty !== undefined);
    if (is_explained || is_worked_off) this.#roster.relaunch(slave);
    else this.#roster.fail(slave, error);
  }

  /** The task may have killed its slave, or has: it is run again, alone, and elsewhere. */
  #suspect(task: T, { slave_id }: SlaveRecord<T>, host: HostRecord | undefined): void {
    const trouble = task.have_trouble();
    trouble.is_suspect = true;
    trouble.slave_id = slave_id;
    trouble.host = host;
    trouble.since = this.#turn.now;
    task.attempt++;
    this.#queues.push_back(task);
  }

  /** The slave was lost while it ran this task. */
  #charge(task: T, slave: SlaveRecord<T>, host: HostRecord | undefined, error: Error, why: LossKind): void {
    if (task.state === 'cancelled') return;
    const is_last = count_loss(task, why);
    if (is_last) this.#outcomes.settle(task, 'failed');
    else if (why === 'timed_out') this.#outcomes.retry_later(task);
    else this.#suspect(task, slave, host);
    this.#turn.order({ kind: 'task_died', slave_id: slave.slave_id, task, error, why, is_last });
    if (host === undefined || (why !== 'died' && why !== 'too_large')) return;
    if (is_last) this.#hosts.clear_of(task);
    else this.#note_death(host, task);
  }

  #note_death(host: HostRecord, task: T): void {
    if (!this.#hosts.note_death(host, task, this.#turn.now)) return;
    this.#turn.order({ kind: 'host_benched', host: host.name, time: host.bench_time });
    this.#dispatcher.look_at(host.benched_until);
    for (const slave of this.#roster.slaves_on(host)) {
      this.#back_taking.take_back(slave);
      this.#offers.offer(slave, true);
    }
  }

  let_back(host: HostRecord): void {
    this.#turn.order({ kind: 'host_released', host: host.name });
    this.#offers.unpark(host);
  }

  /** Its connection is gone. Returns the host that it was on. */
  #forget_connection(slave: SlaveRecord<T>): HostRecord | undefined {
    const { host } = slave;
    this.#offers.withdraw(slave);
    this.#back_taking.forget(slave);
    this.#roster.disconnect(slave);
    if (host !== undefined) this.#offers.note_host(host);
    slave.tasks.clear();
    slave.bytes = 0;
    slave.commands = 0;
    slave.can_take_back = false;
    slave.has_suspect = false;
    slave.is_worn = false;
    slave.is_abandoned = false;
    leave_ladder(slave);
    return host;
  }

  /** It ended after it was told to, or of itself. */
  on_ended(slave: SlaveRecord<T> | undefined): void {
    if (slave === undefined) return;
    if (slave.state !== 'stopping')
      return this.on_lost(slave, new Error('ended though it was not told to'), 'died', undefined);
    const held = [...slave.tasks];
    this.#forget_connection(slave);
    for (const task of held.reverse()) if (task.state !== 'cancelled') this.#queues.push_back(task);
    this.#roster.on_ended(slave);
  }
}
