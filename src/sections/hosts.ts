/**
 * Hosts: the slaves of a job by the machine they are on, each with its line, and what is known of each machine. It
 * opens a line to whoever connects, probes machines side by side, and tells what changed; who runs what is not known
 * here.
 *
 *     slave connected ─▶ line ─▶ first of its host? end what an earlier master left there ─▶ probe ─▶ good
 *                                                                                              └▶ benched, probed again
 */
import type { Job } from '../master/job.js';
import type { Slave } from '../master/slave.js';
import type { HostFacts } from './far/messages.js';
import { type CallOptions, Line } from './line.js';
import { safe_name } from './safe_name.js';

/** A probe that takes longer has failed, ms. */
const PROBE_TIMEOUT = 20_000;
/** First wait before a benched host is probed again, ms; doubled each time. */
const FIRST_BENCH = 500;
const LONGEST_BENCH = 60_000;
/** Probes in a row that fail before nobody waits for the host. */
const HOPELESS_PROBES = 3;

export interface HostsEvents {
  on_slot_coming(slot: number): void;
  on_slot_up(slot: number, host: string): void;
  on_slot_gone(slot: number): void;
  on_host_good(host: string): void;
  on_host_benched(host: string, reason: string): void;
  on_host_gone(host: string): void;
  on_no_more_hosts(text: string): void;
  on_notice(level: number, text: string): void;
}

export interface HostsOptions {
  job: Job;
  scratch: string | Readonly<Record<string, string>> | undefined;
  /** How the folders of the run in the scratch folders of hosts begin; the name of the host follows. */
  folder: string;
  programs: readonly string[];
  min_free_bytes: number;
  host_timeout: number;
  probe_interval: number;
}

interface Slot {
  slave: Slave;
  state: 'coming' | 'opening' | 'up' | 'dead';
  host: string | undefined;
  line: Line | undefined;
}

/** One machine. */
class Host {
  readonly name: string;
  facts: HostFacts | undefined;
  is_swept = false;
  is_good = false;
  is_gone = false;
  bench_reason: string | undefined;
  failures = 0;
  probing: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
  gone_timer: NodeJS.Timeout | undefined;
  calls = 0;

  constructor(name: string) {
    this.name = name;
  }
}

export class Hosts {
  readonly #options: HostsOptions;
  readonly #events: HostsEvents;
  readonly #slots: Slot[] = [];
  readonly #hosts = new Map<string, Host>();
  readonly #listening: (() => void)[] = [];
  #probing_all: NodeJS.Timeout | undefined;
  #is_closed = false;

  constructor(options: HostsOptions, events: HostsEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Starts the slaves that do not run, and uses each as it comes. */
  open(): void {
    const { job, probe_interval } = this.#options;
    for (const slave of job) this.#slots.push({ slave, state: 'coming', host: undefined, line: undefined });
    for (const slot of this.#slots.keys()) this.#events.on_slot_coming(slot);
    const on_connected = ({ slave }: { slave: Slave }) => void this.#on_connected(slave);
    const on_dead = ({ slave, error }: { slave: Slave; error: Error }) => this.#on_dead(slave, error);
    const on_lost = ({ error, why }: { error: Error; why: unknown }) => {
      // one that ran is told of by the end of its line; all that is known is told when it is given up
      const [text = ''] = error.message.split('\n', 1);
      if (why === undefined && !this.#is_closed) this.#events.on_notice(1, text);
    };
    job.on('slave_connected', on_connected);
    job.on('slave_dead', on_dead);
    job.on('slave_lost', on_lost);
    this.#listening.push(
      () => job.off('slave_connected', on_connected),
      () => job.off('slave_dead', on_dead),
      () => job.off('slave_lost', on_lost),
    );
    for (const { slave } of this.#slots) if (slave.state === 'connected') void this.#on_connected(slave);
    // what does not start is told by events
    job.start().catch(() => {});
    this.#probing_all = setInterval(() => this.#probe_all(), probe_interval).unref();
  }

  /** Ends the service on all slaves. */
  async close(): Promise<void> {
    this.#is_closed = true;
    for (const stop of this.#listening.splice(0)) stop();
    clearInterval(this.#probing_all);
    for (const host of this.#hosts.values()) {
      clearTimeout(host.timer);
      clearTimeout(host.gone_timer);
    }
    await Promise.all(this.#slots.map(({ line }) => line?.close()));
  }

  get names(): string[] {
    return [...this.#hosts.keys()];
  }

  /** Folder for the files of the run on a host. @throws Error when it was never probed well */
  folder_of(name: string): string {
    const scratch = this.#hosts.get(name)?.facts?.scratch;
    if (scratch === undefined) throw new Error(`host ${name} was not probed`);
    return scratch;
  }

  facts_of(name: string): HostFacts | undefined {
    return this.#hosts.get(name)?.facts;
  }

  is_up(name: string): boolean {
    return this.#slots.some((slot) => slot.state === 'up' && slot.host === name);
  }

  /** That of a slot, if it is up. */
  line_of(slot: number): Line | undefined {
    const { state, line } = this.#slots[slot] ?? {};
    return state === 'up' ? line : undefined;
  }

  /** An open line to a host, each in its turn. */
  any_line(name: string): Line | undefined {
    const lines = this.#slots.filter((slot) => slot.state === 'up' && slot.host === name);
    const host = this.#hosts.get(name);
    if (host === undefined || lines.length === 0) return undefined;
    return lines[host.calls++ % lines.length]?.line;
  }

  // ---- slaves

  #slot_of(slave: Slave): number {
    return this.#slots.findIndex((slot) => slot.slave === slave);
  }

  async #on_connected(slave: Slave): Promise<void> {
    const number = this.#slot_of(slave);
    const slot = this.#slots[number];
    if (slot === undefined || this.#is_closed || slot.state === 'opening' || slot.state === 'up') return;
    slot.state = 'opening';
    try {
      slot.line = await Line.open(slave);
    } catch (error) {
      slot.state = 'coming';
      this.#events.on_notice(1, `${slave} is not used: ${(error as Error).message}`);
      return;
    }
    void slot.line.ended.then((error) => this.#on_line_ended(number, slot, error));
    slot.state = 'up';
    slot.host = slave.host;
    const host = this.#host(slave.host);
    clearTimeout(host.gone_timer);
    host.is_gone = false;
    this.#events.on_slot_up(number, host.name);
    if (host.is_good) this.#events.on_host_good(host.name);
    else void this.probe(host.name);
  }

  #on_line_ended(number: number, slot: Slot, error: Error): void {
    if (this.#is_closed || slot.state !== 'up') return;
    const { host } = slot;
    slot.state = 'coming';
    slot.line = undefined;
    this.#events.on_notice(0, `${slot.slave} on ${host} was lost: ${error.message}`);
    this.#events.on_slot_gone(number);
    this.#events.on_slot_coming(number);
    if (host !== undefined) this.#look_whether_gone(host);
  }

  #on_dead(slave: Slave, error: Error): void {
    const number = this.#slot_of(slave);
    const slot = this.#slots[number];
    if (slot === undefined || this.#is_closed) return;
    slot.state = 'dead';
    this.#events.on_slot_gone(number);
    this.#events.on_notice(0, `${slave} is given up: ${error.message}`);
    const { host } = slot;
    if (host !== undefined && this.#slots.every((other) => other.host !== host || other.state === 'dead'))
      this.#declare_gone(this.#host(host));
    this.#look_for_hope();
  }

  #look_whether_gone(name: string): void {
    if (this.is_up(name)) return;
    const host = this.#host(name);
    clearTimeout(host.gone_timer);
    const declare = () => {
      if (!this.is_up(name)) this.#declare_gone(host);
    };
    host.gone_timer = setTimeout(declare, this.#options.host_timeout).unref();
  }

  #declare_gone(host: Host): void {
    if (host.is_gone) return;
    clearTimeout(host.gone_timer);
    clearTimeout(host.timer);
    host.is_gone = true;
    host.is_good = false;
    this.#events.on_notice(0, `host ${host.name} is gone`);
    this.#events.on_host_gone(host.name);
    this.#look_for_hope();
  }

  /** When nobody is on the way and nobody can be used. */
  #look_for_hope(): void {
    if (this.#slots.some(({ state }) => state === 'opening')) return;
    const is_gone = (slot: Slot) => slot.host !== undefined && this.#hosts.get(slot.host)?.is_gone === true;
    if (this.#slots.some((slot) => slot.state === 'coming' && !is_gone(slot))) return;
    const used = [...this.#hosts.values()].filter((host) => this.is_up(host.name));
    if (used.some((host) => !host.is_good && host.failures < HOPELESS_PROBES)) return;
    for (const [number, slot] of this.#slots.entries())
      if (slot.state === 'coming' && is_gone(slot)) this.#events.on_slot_gone(number);
    const reasons = [...this.#hosts.values()].flatMap(({ name, is_gone, bench_reason }) =>
      is_gone ? [`${name} is gone`] : bench_reason === undefined ? [] : [`${name}: ${bench_reason}`],
    );
    const dead = this.#slots.flatMap(({ slave, state }) =>
      state === 'dead' ? [`${slave}: ${slave.last_error?.message ?? 'it could not be started'}`] : [],
    );
    this.#events.on_no_more_hosts([...reasons, ...dead].join('; '));
  }

  // ---- probes

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, (host = new Host(name)));
    return host;
  }

  #probe_all(): void {
    for (const { name } of this.#hosts.values()) if (this.is_up(name)) void this.probe(name);
  }

  /** Looks whether a host can be used. Only one probe of a host goes on at a time. */
  probe(name: string): Promise<void> {
    const host = this.#host(name);
    host.probing ??= this.#probe(host).finally(() => {
      host.probing = undefined;
    });
    return host.probing;
  }

  async #probe(host: Host): Promise<void> {
    clearTimeout(host.timer);
    const line = this.any_line(host.name);
    if (line === undefined || this.#is_closed) return;
    const { scratch, folder, programs, min_free_bytes } = this.#options;
    const wanted = typeof scratch === 'object' ? scratch[host.name] : scratch;
    try {
      // of its own: hosts may have their scratch folders on one file system
      const own = `${folder}.${safe_name(host.name)}`;
      const order = { scratch: wanted, folder: own, programs, min_free_bytes };
      host.facts = await within(PROBE_TIMEOUT, line.call('probe', [order]));
      if (!host.is_swept) {
        const killed = await within(PROBE_TIMEOUT, line.call('sweep', [host.facts.scratch]));
        host.is_swept = true;
        if (killed > 0)
          this.#events.on_notice(
            1,
            `${killed} programs that an earlier master left on ${host.name} were ended`,
          );
      }
    } catch (error) {
      // by a slave that was lost meanwhile; the next one there asks again
      if (line.is_open) this.#bench(host, (error as Error).message);
      else if (this.is_up(host.name)) setImmediate(() => void this.probe(host.name));
      return;
    }
    if (this.#is_closed) return;
    host.failures = 0;
    host.bench_reason = undefined;
    if (!host.is_good)
      this.#events.on_notice(2, `host ${host.name} is good, its files go to ${host.facts.scratch}`);
    host.is_good = true;
    this.#events.on_host_good(host.name);
    this.#look_for_hope();
  }

  #bench(host: Host, reason: string): void {
    if (this.#is_closed) return;
    const wait = Math.min(LONGEST_BENCH, FIRST_BENCH * 2 ** host.failures);
    host.failures++;
    host.is_good = false;
    if (host.bench_reason !== reason) this.#events.on_notice(0, `host ${host.name} is benched: ${reason}`);
    host.bench_reason = reason;
    this.#events.on_host_benched(host.name, reason);
    host.timer = setTimeout(() => void this.probe(host.name), wait);
    this.#look_for_hope();
  }

  /** A call to a host, by the line of `slot` or any that is open. @throws Error when there is none */
  call<N extends Parameters<Line['call']>[0]>(
    name: string,
    handler: N,
    args: Parameters<typeof Line.prototype.call<N>>[1],
    options?: CallOptions,
  ): ReturnType<typeof Line.prototype.call<N>> {
    const line = this.any_line(name);
    if (line === undefined)
      return Promise.reject(new Error(`no slave is on host ${name}`)) as ReturnType<
        typeof Line.prototype.call<N>
      >;
    return line.call(handler, args, options) as ReturnType<typeof Line.prototype.call<N>>;
  }
}

/** @throws Error when `promise` takes longer */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
