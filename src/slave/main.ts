/**
 * A slave, from its command line to its end:
 *
 *     dial the master ─▶ prove the secret ─▶ welcome ─▶ start the pulse ─▶ run what comes ─▶ stop
 *
 * The secret comes by environment, never on the command line. When the master is gone, so is the slave.
 */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Log, type LogLevel } from '../base/log.js';
import { EXIT_BAD_SECRET, EXIT_CANNOT_REACH, EXIT_VERSION_DIFFERS } from '../launch/exit_code.js';
import { Channel } from '../net/channel.js';
import { type Address, DialError, dial } from '../net/dial.js';
import { read_orders, report, type Welcome } from '../wire/messages.js';
import { Claims } from './claims.js';
import { end_process } from './end.js';
import { Loader } from './loader.js';
import type { PulseData } from './pulse.js';
import { Runner } from './runner.js';

/** How often a busy slave is asked whether it has a quiet moment for its log, ms. */
const LOG_WHEN_IDLE_EVERY = 1000;
/** How often the main thread counts a turn of its event loop, ms. */
const COUNT_TURNS_EVERY = 500;
/** Before the welcome nothing large is due. */
const FIRST_FRAME_BYTES = 2 ** 32;

interface Arguments {
  name: string;
  slave_id: number;
  launch: number;
  addresses: Address[];
  owns_group: boolean;
  secret: Buffer;
}

function read_arguments(): Arguments {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      id: { type: 'string' },
      launch: { type: 'string' },
      connect: { type: 'string' },
      'own-group': { type: 'boolean' },
    },
  });
  const secret = process.env['PARJOB_SECRET'];
  // neither the tasks nor the programs that they start have any business with these
  delete process.env['PARJOB_SECRET'];
  if (values.connect === undefined || values.id === undefined || secret === undefined) {
    console.error(
      'This is a slave of a parjob job: a Job starts it, with --connect, --id and the secret in its environment.',
    );
    process.exit(2);
  }
  return {
    name: values.name ?? 'slave',
    slave_id: Number(values.id),
    launch: Number(values.launch ?? 0),
    addresses: values.connect.split(',').map(read_address),
    owns_group: values['own-group'] === true,
    secret: Buffer.from(secret, 'hex'),
  };
}

function read_address(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}

function exit_code_of(error: unknown): number {
  const refusal = error instanceof DialError ? error.refusal : undefined;
  if (refusal === 'bad_secret') return EXIT_BAD_SECRET;
  return refusal === 'version_differs' ? EXIT_VERSION_DIFFERS : EXIT_CANNOT_REACH;
}

async function serve(args: Arguments): Promise<void> {
  const identity = { slave_id: args.slave_id, launch: args.launch, role: 'main' as const };
  const { link, rest } = await dial(args.addresses, args.secret, identity).catch((error: Error) => {
    console.error(error.message);
    process.exit(exit_code_of(error));
  });
  let log = new Log({ fd: 1, level: 'info' });
  let runner: Runner | undefined;
  let is_stopping = false;
  const welcome = (config: Welcome): Runner => {
    log = new Log({
      fd: 1,
      level: config.log_level as LogLevel,
      deferred: true,
      bindings: { slave: config.name, pid: process.pid },
    });
    log.info({ master: link.peer, node: process.version, cwd: process.cwd() }, 'connected to the master');
    // to load the logger takes the time of many tasks: it waits for a quiet moment, or for something that must be said
    const opening = setInterval(() => {
      if (runner?.is_idle !== true) return;
      clearInterval(opening);
      log.flush();
    }, LOG_WHEN_IDLE_EVERY).unref();
    const claims = new Claims();
    start_pulse(args, config, claims, log);
    const { name, max_frame_bytes } = config;
    return new Runner({ channel, claims, loader: new Loader(), name, max_frame_bytes, cwd: process.cwd() });
  };
  const channel = new Channel(
    link,
    FIRST_FRAME_BYTES,
    (bytes, start, end, attachments) => {
      const orders = read_orders(bytes, start, end, attachments);
      for (const order of orders) {
        if (order.kind === 'welcome') {
          runner = welcome(order.welcome);
        } else if (order.kind === 'stop') {
          is_stopping = true;
          process.exit(0);
        }
      }
      runner?.on_orders(orders);
    },
    rest,
  );
  link.on_close = (error) => {
    log.info({ reason: error?.message }, 'the master is gone, so this slave ends');
    log.flush();
    is_stopping = true;
    end_process(args.owns_group);
  };
  process.on('unhandledRejection', (error) => {
    log.error({ err: error }, 'a promise was rejected and nobody handled it');
    log.flush();
    runner?.report_stray_error(error);
  });
  process.on('uncaughtException', (error) => {
    console.error(error);
    runner?.report_stray_error(error);
    runner?.fail_running_task(error);
    process.exit(1);
  });
  process.on('exit', (exit_code) => {
    if (is_stopping) return;
    report.exiting(channel.writer, exit_code, runner?.running_task_id);
    channel.flush();
  });
  // Ctrl-C in a terminal is meant for the master
  process.on('SIGINT', () => {});
  report.ready(channel.writer, { pid: process.pid, hostname: hostname(), node_version: process.version });
  channel.flush();
}

function start_pulse(args: Arguments, config: Welcome, claims: Claims, log: Log): void {
  const turns = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const count = new Int32Array(turns);
  setInterval(() => Atomics.add(count, 0, 1), COUNT_TURNS_EVERY).unref();
  const data: PulseData = {
    addresses: args.addresses,
    secret: args.secret,
    slave_id: args.slave_id,
    launch: args.launch,
    max_frame_bytes: config.max_frame_bytes,
    heartbeat_interval: config.heartbeat_interval,
    claims: claims.buffer,
    turns,
    owns_group: args.owns_group,
  };
  // loaders and flags of the master are for tasks; the pulse needs none
  const worker = new Worker(new URL('./pulse.js', import.meta.url), {
    workerData: data,
    execArgv: [],
    name: 'pulse',
  });
  worker.unref();
  worker.on('error', (error) => {
    log.error({ err: error }, 'the pulse thread failed');
    log.flush();
    end_process(args.owns_group);
  });
}

/** A Job made while this process is a slave is refused: see Job. */
(globalThis as Record<symbol, unknown>)[Symbol.for('parjob.is_slave')] = true;

const args = read_arguments();
await serve(args);
