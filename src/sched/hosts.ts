/**
 * Hosts: which machines the slaves run on, and which of them is not to be trusted.
 *
 * A host on which several different tasks have died is benched: its slaves get no task for a while. Then
 * one of them gets one, as a probe; if that ends well the host is let back, if not it waits twice as long.
 * The only host that a job has is never benched: a run that goes on badly is better than one that stands.
 */
import { assert } from './assert.js';
import type { HostRecord, TaskRecord } from './records.js';

/** Different tasks that died on a host, less those that ended there since, before it is benched. */
const BENCH_AFTER = 3;
/** First time on the bench, ms; doubled for each further one. */
const BENCH_TIME = 30_000;
const LONGEST_BENCH_TIME = 30 * 60_000;

export class Hosts {
  readonly #hosts = new Map<string, HostRecord>();
  readonly #benched = new Set<HostRecord>();
  /** Those on which tasks died. */
  readonly #stained = new Set<HostRecord>();
  /** Hosts that have slaves and are not benched, and the slaves that serve there. */
  #trusted = 0;
  #serving = 0;

  /** A slave has connected from the host `name`. */
  join(name: string): HostRecord {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = {
        name,
        slaves: 0,
        serving: 0,
        idle: 0,
        victims: new Set(),
        benched_until: 0,
        bench_time: BENCH_TIME,
        is_due: false,
        probe: undefined,
      };
      this.#hosts.set(name, host);
    }
    host.slaves++;
    if (host.slaves === 1 && host.benched_until === 0) this.#trusted++;
    return host;
  }

  /** A slave there has gone. */
  leave(host: HostRecord, slave_id: number): void {
    host.slaves--;
    if (host.slaves === 0 && host.benched_until === 0) this.#trusted--;
    if (host.probe === slave_id) host.probe = undefined;
  }

  /** A slave there takes tasks from now on, or does no more. */
  note_serving(host: HostRecord, change: 1 | -1): void {
    host.serving += change;
    if (host.benched_until === 0) this.#serving += change;
  }

  /** Whether a slave takes tasks on another host, one that is trusted. */
  is_served_beside(host: HostRecord): boolean {
    return this.#serving > (host.benched_until === 0 ? host.serving : 0);
  }

  /** The hosts on the bench whose time there is over now. They may be probed. */
  take_due(now: number): HostRecord[] {
    const due = [...this.#benched].filter((host) => !host.is_due && host.benched_until <= now);
    for (const host of due) host.is_due = true;
    return due;
  }

  /** `task` has died there. True when the host is benched for it. */
  note_death(host: HostRecord, task: TaskRecord, now: number): boolean {
    host.victims.add(task);
    this.#stained.add(host);
    if (host.benched_until > 0) {
      // what it had before it was benched, or the probe
      if (!host.is_due) return false;
      host.bench_time = Math.min(LONGEST_BENCH_TIME, host.bench_time * 2);
    } else {
      const others = this.#trusted - (host.slaves > 0 ? 1 : 0);
      if (host.victims.size < BENCH_AFTER || others === 0) return false;
      this.#benched.add(host);
      this.#serving -= host.serving;
      if (host.slaves > 0) this.#trusted--;
    }
    host.benched_until = Math.ceil(now) + host.bench_time;
    host.is_due = false;
    return true;
  }

  /** A task has ended well there. True when the host is let back for it. */
  note_success(host: HostRecord): boolean {
    // so it is nearly always, and this is asked for every task
    if (this.#stained.size === 0 && this.#benched.size === 0) return false;
    if (host.victims.size > 0) this.#forgive(host, host.victims.values().next().value as TaskRecord);
    if (host.benched_until === 0) return false;
    this.#release(host);
    return true;
  }

  /** `task` dies wherever it runs: no host is to blame. */
  clear_of(task: TaskRecord): void {
    for (const host of this.#stained) this.#forgive(host, task);
  }

  /** Lets all hosts back when no trusted one has a slave, and they have. Returns them. */
  release_if_alone(): HostRecord[] {
    if (this.#benched.size === 0 || this.#trusted > 0) return [];
    const alone = [...this.#benched].filter((host) => host.slaves > 0);
    for (const host of alone) this.#release(host);
    return alone;
  }

  /** When the time of the next host on the bench is over; Infinity when there is none. */
  get next_due_at(): number {
    let at = Infinity;
    for (const { is_due, benched_until } of this.#benched)
      if (!is_due && benched_until < at) at = benched_until;
    return at;
  }

  #forgive(host: HostRecord, victim: TaskRecord): void {
    host.victims.delete(victim);
    if (host.victims.size === 0) this.#stained.delete(host);
  }

  #release(host: HostRecord): void {
    this.#benched.delete(host);
    this.#stained.delete(host);
    this.#serving += host.serving;
    if (host.slaves > 0) this.#trusted++;
    host.benched_until = 0;
    host.bench_time = BENCH_TIME;
    host.is_due = false;
    host.probe = undefined;
    host.victims.clear();
  }

  /** Asserts that the counts are those of what is here. */
  check(): void {
    let [trusted, serving, distrusted] = [0, 0, 0];
    for (const host of this.#hosts.values()) {
      const is_benched = host.benched_until > 0;
      assert(is_benched === this.#benched.has(host), () => `${host.name} is on the bench by halves`);
      assert(
        host.victims.size > 0 === this.#stained.has(host),
        () => `the victims of ${host.name} are forgotten`,
      );
      assert(is_benched || host.probe === undefined, () => `${host.name}, which is trusted, is probed`);
      if (is_benched) {
        distrusted += host.slaves;
      } else {
        serving += host.serving;
        if (host.slaves > 0) trusted++;
      }
    }
    assert(trusted === this.#trusted && serving === this.#serving, 'trusted hosts are miscounted');
    assert(trusted > 0 || distrusted === 0, 'all hosts that have slaves are benched');
  }
}
