/**
 * The dispatcher: brings the tasks that wait and the slaves that are offered together.
 *
 *     task_queues ─▶ urgent, suspects, plain ─▶ ◀─ idle, parked, hungry ◀─ offers
 *
 * What waits and who is free is known to others; here is only who gets what. A suspect is kept from where
 * it may have done harm, and a host that is benched gets no more than a probe.
 */
import type { BackTaking } from './back_taking.js';
import type { CoreOptions } from './core_options.js';
import type { Report } from './events.js';
import type { Hosts } from './hosts.js';
import { may_probe, type Offers } from './offers.js';
import { fair_share, MAX_PREFETCH } from './prefetch.js';
import type { HostRecord, SlaveRecord, TaskRecord } from './records.js';
import type { Roster } from './roster.js';
import type { TaskQueues } from './task_queues.js';
import type { Turn } from './turn.js';
import { would_fit } from './walltime.js';

/** Bytes of arguments that a slave may hold beyond its first task. */
const PREFETCH_BYTES = 32 * 1024 * 1024;
/** Whatever is queued behind a task that has run so long would only have to be taken back, ms. */
const LONG_TASK = 10;
/** A task that was on a slave that died waits so long for a slave of another host, ms. */
const AVOID_HOST = 60_000;

interface DispatcherParts<T extends TaskRecord, R extends Report> {
  readonly turn: Turn<T, R>;
  readonly hosts: Hosts;
  readonly roster: Roster<T, R>;
  readonly queues: TaskQueues<T>;
  readonly offers: Offers<T>;
  readonly back_taking: BackTaking<T, R>;
  /** Has the process of a slave replaced that has too little time left. */
  readonly wear_out: (slave: SlaveRecord<T>) => void;
}

export class Dispatcher<T extends TaskRecord, R extends Report> {
  readonly #options: CoreOptions;
  readonly #turn: Turn<T, R>;
  readonly #hosts: Hosts;
  readonly #roster: Roster<T, R>;
  readonly #queues: TaskQueues<T>;
  readonly #offers: Offers<T>;
  readonly #back_taking: BackTaking<T, R>;
  readonly #wear_out: (slave: SlaveRecord<T>) => void;
  #wake_at = Infinity;

  constructor(options: CoreOptions, parts: DispatcherParts<T, R>) {
    this.#options = options;
    this.#turn = parts.turn;
    this.#hosts = parts.hosts;
    this.#roster = parts.roster;
    this.#queues = parts.queues;
    this.#offers = parts.offers;
    this.#back_taking = parts.back_taking;
    this.#wear_out = parts.wear_out;
  }

  /** When a task that waits may go where it may not go now. */
  get wake_at(): number {
    return this.#wake_at;
  }

  /** A task may go then where it may not go now. */
  look_at(at: number): void {
    this.#wake_at = Math.min(this.#wake_at, at);
  }

  on_tick(): void {
    if (this.#wake_at > this.#turn.now) return;
    for (const host of this.#hosts.take_due(this.#turn.now)) this.#offers.note_host(host);
    this.#wake_at = this.#hosts.next_due_at;
  }

  /** One task for every idle slave first, then the prefetch. */
  dispatch(): void {
    if (!this.#queues.have_task) return;
    const { idle, hungry } = this.#offers;
    for (let slave = idle.top; slave !== undefined && this.#queues.have_urgent; slave = idle.top)
      this.fill(slave, 1);
    if (this.#queues.have_suspect) this.#place_suspects();
    for (let slave = idle.top; slave !== undefined && this.#queues.have_plain; slave = idle.top)
      this.fill(slave, 1);
    if (this.#offers.probable.size > 0) this.#probe_hosts();
    for (let slave = hungry.top; slave !== undefined && this.#queues.have_plain; slave = hungry.top)
      this.fill(slave, MAX_PREFETCH);
    if (!this.#queues.have_task) return;
    this.#roster.wake_resting(this.#queues.moving);
    this.#roster.grow(this.#queues.moving);
  }

  /** Gives `slave`, which is offered, tasks until it holds `most`, or its depth, as far as there are any. */
  fill(slave: SlaveRecord<T>, most: number): void {
    const host = slave.host as HostRecord;
    const is_benched = host.benched_until > 0;
    if (is_benched && !may_probe(host)) return;
    let batch: T[] | undefined;
    const is_timed = slave.ends_at < Infinity;
    while (slave.tasks.length < (is_benched ? 1 : most)) {
      if (slave.tasks.length > 0 && !this.#may_prefetch(slave)) break;
      if (is_timed && !this.#has_time(slave)) break;
      const task = this.#next_task(slave);
      if (task === undefined) break;
      this.#assign(slave, task);
      (batch ??= []).push(task);
    }
    if (batch !== undefined) this.#send(slave, batch);
    // it holds what it may: it is looked at again when it reports
    if (most > 1 && slave.list === this.#offers.hungry && this.#queues.have_plain)
      this.#offers.withdraw(slave);
  }

  /** Whether the next task fits into the time of `slave`. If not, it goes as soon as it has none. */
  #has_time(slave: SlaveRecord<T>): boolean {
    const next = this.#queues.first_plain;
    if (next === undefined || would_fit(slave, next, this.#turn.now)) return true;
    if (slave.tasks.length === 0) this.#wear_out(slave);
    return false;
  }

  #may_prefetch(slave: SlaveRecord<T>): boolean {
    if (slave.tasks.length >= slave.depth || slave.bytes >= PREFETCH_BYTES) return false;
    if (slave.ended + slave.tasks.length >= this.#options.max_tasks_per_slave) return false;
    if (this.#turn.now - slave.progress_at >= LONG_TASK) return false;
    // who rests is woken for it: behind a long task it would wait, and nobody would be idle to help out
    if (this.#roster.has_resting) return false;
    // a suspect runs alone, and soon
    if (slave.has_suspect) return false;
    if (this.#queues.have_suspect && this.#queues.has_suspect((task) => this.#may_retry_on(slave, task)))
      return false;
    const left = this.#queues.may_grow ? Infinity : this.#queues.waiting;
    return slave.tasks.length < fair_share(left, this.#roster.working);
  }

  #next_task(slave: SlaveRecord<T>): T | undefined {
    const urgent = this.#queues.shift_urgent();
    if (urgent !== undefined) return urgent;
    if (this.#queues.have_suspect && slave.tasks.length === 0) {
      const suspect = this.#queues.shift_suspect((task) => this.#may_retry_on(slave, task));
      if (suspect !== undefined) return suspect;
    }
    return this.#queues.shift_plain();
  }

  #assign(slave: SlaveRecord<T>, task: T): void {
    if (slave.tasks.length === 0) slave.progress_at = Math.floor(this.#turn.now);
    else this.#back_taking.note_chance();
    task.state = 'assigned';
    task.holder = slave.slave_id;
    task.seq = slave.next_seq++;
    slave.tasks.push(task);
    slave.bytes += task.bytes;
    if (task.is_suspect) slave.has_suspect = true;
  }

  #send(slave: SlaveRecord<T>, tasks: T[]): void {
    this.#roster.move(slave, 'assign');
    this.#turn.order({ kind: 'run_tasks', slave_id: slave.slave_id, tasks });
    const host = slave.host as HostRecord;
    if (host.benched_until > 0) host.probe = slave.slave_id;
    this.#offers.offer(slave, true);
  }

  // ---- suspects, and hosts that are not trusted

  /** Gives idle slaves the suspects that they may take, one each. */
  #place_suspects(): void {
    while (this.#offers.idle.size > 0) {
      let place: SlaveRecord<T> | undefined;
      const task = this.#queues.shift_suspect((suspect) => {
        place = this.#place_for(suspect);
        return place !== undefined;
      });
      if (task === undefined || place === undefined) return;
      this.#assign(place, task);
      this.#send(place, [task]);
    }
  }

  #place_for(suspect: T): SlaveRecord<T> | undefined {
    const { idle } = this.#offers;
    const { host, since } = suspect.have_trouble();
    if (host !== undefined && host.idle === idle.size && this.#must_avoid(host, since)) return undefined;
    for (let slave = idle.top; slave !== undefined; slave = slave.below)
      if (this.#may_retry_on(slave, suspect)) return slave;
    return undefined;
  }

  /**
   * A task that was on a slave that died goes to another host, if there is one whose slaves are not busy for
   * too long, or else to another slave, if one is free.
   */
  #may_retry_on(slave: SlaveRecord<T>, task: T): boolean {
    const { host, slave_id, since } = task.have_trouble();
    if (host === undefined || host !== slave.host) return true;
    if (this.#must_avoid(host, since)) return false;
    const { idle } = this.#offers;
    const others = slave.list === idle ? idle.size - 1 : idle.size;
    return slave_id !== slave.slave_id || others === 0;
  }

  #must_avoid(host: HostRecord, since: number): boolean {
    const until = since + AVOID_HOST;
    if (this.#turn.now >= until || !this.#hosts.is_served_beside(host)) return false;
    this.look_at(until);
    return true;
  }

  #probe_hosts(): void {
    for (const host of this.#offers.probable) {
      if (!this.#queues.have_task) return;
      this.fill(this.#offers.top_parked(host) as SlaveRecord<T>, 1);
    }
  }
}
