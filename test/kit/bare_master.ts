/** A master of which the test says every word: its ends of the two connections of a slave, over loopback. */
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/net/address.js';
import { Channel } from '../../src/net/channel.js';
import type { Link } from '../../src/net/link.js';
import { Listener } from '../../src/net/listener.js';
import { type Identity, type LinkRole, SECRET_BYTES } from '../../src/wire/hello.js';
import { order, read_reports, type ToMaster, type Welcome } from '../../src/wire/messages.js';
import {
  MAX_PULSE_FRAME_BYTES,
  type PulseMessage,
  read_pulse_messages,
  write_pulse_message,
} from '../../src/wire/pulse_messages.js';
import { encode_value } from '../../src/wire/value.js';
import { wait_until } from './wait_until.js';

const HOST = '127.0.0.1';
const MAX_FRAME_BYTES = 2 ** 20;
/** Real slaves start slowly on a machine that has other things to do. */
const LONGEST_WAIT = 15_000;

type Report<K extends ToMaster['kind']> = Extract<ToMaster, { kind: K }>;
type PulseReport<K extends PulseMessage['kind']> = Extract<PulseMessage, { kind: K }>;

export class BareMaster {
  readonly secret: Buffer;
  /** Who has connected, in that order. */
  readonly identities: Identity[] = [];
  /** What came, over both connections. */
  readonly reports: ToMaster[] = [];
  readonly pulse_reports: PulseMessage[] = [];
  /** Otherwise only the test does. */
  answers_heartbeats = false;
  main: Channel | undefined;
  pulse: Channel | undefined;
  readonly #listener: Listener;
  #port = 0;
  readonly #fn_ids = new Map<string, number>();
  #next_task_id = 100;

  /** `predecessor` is the dead master whose secret this one has, and whose slaves it does not know. */
  constructor(predecessor?: BareMaster) {
    this.secret = predecessor?.secret ?? randomBytes(SECRET_BYTES);
    this.#port = predecessor?.address.port ?? 0;
    this.#listener = new Listener(this.secret, {
      knows: ({ role }) => this[role] !== undefined,
      on_accept: (identity, link, rest) => this.accept(identity, link, rest),
      on_refuse: () => {},
    });
    onTestFinished(() => this.die());
  }

  async listen(): Promise<void> {
    this.#port = await this.#listener.listen(HOST, this.#port, this.#port);
  }

  get address(): Address {
    return { host: HOST, port: this.#port };
  }

  accept(identity: Identity, link: Link, rest: Buffer): void {
    this.identities.push(identity);
    const { role } = identity;
    const known = this[role];
    if (known === undefined) this[role] = role === 'main' ? this.#main(link, rest) : this.#pulse(link, rest);
    else known.resume(link, rest);
  }

  #main(link: Link, rest: Buffer): Channel {
    const options = {
      max_frame_bytes: MAX_FRAME_BYTES,
      is_resumable: true,
      on_frame: (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => {
        this.reports.push(...read_reports(bytes, start, end, attachments));
      },
    };
    return new Channel(link, options, rest);
  }

  #pulse(link: Link, rest: Buffer): Channel {
    const options = {
      max_frame_bytes: MAX_PULSE_FRAME_BYTES,
      is_resumable: false,
      on_frame: (bytes: Buffer, start: number, end: number) => {
        const messages = read_pulse_messages(bytes, start, end);
        this.pulse_reports.push(...messages);
        const is_beat = messages.some(({ kind }) => kind === 'heartbeat');
        if (is_beat && this.answers_heartbeats) this.say_pulse({ kind: 'alive' });
      },
    };
    return new Channel(link, options, rest);
  }

  /** It says something to the slave: what `write` writes. */
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

  /** By default no heartbeat but the first is sent. */
  welcome(welcome: Partial<Welcome> = {}): void {
    const usual: Welcome = {
      name: 'unit.slave3',
      slave_id: 5,
      launch: 0,
      max_frame_bytes: MAX_FRAME_BYTES,
      heartbeat_interval: 600_000,
      log_level: 'silent',
      cancel_grace: 5000,
      kill_slave_memory: Infinity,
      reconnect_timeout: 30_000,
      lease: 0,
    };
    this.say((writer) => order.welcome(writer, { ...usual, ...welcome }));
  }

  /** Sends a task: an export of a module. Returns its number. */
  run(module: URL, export_name: string, args: unknown[] = [], timeout = 0): number {
    const task_id = this.#next_task_id++;
    this.say((writer) => {
      const name = `${module} ${export_name}`;
      let fn_id = this.#fn_ids.get(name);
      if (fn_id === undefined) {
        fn_id = this.#fn_ids.size;
        this.#fn_ids.set(name, fn_id);
        order.define_task(writer, fn_id, module.href, export_name);
      }
      order.run_task(writer, task_id, 1, fn_id, task_id - 100, timeout, encode_value(args, 'args'));
    });
    return task_id;
  }

  /** Resolves when the slave has made that connection. */
  async connected(role: LinkRole): Promise<void> {
    await wait_until(() => this[role] !== undefined, `the ${role} connection`, LONGEST_WAIT);
  }

  /** The first report of that kind, when it has come. */
  async heard<K extends ToMaster['kind']>(kind: K): Promise<Report<K>> {
    const found = () => this.reports.find((report): report is Report<K> => report.kind === kind);
    await wait_until(() => found() !== undefined, kind, LONGEST_WAIT);
    return found() as Report<K>;
  }

  async pulse_heard<K extends PulseMessage['kind']>(kind: K): Promise<PulseReport<K>> {
    const found = () => this.pulse_reports.find((report): report is PulseReport<K> => report.kind === kind);
    await wait_until(() => found() !== undefined, kind, LONGEST_WAIT);
    return found() as PulseReport<K>;
  }

  /** What came of tasks, when `count` have ended: number, and what it is. */
  async ended(count: number): Promise<[task_id: number, value: unknown][]> {
    const ends = () =>
      this.reports.filter(({ kind }) => kind === 'task_done' || kind === 'task_failed') as Report<
        'task_done' | 'task_failed'
      >[];
    await wait_until(() => ends().length >= count, `the end of ${count} tasks`, LONGEST_WAIT);
    return ends().map(({ task_id, value }) => [task_id, value]);
  }

  /** The connections break; the master is well. */
  cut(): void {
    this.main?.link.destroy();
    this.pulse?.link.destroy();
  }

  /** Nobody listens there any more; the connections stay. */
  stop_listening(): void {
    this.#listener.close();
  }

  die(): void {
    this.stop_listening();
    this.cut();
  }
}
