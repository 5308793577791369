/** A Session, what it tells, and the far end of its links, in memory. No slave is there but the test. */
import { Deferred } from '../../src/base/deferred.js';
import type { LaunchError } from '../../src/errors.js';
import type { LaunchedProcess, LaunchOrder, ProcessEnd } from '../../src/launch/launcher.js';
import type { Command } from '../../src/master/command.js';
import { type JobOptions, resolve_job_options } from '../../src/master/job_options.js';
import type { SlaveLostError } from '../../src/master/life.js';
import { Session, type SessionEvents } from '../../src/master/session.js';
import { Slave } from '../../src/master/slave.js';
import { Channel } from '../../src/net/channel.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { read_orders, report, type ToSlave } from '../../src/wire/messages.js';
import {
  type PulseMessage,
  read_pulse_messages,
  write_pulse_message,
} from '../../src/wire/pulse_messages.js';
import { wait_until } from './wait_until.js';

const NOTHING = Buffer.alloc(0);

class SilentProcess implements LaunchedProcess {
  readonly command = ['silent', 'slave'];
  readonly pid = 4711;
  kills = 0;
  readonly #ended = new Deferred<ProcessEnd>();

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  kill(): void {
    this.kills++;
    this.end({ signal: 'SIGKILL' });
  }

  end(end: Partial<ProcessEnd>): void {
    this.#ended.resolve({ exit_code: undefined, signal: undefined, error: undefined, ...end });
  }
}

class SilentSlave extends Slave {
  readonly orders: LaunchOrder[] = [];
  readonly processes: SilentProcess[] = [];
  override readonly launcher = {
    kind: 'silent',
    host: 'here',
    reach: 'local' as const,
    pace: { at_once: 16, until: 'ready' as const },
    start: (orders: readonly LaunchOrder[]) =>
      orders.map((order) => {
        this.orders.push(order);
        const process = new SilentProcess();
        this.processes.push(process);
        return process;
      }),
  };
}

export class SessionBench {
  readonly slave = new SilentSlave();
  /** What the session told, by name, with what matters of it. */
  readonly told: [name: string, ...facts: unknown[]][] = [];
  readonly orders: ToSlave[] = [];
  readonly pulse_orders: PulseMessage[] = [];
  readonly session: Session;
  main: Channel | undefined;
  pulse: Channel | undefined;

  constructor(startup_commands: Command[] = [], job_options: JobOptions = {}) {
    const options = resolve_job_options({
      jobname: 'unit',
      log_dir: '/nowhere',
      max_frame_bytes: 2 ** 20,
      ...job_options,
    });
    const tell =
      (name: string) =>
      (_session: Session, ...facts: unknown[]): void => {
        this.told.push([name, ...facts]);
      };
    const events: SessionEvents = {
      on_launched: tell('launched'),
      on_ready: tell('ready'),
      on_launch_failed: (_, error: LaunchError) => this.told.push(['launch_failed', error]),
      on_lost: (_, error: SlaveLostError, ended_with) => this.told.push(['lost', error, ended_with]),
      on_ended: tell('ended'),
      on_pulse: tell('pulse'),
      on_task_reports: tell('task_reports'),
      on_progress: tell('progress'),
      on_checkpoint: tell('checkpoint'),
      on_link: tell('link'),
      on_left_over: tell('left_over'),
      on_taken_back: tell('taken_back'),
      on_command_ended: tell('command_ended'),
      on_vitals: tell('vitals'),
      on_round_trip: tell('round_trip'),
      on_stray_error: tell('stray_error'),
    };
    const secret_file = () => '/nowhere/.unit.secret';
    const context = { options, secret: () => '5ec2e7', secret_file, startup_commands };
    this.session = new Session(this.slave, 5, context, events);
  }

  get names(): string[] {
    return this.told.map(([name]) => name);
  }

  get process(): SilentProcess {
    return this.slave.processes.at(-1) as SilentProcess;
  }

  launch(): void {
    this.session.set_number(() => 3);
    const order = this.session.prepare_launch(['127.0.0.1:4000']);
    if (order === undefined) return;
    const [process] = this.slave.launcher.start([order]);
    this.session.launched(process as SilentProcess);
  }

  /** The slave connects. Its end of the link. */
  connect(launch = 0): MemoryLink {
    const [near, far] = MemoryLink.pair();
    this.main = new Channel(
      far,
      {
        max_frame_bytes: 2 ** 30,
        on_frame: (bytes, start, end, attachments) => {
          this.orders.push(...read_orders(bytes, start, end, attachments));
        },
        is_resumable: true,
      },
      NOTHING,
    );
    this.session.accept(near, { slave_id: 5, launch, role: 'main', is_resuming: false }, NOTHING);
    return far;
  }

  /** The slave dials again. Its end of the new link. */
  reconnect(launch = 0): MemoryLink {
    const [near, far] = MemoryLink.pair();
    this.main?.resume(far, NOTHING);
    this.session.accept(near, { slave_id: 5, launch, role: 'main', is_resuming: true }, NOTHING);
    return far;
  }

  connect_pulse(launch = 0): MemoryLink {
    const [near, far] = MemoryLink.pair();
    this.pulse = new Channel(
      far,
      {
        max_frame_bytes: 2 ** 20,
        on_frame: (bytes, start, end) => {
          this.pulse_orders.push(...read_pulse_messages(bytes, start, end));
        },
        is_resumable: false,
      },
      NOTHING,
    );
    this.session.accept(near, { slave_id: 5, launch, role: 'pulse', is_resuming: false }, NOTHING);
    return far;
  }

  reconnect_pulse(launch = 0): MemoryLink {
    const [near, far] = MemoryLink.pair();
    this.pulse?.resume(far, NOTHING);
    this.session.accept(near, { slave_id: 5, launch, role: 'pulse', is_resuming: true }, NOTHING);
    return far;
  }

  /** The slave says something over its main link: what `write` writes. */
  say(write: (writer: Channel['writer']) => void): void {
    const main = this.main as Channel;
    write(main.writer);
    main.flush();
  }

  say_pulse(message: PulseMessage): void {
    const pulse = this.pulse as Channel;
    write_pulse_message(pulse.writer, message);
    pulse.flush();
  }

  /** A slave that is ready; it has no pulse. */
  async make_ready(launch = 0): Promise<MemoryLink> {
    this.launch();
    const far = this.connect(launch);
    this.say((writer) => report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22' }));
    await wait_until(() => this.session.communicator !== undefined, 'a ready session');
    return far;
  }

  /** Waits until the session tells of it. */
  async wait_told(name: string): Promise<unknown[]> {
    await wait_until(() => this.names.includes(name), name);
    return this.told.find(([told]) => told === name)?.slice(1) ?? [];
  }

  async wait_order(kind: ToSlave['kind']): Promise<ToSlave> {
    await wait_until(() => this.orders.some((order) => order.kind === kind), kind);
    return this.orders.find((order) => order.kind === kind) as ToSlave;
  }
}
