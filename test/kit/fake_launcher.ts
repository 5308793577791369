/**
 * A Launcher whose processes are none: each is a slave within this process, built from the real Runner,
 * Channel and dial over loopback TCP. So a whole master is tested in milliseconds, and a slave can be made
 * to crash, hang or fall silent at any moment.
 */
import { Deferred } from '../../src/base/deferred.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from '../../src/launch/launcher.js';
import type { Address } from '../../src/net/address.js';
import { Channel } from '../../src/net/channel.js';
import { type Dialled, dial } from '../../src/net/dial.js';
import { Claims } from '../../src/slave/claims.js';
import { Loader } from '../../src/slave/loader.js';
import { Redialler } from '../../src/slave/redial.js';
import { Runner } from '../../src/slave/runner.js';
import { Watch } from '../../src/slave/watch.js';
import type { Identity, LinkRole } from '../../src/wire/hello.js';
import { read_orders, report, type ToSlave } from '../../src/wire/messages.js';
import {
  type KillReason,
  type PulseMessage,
  read_pulse_messages,
  type Vitals,
  write_pulse_message,
} from '../../src/wire/pulse_messages.js';
import { wait_until } from './wait_until.js';

/** What becomes of one launch. */
export type Plan =
  /** It connects and does its work. */
  | 'serve'
  /** So it does, but its second connection is never made. */
  | 'no_pulse'
  /** It lives, and never connects. */
  | 'hang'
  /** It does its work, but does not come back when its connection breaks: it just lives on. */
  | 'ignore_break'
  /** It does its work, but does not end when it is told to stop. */
  | 'ignore_stop'
  /** The launcher throws. */
  | 'throw'
  /** It ends so before it connects. */
  | Partial<ProcessEnd>;

/** What a dead slave has not started it will not start: more than any test sends to one. */
const ALL = 4096;

export class FakeProcess implements LaunchedProcess {
  readonly command = ['fake', 'slave'];
  readonly pid: number;
  readonly order: LaunchOrder;
  readonly plan: Plan;
  runner: Runner | undefined;
  main: Channel | undefined;
  pulse: Channel | undefined;
  readonly claims = new Claims();
  readonly watch = new Watch();
  /** What its pulse was told. */
  readonly pulse_orders: PulseMessage[] = [];
  readonly #rediallers = new Map<LinkRole, Redialler>();
  #has_ended = false;
  readonly #ended = new Deferred<ProcessEnd>();

  constructor(pid: number, order: LaunchOrder, plan: Plan) {
    this.pid = pid;
    this.order = order;
    this.plan = plan;
    if (typeof plan === 'object') this.end(plan);
    else if (plan !== 'hang') void this.#serve();
  }

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  get has_ended(): boolean {
    return this.#has_ended;
  }

  kill(): void {
    this.end({ signal: 'SIGKILL' });
  }

  /** The process and its connections are gone. */
  end(end: Partial<ProcessEnd>): void {
    if (this.#has_ended) return;
    this.#has_ended = true;
    this.claims.take_back(0, ALL);
    this.main?.suspend();
    this.pulse?.suspend();
    this.#ended.resolve({ exit_code: undefined, signal: undefined, error: undefined, ...end });
  }

  /** It ends by itself, and says so first, as process.exit does. */
  async exit(exit_code: number): Promise<void> {
    const { main } = this;
    if (main === undefined) throw new Error('a slave that has not connected cannot say that it exits');
    report.exiting(main.writer, exit_code, this.runner?.begun_task_id);
    main.flush();
    await wait_until(() => main.link.unsent_bytes === 0, 'the last words of a slave');
    main.on_close = undefined;
    main.link.close();
    this.#has_ended = true;
    this.claims.take_back(0, ALL);
    this.#ended.resolve({ exit_code, signal: undefined, error: undefined });
  }

  /** Its pulse ends it, and says why first. */
  async die_of(why: KillReason): Promise<void> {
    const { pulse } = this;
    if (pulse === undefined) throw new Error('a slave without a pulse is not ended by it');
    this.#say_pulse({ kind: 'killed', seq: this.watch.running_seq, why });
    await wait_until(() => pulse.link.unsent_bytes === 0, 'the last words of a pulse');
    pulse.on_close = undefined;
    pulse.link.close();
    this.pulse = undefined;
    this.end({ signal: 'SIGKILL' });
  }

  /** A sign of life. */
  beat(vitals: Partial<Vitals> = {}): void {
    this.#say_pulse({ kind: 'heartbeat', vitals: { rss: 1, peak: 4, cpu: 2, stalled: 3, ...vitals } });
  }

  #say_pulse(message: PulseMessage): void {
    const channel = this.pulse;
    if (channel === undefined) return;
    write_pulse_message(channel.writer, message);
    channel.flush();
  }

  /** Resolves when a task runs here. */
  async runs_a_task(): Promise<void> {
    await wait_until(() => this.runner?.running_task_id !== undefined, 'a running task');
  }

  get #addresses(): Address[] {
    return this.order.addresses.map((address) => {
      const [host = '', port] = address.split(/:(?=\d+$)/);
      return { host, port: Number(port) };
    });
  }

  #identity(role: LinkRole): Identity {
    const { slave_id, launch } = this.order;
    return { slave_id, launch, role, is_resuming: false };
  }

  get #secret(): Buffer {
    return Buffer.from(this.order.secret, 'hex');
  }

  /** A connection broke: it dials again, and ends when that does not help. */
  async #reconnect(channel: Channel, role: LinkRole): Promise<void> {
    if (this.#has_ended || this.plan === 'ignore_break') return;
    try {
      const redialler = this.#rediallers.get(role);
      if (redialler === undefined) throw new Error('it was never welcomed');
      const { link, rest } = await redialler.reach();
      if (this.#has_ended) link.destroy();
      else channel.resume(link, rest);
    } catch {
      this.kill();
    }
  }

  async #dial(role: LinkRole): Promise<Dialled | undefined> {
    const dialled = await dial(this.#addresses, this.#secret, this.#identity(role)).catch(() => undefined);
    if (dialled === undefined) this.end({ exit_code: 81 });
    else if (this.#has_ended) dialled.link.destroy();
    return this.#has_ended ? undefined : dialled;
  }

  async #serve(): Promise<void> {
    const dialled = await this.#dial('main');
    if (dialled === undefined) return;
    const main = new Channel(
      dialled.link,
      {
        max_frame_bytes: 2 ** 32,
        on_frame: (bytes, start, end, attachments) =>
          this.#on_orders(read_orders(bytes, start, end, attachments)),
        is_resumable: true,
      },
      dialled.rest,
    );
    this.main = main;
    main.on_close = () => void this.#reconnect(main, 'main');
    main.on_resume = () => this.#rediallers.get('main')?.reset();
    report.ready(main.writer, { pid: this.pid, hostname: 'fake.host', node_version: 'v0' });
    main.flush();
  }

  #on_orders(orders: readonly ToSlave[]): void {
    for (const order of orders) {
      if (order.kind === 'stop' && this.plan !== 'ignore_stop') return this.end({ exit_code: 0 });
      if (order.kind !== 'welcome') continue;
      const { name, max_frame_bytes, cancel_grace, reconnect_timeout } = order.welcome;
      for (const role of ['main', 'pulse'] as const) {
        const identity = this.#identity(role);
        const patience = { timeout: reconnect_timeout, lease: 0, is_busy: () => false, on_dead: () => {} };
        this.#rediallers.set(role, new Redialler(this.#addresses, this.#secret, identity, patience));
      }
      const channel = this.main as Channel;
      const loader = new Loader();
      const cwd = process.cwd();
      const { claims, watch } = this;
      const [on_first_timeout, keeps_outcomes] = [() => {}, false];
      this.runner = new Runner({
        ...{ channel, claims, watch, loader, name, max_frame_bytes, cancel_grace, cwd },
        ...{ on_first_timeout, keeps_outcomes },
      });
      if (this.plan !== 'no_pulse') void this.#start_pulse();
    }
    this.runner?.on_orders(orders);
  }

  async #start_pulse(): Promise<void> {
    const dialled = await this.#dial('pulse');
    if (dialled === undefined) return;
    const pulse = new Channel(
      dialled.link,
      {
        max_frame_bytes: 2 ** 20,
        on_frame: (bytes, start, end) => {
          this.#rediallers.get('pulse')?.reset();
          for (const message of read_pulse_messages(bytes, start, end)) this.#on_pulse_order(message);
        },
        is_resumable: false,
      },
      dialled.rest,
    );
    this.pulse = pulse;
    pulse.on_close = () => void this.#reconnect(pulse, 'pulse');
    this.beat();
  }

  #on_pulse_order(message: PulseMessage): void {
    this.pulse_orders.push(message);
    if (message.kind === 'take_back') {
      const from = this.claims.take_back(message.from, message.to);
      this.#say_pulse({ kind: 'taken_back', from, to: message.to });
    } else if (message.kind === 'kill' && this.watch.is_running(message.seq)) {
      void this.die_of('cancelled');
    }
  }
}

let next_pid = 1_000_001;

export class FakeLauncher implements Launcher {
  readonly kind = 'fake';
  readonly host = 'fake';
  readonly reach = 'local';
  readonly pace = { at_once: 16, until: 'ready' } as const;
  readonly processes: FakeProcess[] = [];
  readonly #plans: readonly Plan[];

  /** `plans` are for the first launches; later ones go as the last of them. */
  constructor(plans: readonly Plan[]) {
    this.#plans = plans;
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    return orders.map((order) => this.start_one(order));
  }

  start_one(order: LaunchOrder): LaunchedProcess {
    const plan = this.#plans[order.launch] ?? this.#plans.at(-1) ?? 'serve';
    if (plan === 'throw') throw new Error('no more processes');
    const process = new FakeProcess(next_pid++, order, plan);
    this.processes.push(process);
    return process;
  }
}
