/** Message shapes: whether a message that was read is one, field by field, as the types of messages.ts promise. */
import type { ToMaster, ToSlave } from '../../src/wire/messages.js';
import type { PulseMessage } from '../../src/wire/pulse_messages.js';
import { insist } from './target.js';

type Check = (value: unknown) => boolean;

const uint: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const list: Check = Array.isArray;
const texts: Check = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every(text);
const anything: Check = () => true;
const number: Check = (value) => typeof value === 'number';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const map =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    return Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));
  };

type Shape<M extends { kind: string }> = {
  readonly [K in M['kind']]: { readonly [F in Exclude<keyof Extract<M, { kind: K }>, 'kind'>]: Check };
};

export const ORDERS: Shape<ToSlave> = {
  welcome: {
    welcome: map({
      name: text,
      max_frame_bytes: uint,
      heartbeat_interval: number,
      log_level: text,
      cancel_grace: number,
      kill_slave_memory: number,
      reconnect_timeout: number,
      lease: number,
    }),
  },
  last_checkpoint: { task_id: uint, value: anything },
  trace_context: { task_id: uint, carrier: texts },
  define_task: { fn_id: uint, module: text, export_name: text },
  run_task: { task_id: uint, attempt: uint, fn_id: uint, index: maybe(uint), timeout: number, args: list },
  run_cmd: { cmd_id: uint, is_function: flag, code: text, args: list },
  data: { bytes: uint, value: anything },
  data_taken: { bytes: uint },
  abort_task: { task_id: uint },
  stop: {},
};

export const REPORTS: Shape<ToMaster> = {
  ready: { facts: map({ pid: uint, hostname: text, node_version: text }) },
  task_done: { task_id: uint, attempt: uint, run_us: uint, value: anything, has_timed_out: flag },
  task_failed: { task_id: uint, attempt: uint, run_us: uint, value: anything, has_timed_out: flag },
  cmd_done: { cmd_id: uint },
  cmd_failed: { cmd_id: uint, error: anything },
  data: { bytes: uint, value: anything },
  data_taken: { bytes: uint },
  progress: {
    task_id: uint,
    attempt: uint,
    progress: map({ done: number, total: maybe(number), note: maybe(text) }),
  },
  checkpoint: { task_id: uint, attempt: uint, bytes: uint, value: anything },
  left_over: {
    index: uint,
    attempt: uint,
    run_us: uint,
    is_done: flag,
    value: anything,
    has_timed_out: flag,
  },
  stray_error: { error: anything },
  exiting: { exit_code: uint, task_id: maybe(uint), is_evicted: flag },
};

export const PULSE_MESSAGES: Shape<PulseMessage> = {
  take_back: { from: uint, to: uint },
  stop: {},
  kill: { seq: uint },
  alive: {},
  heartbeat: { vitals: map({ rss: uint, peak: uint, cpu: uint, stalled: uint }) },
  round_trip: { ms: uint },
  taken_back: { from: uint, to: uint },
  killed: { seq: maybe(uint), why: text },
};

type AnyShape = Readonly<Record<string, Readonly<Record<string, Check>>>>;

/** @throws BrokenPromiseError for the first message that is none of `shapes` */
export function check_shapes(messages: readonly unknown[], shapes: AnyShape): void {
  for (const message of messages as readonly { kind: string; [field: string]: unknown }[]) {
    insist(Object.hasOwn(shapes, message.kind), `a message has the kind ${message.kind}`);
    for (const [field, check] of Object.entries(shapes[message.kind] as Record<string, Check>)) {
      insist(check(message[field]), `a ${message.kind} message was read whose ${field} is not of its type`);
    }
  }
}
