/**
 * A Launcher whose processes are none: each is a slave within this process, built from the real Runner,
 * Channel and dial over loopback TCP. So a whole master is tested in milliseconds, and a slave can be made
 * to crash, hang or fall silent at any moment.
 */
import { Deferred } from '../../src/base/deferred.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from '../../src/launch/launcher.js';
import { Channel } from '../../src/net/channel.js';
import { type Dialled, dial } from '../../src/net/dial.js';
import { Claims } from '../../src/slave/claims.js';
import { Loader } from '../../src/slave/loader.js';
import { Runner } from '../../src/slave/runner.js';
import type { LinkRole } from '../../src/wire/hello.js';
import { read_orders, report, type ToSlave } from '../../src/wire/messages.js';
import { read_pulse_messages, write_pulse_message } from '../../src/wire/pulse_messages.js';
import { wait_until } from './wait_until.js';

/** What becomes of one launch. */
export type Plan =
  /** It connects and does its work. */
  | 'serve'
  /** So it does, but its second connection is never made. */
  | 'no_pulse'
  /** It lives, and never connects. */
  | 'hang'
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
    this.main?.link.destroy();
    this.pulse?.link.destroy();
    this.#ended.resolve({ exit_code: undefined, signal: undefined, error: undefined, ...end });
  }

  /** It ends by itself, and says so first, as process.exit does. */
  async exit(exit_code: number): Promise<void> {
    const { main } = this;
    if (main === undefined) throw new Error('a slave that has not connected cannot say that it exits');
    report.exiting(main.writer, exit_code, this.runner?.running_task_id);
    main.flush();
    await wait_until(() => main.link.unsent_bytes === 0, 'the last words of a slave');
    main.link.close();
    this.#has_ended = true;
    this.claims.take_back(0, ALL);
    this.#ended.resolve({ exit_code, signal: undefined, error: undefined });
  }

  /** A sign of life. */
  beat(): void {
    const channel = this.pulse;
    if (channel === undefined) return;
    write_pulse_message(channel.writer, { kind: 'heartbeat', vitals: { rss: 1, cpu: 2, stalled: 3 } });
    channel.flush();
  }

  /** Resolves when a task runs here. */
  async runs_a_task(): Promise<void> {
    await wait_until(() => this.runner?.running_task_id !== undefined, 'a running task');
  }

  async #dial(role: LinkRole): Promise<Dialled | undefined> {
    const addresses = this.order.addresses.map((address) => {
      const [host = '', port] = address.split(/:(?=\d+$)/);
      return { host, port: Number(port) };
    });
    const { slave_id, launch, secret } = this.order;
    const identity = { slave_id, launch, role };
    const dialled = await dial(addresses, Buffer.from(secret, 'hex'), identity).catch(() => undefined);
    if (dialled === undefined) this.end({ exit_code: 81 });
    else if (this.#has_ended) dialled.link.destroy();
    return this.#has_ended ? undefined : dialled;
  }

  async #serve(): Promise<void> {
    const dialled = await this.#dial('main');
    if (dialled === undefined) return;
    const main = new Channel(
      dialled.link,
      2 ** 32,
      (bytes, start, end, attachments) => this.#on_orders(read_orders(bytes, start, end, attachments)),
      dialled.rest,
    );
    this.main = main;
    dialled.link.on_close = () => this.kill();
    report.ready(main.writer, { pid: this.pid, hostname: 'fake.host', node_version: 'v0' });
    main.flush();
  }

  #on_orders(orders: readonly ToSlave[]): void {
    for (const order of orders) {
      if (order.kind === 'stop' && this.plan !== 'ignore_stop') return this.end({ exit_code: 0 });
      if (order.kind !== 'welcome') continue;
      const { name, max_frame_bytes } = order.welcome;
      const channel = this.main as Channel;
      const loader = new Loader();
      const cwd = process.cwd();
      this.runner = new Runner({ channel, claims: this.claims, loader, name, max_frame_bytes, cwd });
      if (this.plan !== 'no_pulse') void this.#start_pulse();
    }
    this.runner?.on_orders(orders);
  }

  async #start_pulse(): Promise<void> {
    const dialled = await this.#dial('pulse');
    if (dialled === undefined) return;
    const pulse = new Channel(
      dialled.link,
      2 ** 20,
      (bytes, start, end) => {
        for (const message of read_pulse_messages(bytes, start, end)) {
          if (message.kind !== 'take_back') continue;
          const from = this.claims.take_back(message.from, message.to);
          write_pulse_message(pulse.writer, { kind: 'taken_back', from, to: message.to });
          pulse.flush();
        }
      },
      dialled.rest,
    );
    this.pulse = pulse;
    this.beat();
  }
}

let next_pid = 1_000_001;

export class FakeLauncher implements Launcher {
  readonly host = 'fake';
  readonly processes: FakeProcess[] = [];
  readonly #plans: readonly Plan[];

  /** `plans` are for the first launches; later ones go as the last of them. */
  constructor(plans: readonly Plan[]) {
    this.#plans = plans;
  }

  start(order: LaunchOrder): LaunchedProcess {
    const plan = this.#plans[order.launch] ?? this.#plans.at(-1) ?? 'serve';
    if (plan === 'throw') throw new Error('no more processes');
    const process = new FakeProcess(next_pid++, order, plan);
    this.processes.push(process);
    return process;
  }
}
