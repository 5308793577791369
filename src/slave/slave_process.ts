/**
 * The process of a slave, from its handshake to its end:
 *
 *     prove the secret ─▶ ready ─▶ welcome ─▶ start the pulse ─▶ run what comes ─▶ stop
 *
 * A connection that breaks is made anew. When the master is dead, so is the slave, unless it holds a lease:
 * then it ends the task that runs, and gives what it has to the next master, if one comes in time.
 */
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Log, type LogLevel } from '../base/log.js';
import { ProtocolError } from '../errors.js';
import type { Address } from '../net/address.js';
import { Channel } from '../net/channel.js';
import type { Dialled } from '../net/dial.js';
import type { Identity } from '../wire/hello.js';
import { read_orders, report, type Welcome } from '../wire/messages.js';
import { encode_value } from '../wire/value.js';
import { Claims } from './claims.js';
import { end_process } from './end.js';
import { Loader } from './loader.js';
import { BREAK_LINK, type PulseData, WATCH_TIME } from './pulse_data.js';
import { LONGER_THAN_MASTER, Redialler } from './redial.js';
import { type LeftOver, Runner } from './runner.js';
import { Watch } from './watch.js';

/** How often a busy slave is asked whether it has a quiet moment for its log, ms. */
const LOG_WHEN_IDLE_EVERY = 1000;
/** How often the main thread counts a turn of its event loop, ms. */
const COUNT_TURNS_EVERY = 500;
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
  #identity: Identity;
  readonly #claims = new Claims();
  readonly #watch = new Watch();
  #log = new Log({ fd: 1, level: 'info' });
  #channel: Channel;
  #runner: Runner | undefined;
  #pulse: Worker | undefined;
  #redialler: Redialler;
  /** Where the master was reached. */
  #home: Address;
  #is_stopping = false;

  constructor(args: SlaveArguments, identity: Identity, dialled: Dialled) {
    this.#args = args;
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
    const { writer } = this.#channel;
    for (const { index, attempt, run_us, outcome, value } of left_over) {
      const encoded = encode_value(value, 'result', outcome !== 'done');
      report.left_over(writer, index, attempt, run_us, outcome, encoded);
    }
    const { ends_at } = this.#args;
    const time_left = ends_at === undefined ? undefined : Math.max(0, ends_at - Date.now());
    report.ready(writer, {
      pid: process.pid,
      hostname: hostname(),
      node_version: process.version,
      time_left,
    });
    this.#channel.flush();
  }

  #on_frame(bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]): void {
    const orders = read_orders(bytes, start, end, attachments);
    for (const order of orders) {
      if (order.kind === 'welcome') {
        this.#welcome(order.welcome);
      } else if (order.kind === 'stop') {
        this.#is_stopping = true;
        process.exit(0);
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
    end_process(this.#args.owns_group);
  }

  // ---- what comes with the welcome

  #welcome(config: Welcome): void {
    const { name, max_frame_bytes, cancel_grace, lease, slave_id, launch } = config;
    this.#identity = { ...this.#identity, slave_id, launch };
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
      on_first_timeout: () => this.#pulse?.postMessage(WATCH_TIME),
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

  #start_pulse(config: Welcome): Worker {
    const turns = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const count = new Int32Array(turns);
    setInterval(() => Atomics.add(count, 0, 1), COUNT_TURNS_EVERY).unref();
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
      turns,
      owns_group,
      reads_stdin,
    };
    // loaders and flags of the master are for tasks; the pulse needs none
    const script = new URL('./pulse.js', import.meta.url);
    const worker = new Worker(script, { workerData: data, execArgv: [], name: 'pulse' });
    worker.unref();
    worker.on('error', (error) => {
      this.#log.error({ err: error }, 'the pulse thread failed');
      this.#log.flush();
      end_process(owns_group);
    });
    worker.on('message', (message) => {
      if (message !== BREAK_LINK || this.#channel.is_suspended) return;
      this.#channel.suspend();
      void this.#reconnect(new Error('the master is silent'));
    });
    return worker;
  }

  // ---- the process

  #watch_process(): void {
    // a log that cannot be written, on a full disk, costs what tasks print, and nothing else
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    process.on('unhandledRejection', (error) => {
      this.#log.error({ err: error }, 'a promise was rejected and nobody handled it');
      this.#log.flush();
      this.#runner?.report_stray_error(error);
    });
    process.on('uncaughtException', (error) => {
      console.error(error);
      this.#runner?.report_stray_error(error);
      this.#runner?.fail_running_task(error);
      process.exit(1);
    });
    process.on('exit', (exit_code) => {
      if (this.#is_stopping) return;
      report.exiting(this.#channel.writer, exit_code, this.#runner?.running_task_id);
      this.#channel.flush();
    });
    // Ctrl-C in a terminal is meant for the master
    process.on('SIGINT', () => {});
    if (!this.#args.is_batch) return;
    // Grid Engine's warning before it suspends a job; node would start its debugger
    process.on('SIGUSR1', () => {});
    for (const signal of EVICTION_SIGNALS) process.on(signal, () => this.#leave(signal));
  }

  /** Its batch system wants it gone: the task that runs is not to blame. */
  #leave(signal: string): void {
    if (this.#is_stopping) return;
    this.#is_stopping = true;
    this.#log.info({ signal }, 'the batch system ends this slave');
    this.#log.flush();
    report.exiting(this.#channel.writer, EXIT_TERMINATED, this.#runner?.running_task_id, true);
    this.#channel.flush();
    process.exit(EXIT_TERMINATED);
  }
}
