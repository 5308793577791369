/**
 * The process of a slave, from its handshake to its end:
 *
 *     prove the secret ─▶ ready ─▶ welcome ─▶ start the pulse ─▶ run what comes ─▶ stop
 *
 * A connection that breaks is made anew. When the master is dead, so is the slave, unless it holds a lease:
 * then it ends the task that runs, and gives what it has to the next master, if one comes in time.
 */
import { hostname } from 'node:os';
import { Log, type LogLevel } from '../base/log.js';
import { ProtocolError } from '../errors.js';
import type { Address } from '../net/address.js';
import { Channel } from '../net/channel.js';
import type { Dialled } from '../net/dial.js';
import { check_fits_frame } from '../wire/frame.js';
import type { Identity } from '../wire/hello.js';
import { read_orders, report, type Welcome } from '../wire/messages.js';
import { type EncodedValue, encode_value, encoded_bytes } from '../wire/value.js';
import { Claims } from './claims.js';
import { Gauge } from './gauge.js';
import { Loader } from './loader.js';
import type { OwnProcess, PulseThread } from './own_process.js';
import type { PulseData } from './pulse_data.js';
import { LONGER_THAN_MASTER, Redialler } from './redial.js';
import { type LeftOver, Runner } from './runner.js';
import { Watch } from './watch.js';

/** How often a busy slave is asked whether it has a quiet moment for its log, ms. */
const LOG_WHEN_IDLE_EVERY = 1000;
/** How long it tries to come back to a master that has not said how long it may, ms. */
const PATIENCE_BEFORE_WELCOME = 10_000;
/** Before the welcome nothing large is due. */
const FIRST_FRAME_BYTES = 2 ** 32;

export interface SlaveArguments {
  name: string;
  slave_id: number;
  launch: number;
  addresses: Address[];
  /** Its process group is its own, and ends with it. */
  owns_group: boolean;
  /** The order to end may come by stdin. */
  reads_stdin: boolean;
  /** A batch system tells it by a signal that it must end. */
  is_batch: boolean;
  /** When that will be, ms since 1970, if it is known. */
  ends_at: number | undefined;
  secret: Buffer;
}

/** How batch systems tell a process that it must end: all; Grid Engine with -notify, and LSF; PBS. */
const EVICTION_SIGNALS = ['SIGTERM', 'SIGUSR2', 'SIGXCPU'] as const;
/** What a shell says of a process that SIGTERM ended. */
const EXIT_TERMINATED = 143;

export class SlaveProcess {
  readonly #args: SlaveArguments;
  readonly #process: OwnProcess;
  #identity: Identity;
  readonly #claims = new Claims();
  readonly #watch = new Watch();
  #log = new Log({ fd: 1, level: 'info' });
  #channel: Channel;
  #runner: Runner | undefined;
  #pulse: PulseThread | undefined;
  #redialler: Redialler;
  /** Where the master was reached. */
  #home: Address;
  /** The most that the master takes in one frame. */
  #max_frame_bytes = FIRST_FRAME_BYTES;
  #is_stopping = false;

  constructor(args: SlaveArguments, identity: Identity, dialled: Dialled, own_process: OwnProcess) {
    this.#args = args;
    this.#process = own_process;
    this.#identity = identity;
    this.#home = dialled.address;
    this.#redialler = this.#new_redialler(PATIENCE_BEFORE_WELCOME, 0);
    this.#channel = this.#open(dialled);
    this.#introduce([]);
    this.#watch_process();
  }

  // ---- the connection

  #open({ link, rest }: Dialled): Channel {
    const options = {
      max_frame_bytes: FIRST_FRAME_BYTES,
      is_resumable: true,
      on_frame: (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) =>
        this.#on_frame(bytes, start, end, attachments),
    };
    const channel = new Channel(link, options, rest);
    channel.on_close = (error) => void this.#reconnect(error);
    channel.on_resume = () => this.#redialler.reset();
    return channel;
  }

  /** The first words to a master, after what an earlier one has not taken. */
  #introduce(left_over: readonly LeftOver[]): void {
    for (const each of left_over) this.#report_left_over(each);
    const { ends_at } = this.#args;
    const time_left = ends_at === undefined ? undefined : Math.max(0, ends_at - Date.now());
    report.ready(this.#channel.writer, {
      pid: process.pid,
      hostname: hostname(),
      node_version: process.version,
      time_left,
    });
    this.#channel.flush();
  }

  /** As the runner told it to the master that is dead: a result that cannot be sent is a failure. */
  #report_left_over({ index, attempt, run_us, outcome, value }: LeftOver): void {
    let told = outcome;
    let encoded: EncodedValue;
    try {
      encoded = encode_value(value, 'result', outcome !== 'done');
      check_fits_frame(encoded_bytes(encoded), this.#max_frame_bytes, 'the result takes');
    } catch (error) {
      told = 'failed';
      encoded = encode_value(error, 'error', true);
    }
    // all of them may be too much for one frame
    this.#channel.make_room(encoded_bytes(encoded));
    report.left_over(this.#channel.writer, index, attempt, run_us, told, encoded);
  }

  #on_frame(bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]): void {
    const orders = read_orders(bytes, start, end, attachments);
    for (const order of orders) {
      if (order.kind === 'welcome') {
        this.#welcome(order.welcome);
      } else if (order.kind === 'stop') {
        this.#is_stopping = true;
        return this.#process.exit(0);
      }
    }
    this.#runner?.on_orders(orders);
  }

  async #reconnect(error: Error | undefined): Promise<void> {
    if (this.#is_stopping) return;
    if (error instanceof ProtocolError) return this.#end(error);
    this.#log.info({ reason: error?.message }, 'the connection to the master broke');
    try {
      const dialled = await this.#redialler.reach();
      this.#home = dialled.address;
      if (dialled.is_unknown) this.#begin_anew(dialled);
      else this.#channel.resume(dialled.link, dialled.rest);
      this.#log.info({ master: dialled.link.peer }, 'connected to the master again');
    } catch (reason) {
      this.#end(reason as Error);
    }
  }

  /** Another master has taken the place of one that is dead. */
  #begin_anew(dialled: Dialled): void {
    const left_over = this.#runner?.left_over ?? [];
    this.#runner = undefined;
    this.#claims.reset();
    this.#channel = this.#open(dialled);
    this.#introduce(left_over);
  }

  #new_redialler(timeout: number, lease: number): Redialler {
    const { addresses, secret } = this.#args;
    const patience = {
      timeout,
      lease,
      is_busy: () => this.#runner?.is_idle === false,
      on_dead: () => this.#runner?.detach(),
    };
    return new Redialler(addresses, secret, this.#identity, patience, this.#home);
  }

  #end(error: Error | undefined): void {
    this.#is_stopping = true;
    this.#log.info({ reason: error?.message }, 'the master is gone, so this slave ends');
    this.#log.flush();
    this.#process.end();
  }

  // ---- what comes with the welcome

  #welcome(config: Welcome): void {
    const { name, max_frame_bytes, cancel_grace, lease, slave_id, launch } = config;
    this.#identity = { ...this.#identity, slave_id, launch };
    this.#max_frame_bytes = max_frame_bytes;
    if (this.#pulse === undefined) {
      this.#log = this.#open_log(config);
      this.#pulse = this.#start_pulse(config);
    }
    this.#redialler = this.#new_redialler(config.reconnect_timeout + LONGER_THAN_MASTER, lease);
    this.#runner = new Runner({
      channel: this.#channel,
      claims: this.#claims,
      watch: this.#watch,
      loader: new Loader(),
      name,
      max_frame_bytes,
      cancel_grace,
      keeps_outcomes: lease > 0,
      on_first_timeout: () => this.#pulse?.watch_time(),
      cwd: process.cwd(),
    });
  }

  #open_log(config: Welcome): Log {
    const level = config.log_level as LogLevel;
    const bindings = { slave: config.name, pid: process.pid };
    const log = new Log({ fd: 1, level, deferred: true, bindings });
    const master = this.#channel.link.peer;
    log.info({ master, node: process.version, cwd: process.cwd() }, 'connected to the master');
    // to load the logger takes the time of many tasks: it waits for a quiet moment, or for something that must be said
    const opening = setInterval(() => {
      if (this.#runner?.is_idle !== true) return;
      clearInterval(opening);
      log.flush();
    }, LOG_WHEN_IDLE_EVERY).unref();
    return log;
  }

  #start_pulse(config: Welcome): PulseThread {
    const gauge = new Gauge();
    gauge.count_turns();
    const { addresses, secret, owns_group, reads_stdin } = this.#args;
    const { slave_id, launch } = this.#identity;
    const data: PulseData = {
      addresses,
      secret,
      slave_id,
      launch,
      heartbeat_interval: config.heartbeat_interval,
      kill_slave_memory: config.kill_slave_memory,
      reconnect_timeout: config.reconnect_timeout,
      lease: config.lease,
      claims: this.#claims.buffer,
      watch: this.#watch.buffer,
      turns: gauge.buffer,
      owns_group,
      reads_stdin,
    };
    return this.#process.start_pulse(data, {
      on_break_link: () => {
        if (this.#channel.is_suspended) return;
        this.#channel.suspend();
        void this.#reconnect(new Error('the master is silent'));
      },
      on_error: (error) => {
        this.#log.error({ err: error }, 'the pulse thread failed');
        this.#log.flush();
        this.#process.end();
      },
    });
  }

  // ---- the process

  #watch_process(): void {
    const { events } = this.#process;
    events.on('unhandledRejection', (error: unknown) => {
      this.#log.error({ err: error }, 'a promise was rejected and nobody handled it');
      this.#log.flush();
      this.#runner?.report_stray_error(error);
    });
    events.on('uncaughtException', (error: unknown) => {
      console.error(error);
      this.#runner?.report_stray_error(error);
      this.#runner?.fail_running_task(error);
      this.#process.exit(1);
    });
    events.on('exit', (exit_code: number) => {
      if (!this.#is_stopping) {
        report.exiting(this.#channel.writer, exit_code, this.#runner?.begun_task_id);
        this.#channel.flush();
      }
      // its master may be gone in the same moment
      this.#process.end_children();
    });
    // Ctrl-C in a terminal is meant for the master
    events.on('SIGINT', () => {});
    if (!this.#args.is_batch) return;
    // Grid Engine's warning before it suspends a job; node would start its debugger
    events.on('SIGUSR1', () => {});
    for (const signal of EVICTION_SIGNALS) events.on(signal, () => this.#leave(signal));
  }

  /** Its batch system wants it gone: the task that runs is not to blame. */
  #leave(signal: string): void {
    if (this.#is_stopping) return;
    this.#is_stopping = true;
    this.#log.info({ signal }, 'the batch system ends this slave');
    this.#log.flush();
    report.exiting(this.#channel.writer, EXIT_TERMINATED, this.#runner?.begun_task_id, true);
    this.#channel.flush();
    this.#process.exit(EXIT_TERMINATED);
  }
}
