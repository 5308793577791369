/**
 * Offers: the slaves that could take a task now, by what they want.
 *
 *     idle      has none
 *     hungry    has some, and could hold more
 *     parked    has none, on a host that is benched: takes one only as a probe
 *
 * A slave that cannot take a task is in no list, so nobody ever looks at one in vain.
 */
import { assert } from './assert.js';
import type { HostRecord, SlaveRecord, TaskRecord } from './records.js';
import { SlaveList } from './slave_list.js';

export class Offers<T extends TaskRecord> {
  readonly idle = new SlaveList<T>();
  readonly hungry = new SlaveList<T>();
  readonly #parked = new Map<HostRecord, SlaveList<T>>();
  readonly #probable = new Set<HostRecord>();

  /** Hosts on the bench that could be probed now. */
  get probable(): ReadonlySet<HostRecord> {
    return this.#probable;
  }

  /** Puts `slave` where it belongs now; `is_fresh` below all others, for its process has not run anything yet. */
  offer(slave: SlaveRecord<T>, is_fresh = false): void {
    const list = this.#list_for(slave);
    if (slave.list !== list) this.withdraw(slave);
    if (list === undefined) return;
    if (list === this.idle && slave.list !== list) (slave.host as HostRecord).idle++;
    if (is_fresh) list.add_last(slave);
    else list.add(slave);
    if (list !== this.idle && list !== this.hungry) this.note_host(slave.host as HostRecord);
  }

  withdraw(slave: SlaveRecord<T>): void {
    const { list, host } = slave;
    if (list === undefined || host === undefined) return;
    list.delete(slave);
    if (list === this.idle) host.idle--;
    else if (list !== this.hungry) this.note_host(host);
  }

  /** To be called when a host is benched, may be probed from now on, is probed, or is so no more. */
  note_host(host: HostRecord): void {
    if (may_probe(host) && this.top_parked(host) !== undefined) this.#probable.add(host);
    else this.#probable.delete(host);
  }

  /** The slave of a benched host that would have the probe. */
  top_parked(host: HostRecord): SlaveRecord<T> | undefined {
    return this.#parked.get(host)?.top;
  }

  /** Offers the slaves of a host that is let back. */
  unpark(host: HostRecord): void {
    const parked = this.#parked.get(host);
    for (let slave = parked?.top; slave !== undefined; slave = parked?.top) this.offer(slave, true);
    this.#parked.delete(host);
  }

  #list_for(slave: SlaveRecord<T>): SlaveList<T> | undefined {
    const { host } = slave;
    if (host === undefined || !can_take(slave)) return undefined;
    const is_empty = slave.tasks.length === 0;
    if (host.benched_until === 0) return is_empty ? this.idle : this.hungry;
    if (!is_empty) return undefined;
    const parked = this.#parked.get(host) ?? new SlaveList<T>();
    this.#parked.set(host, parked);
    return parked;
  }

  /** Asserts that `slave` is where it belongs. One that holds what it may is in no list though it could take more. */
  check(slave: SlaveRecord<T>): void {
    const list = this.#list_for(slave);
    const holds_enough = list === this.hungry && slave.list === undefined;
    const { host } = slave;
    const is_probable = host !== undefined && may_probe(host) && this.top_parked(host) !== undefined;
    assert(
      host === undefined || this.#probable.has(host) === is_probable,
      'a host is not probed that should be',
    );
    assert(slave.list === list || holds_enough, () => `slave ${slave.slave_id} is offered as what it is not`);
  }
}

/** Whether a slave of `host`, which is benched, may be given a task now. */
export function may_probe(host: HostRecord): boolean {
  return host.is_due && host.probe === undefined;
}

/** Whether a task that is sent now would run as soon as what it has. */
function can_take(slave: SlaveRecord<TaskRecord>): boolean {
  return is_serving(slave) && slave.commands === 0 && slave.taking_back === undefined;
}

/** It takes tasks, now or when it has done what it was asked. */
export function is_serving(slave: SlaveRecord<TaskRecord>): boolean {
  return (
    (slave.state === 'connected' || slave.state === 'running_task') &&
    !slave.is_leaving &&
    !slave.is_worn &&
    !slave.is_abandoned
  );
}
