/**
 * Messages: what master and slave say to each other, one union a direction.
 *
 * Orders to the slave are verbs (run_task), reports to the master are past (task_done). On the wire a
 * message is `[kind, ...fields]` with the numbers below; PROTOCOL.md describes every field. What the
 * pulse says is in pulse_messages.ts.
 *
 * Here only the form of a message is checked. Whether it makes sense now is for its reader to say.
 */
import { ProtocolError, UsageError } from '../errors.js';
import type { Progress } from '../task.js';
import type { BatchWriter } from './batch.js';
import { text_of } from './graph.js';
import { AttachmentCursor } from './restore.js';
import { decode_value, type EncodedValue, encode_value, encoded_bytes, PLAIN, unpack } from './value.js';

const WELCOME = 0;
const DEFINE_TASK = 1;
const RUN_TASK = 2;
const RUN_CMD = 3;
const DATA = 4;
const ABORT_TASK = 6;
const STOP = 7;
const DATA_TAKEN = 8;
const LAST_CHECKPOINT = 9;
const TRACE_CONTEXT = 10;

const READY = 32;
const TASK_DONE = 33;
const TASK_FAILED = 34;
const CMD_DONE = 35;
const CMD_FAILED = 36;
const DATA_SENT = 37;
const PROGRESS = 38;
const STRAY_ERROR = 39;
const TASK_TIMED_OUT = 40;
const CHECKPOINT = 41;
const EXITING = 42;
const SENT_DATA_TAKEN = 43;
const LEFT_OVER = 44;

/** What a slave is told about its job when it is accepted. */
export interface Welcome {
  /** `<jobname>.slaveN`. */
  name: string;
  /** Who it is from now on, if it came by itself and did not know. */
  slave_id: number;
  launch: number;
  max_frame_bytes: number;
  /** How often the pulse says that the process lives, in ms. */
  heartbeat_interval: number;
  log_level: string;
  /** Time that a task has to end after it was told to, in ms. */
  cancel_grace: number;
  /** Resident memory above which the pulse ends the process, in bytes. */
  kill_slave_memory: number;
  /** How long a slave tries to reach a master that it has lost, in ms. */
  reconnect_timeout: number;
  /** How long a slave whose master is dead keeps what it has, in ms. */
  lease: number;
}

/** What a slave says about itself when it has been accepted. */
export interface SlaveFacts {
  pid: number;
  hostname: string;
  node_version: string;
  /** Until its batch system ends it, in ms, if that is known. */
  time_left?: number | undefined;
}

export interface RunTask {
  kind: 'run_task';
  task_id: number;
  attempt: number;
  fn_id: number;
  /** Place in the order of queue_task; undefined for run_task. */
  index: number | undefined;
  /** Longest time that it may run, in ms; 0 for any time. */
  timeout: number;
  args: unknown[];
}

export interface RunCmd {
  kind: 'run_cmd';
  cmd_id: number;
  /** The code is the text of a function, to be called with `master` and `args`. */
  is_function: boolean;
  code: string;
  args: unknown[];
}

/** A message of the user's. `bytes` is what it counts for in the sender's window. */
export interface Data {
  kind: 'data';
  bytes: number;
  value: unknown;
}

/** The user has taken data of so many bytes: the sender's window opens again by them. */
export interface DataTaken {
  kind: 'data_taken';
  bytes: number;
}

/** Orders, from the master. */
export type ToSlave =
  | { kind: 'welcome'; welcome: Welcome }
  /** What an earlier attempt of the task has kept. Comes before its run_task. */
  | { kind: 'last_checkpoint'; task_id: number; value: unknown }
  /** The trace that the task belongs to. Comes before its run_task. */
  | { kind: 'trace_context'; task_id: number; carrier: Readonly<Record<string, string>> }
  | { kind: 'define_task'; fn_id: number; module: string; export_name: string }
  | RunTask
  | RunCmd
  | Data
  | DataTaken
  | { kind: 'abort_task'; task_id: number }
  | { kind: 'stop' };

export interface TaskReport {
  kind: 'task_done' | 'task_failed';
  task_id: number;
  attempt: number;
  /** Time that the task ran, in microseconds. */
  run_us: number;
  /** What the task returned or threw. */
  value: unknown;
  /** It failed because it took too long: `value` means nothing then. */
  has_timed_out: boolean;
}

/** Reports, from a slave. */
export type ToMaster =
  | { kind: 'ready'; facts: SlaveFacts }
  | TaskReport
  | { kind: 'cmd_done'; cmd_id: number }
  | { kind: 'cmd_failed'; cmd_id: number; error: unknown }
  | Data
  | DataTaken
  | { kind: 'progress'; task_id: number; attempt: number; progress: Progress }
  /** What the task has come to, for its next attempt if this one does not end. */
  | { kind: 'checkpoint'; task_id: number; attempt: number; bytes: number; value: unknown }
  /** What a task came to that an earlier master, which is dead, had sent. `index` is its place in that run. */
  | {
      kind: 'left_over';
      index: number;
      attempt: number;
      run_us: number;
      is_done: boolean;
      value: unknown;
      has_timed_out: boolean;
    }
  | { kind: 'stray_error'; error: unknown }
  /** The process ends by itself, with this exit code, while it runs this task if any. */
  | { kind: 'exiting'; exit_code: number; task_id: number | undefined; is_evicted: boolean };

function write_value(to: BatchWriter, value: EncodedValue): void {
  to.uint(value.form);
  to.raw(value.bytes, value.start, value.end, value.attachments);
}

function write_plain(to: BatchWriter, value: unknown): void {
  const encoded = encode_value(value, 'message');
  if (encoded.form !== PLAIN) {
    to.drop_message();
    throw new UsageError(
      `${text_of(value)} cannot be part of a message: it must be well-formed text, or plain data`,
    );
  }
  to.raw(encoded.bytes, encoded.start, encoded.end, encoded.attachments);
}

function write_optional_uint(to: BatchWriter, value: number | undefined): void {
  if (value === undefined) to.nil();
  else to.uint(value);
}

/** Writers of orders. */
export const order = {
  welcome(to: BatchWriter, welcome: Welcome): void {
    to.message(2, WELCOME);
    write_plain(to, welcome);
  },
  define_task(to: BatchWriter, fn_id: number, module: string, export_name: string): void {
    to.message(4, DEFINE_TASK);
    to.uint(fn_id);
    write_plain(to, module);
    write_plain(to, export_name);
  },
  run_task(
    to: BatchWriter,
    task_id: number,
    attempt: number,
    fn_id: number,
    index: number | undefined,
    timeout: number,
    args: EncodedValue,
  ): void {
    to.message(8, RUN_TASK);
    to.uint(task_id);
    to.uint(attempt);
    to.uint(fn_id);
    write_optional_uint(to, index);
    to.uint(timeout);
    write_value(to, args);
  },
  last_checkpoint(to: BatchWriter, task_id: number, value: EncodedValue): void {
    to.message(4, LAST_CHECKPOINT);
    to.uint(task_id);
    write_value(to, value);
  },
  trace_context(to: BatchWriter, task_id: number, carrier: Readonly<Record<string, string>>): void {
    to.message(3, TRACE_CONTEXT);
    to.uint(task_id);
    write_plain(to, carrier);
  },
  run_cmd(to: BatchWriter, cmd_id: number, is_function: boolean, code: string, args: unknown[]): void {
    const encoded_args = encode_value(args, 'args');
    to.message(6, RUN_CMD);
    to.uint(cmd_id);
    to.uint(is_function ? 1 : 0);
    write_value(to, encoded_args);
    write_plain(to, code);
  },
  data(to: BatchWriter, bytes: number, value: EncodedValue): void {
    to.message(4, DATA);
    to.uint(bytes);
    write_value(to, value);
  },
  data_taken(to: BatchWriter, bytes: number): void {
    to.message(2, DATA_TAKEN);
    to.uint(bytes);
  },
  abort_task(to: BatchWriter, task_id: number): void {
    to.message(2, ABORT_TASK);
    to.uint(task_id);
  },
  stop(to: BatchWriter): void {
    to.message(1, STOP);
  },
};

/** Writers of reports. */
export const report = {
  ready(to: BatchWriter, facts: SlaveFacts): void {
    to.message(2, READY);
    write_plain(to, facts);
  },
  task(
    to: BatchWriter,
    is_done: boolean,
    task_id: number,
    attempt: number,
    run_us: number,
    value: EncodedValue,
  ): void {
    to.message(6, is_done ? TASK_DONE : TASK_FAILED);
    to.uint(task_id);
    to.uint(attempt);
    to.uint(run_us);
    write_value(to, value);
  },
  cmd_done(to: BatchWriter, cmd_id: number): void {
    to.message(2, CMD_DONE);
    to.uint(cmd_id);
  },
  cmd_failed(to: BatchWriter, cmd_id: number, error: EncodedValue): void {
    to.message(4, CMD_FAILED);
    to.uint(cmd_id);
    write_value(to, error);
  },
  data(to: BatchWriter, bytes: number, value: EncodedValue): void {
    to.message(4, DATA_SENT);
    to.uint(bytes);
    write_value(to, value);
  },
  data_taken(to: BatchWriter, bytes: number): void {
    to.message(2, SENT_DATA_TAKEN);
    to.uint(bytes);
  },
  progress(to: BatchWriter, task_id: number, attempt: number, progress: Progress): void {
    to.message(4, PROGRESS);
    to.uint(task_id);
    to.uint(attempt);
    write_plain(to, progress);
  },
  task_timed_out(to: BatchWriter, task_id: number, attempt: number, run_us: number): void {
    to.message(4, TASK_TIMED_OUT);
    to.uint(task_id);
    to.uint(attempt);
    to.uint(run_us);
  },
  checkpoint(to: BatchWriter, task_id: number, attempt: number, value: EncodedValue): void {
    to.message(6, CHECKPOINT);
    to.uint(task_id);
    to.uint(attempt);
    to.uint(encoded_bytes(value));
    write_value(to, value);
  },
  /** `outcome` is what became of it. */
  left_over(
    to: BatchWriter,
    index: number,
    attempt: number,
    run_us: number,
    outcome: 'done' | 'failed' | 'timed_out',
    value: EncodedValue,
  ): void {
    to.message(7, LEFT_OVER);
    to.uint(index);
    to.uint(attempt);
    to.uint(run_us);
    to.uint(['done', 'failed', 'timed_out'].indexOf(outcome));
    write_value(to, value);
  },
  stray_error(to: BatchWriter, error: EncodedValue): void {
    to.message(3, STRAY_ERROR);
    write_value(to, error);
  },
  /** @param is_evicted its batch system has told it to end */
  exiting(to: BatchWriter, exit_code: number, task_id: number | undefined, is_evicted = false): void {
    to.message(4, EXITING);
    to.uint(exit_code);
    write_optional_uint(to, task_id);
    to.uint(is_evicted ? 1 : 0);
  },
};

type RawMessage = readonly unknown[];

/** Number of fields of each kind, the kind among them. */
const FIELDS = new Map([
  [WELCOME, 2],
  [DEFINE_TASK, 4],
  [RUN_TASK, 8],
  [LAST_CHECKPOINT, 4],
  [TRACE_CONTEXT, 3],
  [RUN_CMD, 6],
  [DATA, 4],
  [DATA_TAKEN, 2],
  [ABORT_TASK, 2],
  [STOP, 1],
  [READY, 2],
  [TASK_DONE, 6],
  [TASK_FAILED, 6],
  [CMD_DONE, 2],
  [CMD_FAILED, 4],
  [DATA_SENT, 4],
  [SENT_DATA_TAKEN, 2],
  [PROGRESS, 4],
  [STRAY_ERROR, 3],
  [TASK_TIMED_OUT, 4],
  [CHECKPOINT, 6],
  [LEFT_OVER, 7],
  [EXITING, 4],
]);

function read_batch<Message>(
  bytes: Buffer,
  start: number,
  end: number,
  attachments: readonly Uint8Array[],
  read: (raw: RawMessage, cursor: AttachmentCursor) => Message,
): Message[] {
  const batch = unpack(bytes, start, end);
  if (!Array.isArray(batch)) throw new ProtocolError('a body must be an array of messages');
  const cursor = new AttachmentCursor(attachments);
  const messages = new Array<Message>(batch.length);
  for (let i = 0; i < batch.length; i++) {
    const raw: unknown = batch[i];
    if (!Array.isArray(raw)) throw new ProtocolError('a message must be an array');
    const expected = FIELDS.get(raw[0]);
    if (expected !== undefined && raw.length !== expected) {
      throw new ProtocolError(`a message of kind ${raw[0]} has ${raw.length} fields, expected ${expected}`);
    }
    messages[i] = read(raw, cursor);
  }
  return messages;
}

/** The orders in a frame. @throws ProtocolError (PARJOB_ERR_PROTOCOL) */
export function read_orders(
  bytes: Buffer,
  start: number,
  end: number,
  attachments: readonly Uint8Array[],
): ToSlave[] {
  return read_batch(bytes, start, end, attachments, read_order);
}

/** The reports in a frame. @throws ProtocolError (PARJOB_ERR_PROTOCOL) */
export function read_reports(
  bytes: Buffer,
  start: number,
  end: number,
  attachments: readonly Uint8Array[],
): ToMaster[] {
  return read_batch(bytes, start, end, attachments, read_report);
}

function read_order(raw: RawMessage, cursor: AttachmentCursor): ToSlave {
  switch (raw[0]) {
    case RUN_TASK:
      return {
        kind: 'run_task',
        task_id: uint(raw[1]),
        attempt: uint(raw[2]),
        fn_id: uint(raw[3]),
        index: optional_uint(raw[4]),
        timeout: uint(raw[5]),
        args: array(decode_value(raw[6], raw[7], cursor)),
      };
    case LAST_CHECKPOINT:
      return {
        kind: 'last_checkpoint',
        task_id: uint(raw[1]),
        value: decode_value(raw[2], raw[3], cursor),
      };
    case TRACE_CONTEXT:
      return { kind: 'trace_context', task_id: uint(raw[1]), carrier: texts(raw[2]) };
    case DEFINE_TASK:
      return { kind: 'define_task', fn_id: uint(raw[1]), module: text(raw[2]), export_name: text(raw[3]) };
    case DATA:
      return { kind: 'data', bytes: uint(raw[1]), value: decode_value(raw[2], raw[3], cursor) };
    case DATA_TAKEN:
      return { kind: 'data_taken', bytes: uint(raw[1]) };
    case RUN_CMD:
      return {
        kind: 'run_cmd',
        cmd_id: uint(raw[1]),
        is_function: raw[2] === 1,
        args: array(decode_value(raw[3], raw[4], cursor)),
        code: text(raw[5]),
      };
    case ABORT_TASK:
      return { kind: 'abort_task', task_id: uint(raw[1]) };
    case WELCOME:
      return { kind: 'welcome', welcome: fields(raw[1], WELCOME_FIELDS) };
    case STOP:
      return { kind: 'stop' };
    default:
      throw new ProtocolError(`an order has the unknown kind ${text_of(raw[0])}`);
  }
}

function read_report(raw: RawMessage, cursor: AttachmentCursor): ToMaster {
  switch (raw[0]) {
    case TASK_DONE:
    case TASK_FAILED:
      return {
        kind: raw[0] === TASK_DONE ? 'task_done' : 'task_failed',
        task_id: uint(raw[1]),
        attempt: uint(raw[2]),
        run_us: uint(raw[3]),
        value: decode_value(raw[4], raw[5], cursor),
        has_timed_out: false,
      };
    case TASK_TIMED_OUT:
      return {
        kind: 'task_failed',
        task_id: uint(raw[1]),
        attempt: uint(raw[2]),
        run_us: uint(raw[3]),
        value: undefined,
        has_timed_out: true,
      };
    case CHECKPOINT:
      return {
        kind: 'checkpoint',
        task_id: uint(raw[1]),
        attempt: uint(raw[2]),
        bytes: uint(raw[3]),
        value: decode_value(raw[4], raw[5], cursor),
      };
    case LEFT_OVER: {
      const outcome = uint(raw[4]);
      if (outcome > 2) throw new ProtocolError(`a task cannot have come to ${outcome}`);
      return {
        kind: 'left_over',
        index: uint(raw[1]),
        attempt: uint(raw[2]),
        run_us: uint(raw[3]),
        is_done: outcome === 0,
        has_timed_out: outcome === 2,
        value: decode_value(raw[5], raw[6], cursor),
      };
    }
    case DATA_SENT:
      return { kind: 'data', bytes: uint(raw[1]), value: decode_value(raw[2], raw[3], cursor) };
    case SENT_DATA_TAKEN:
      return { kind: 'data_taken', bytes: uint(raw[1]) };
    case PROGRESS:
      return {
        kind: 'progress',
        task_id: uint(raw[1]),
        attempt: uint(raw[2]),
        progress: fields(raw[3], PROGRESS_FIELDS),
      };
    case CMD_DONE:
      return { kind: 'cmd_done', cmd_id: uint(raw[1]) };
    case CMD_FAILED:
      return { kind: 'cmd_failed', cmd_id: uint(raw[1]), error: decode_value(raw[2], raw[3], cursor) };
    case STRAY_ERROR:
      return { kind: 'stray_error', error: decode_value(raw[1], raw[2], cursor) };
    case READY:
      return { kind: 'ready', facts: fields(raw[1], FACTS_FIELDS) };
    case EXITING:
      return {
        kind: 'exiting',
        exit_code: uint(raw[1]),
        task_id: optional_uint(raw[2]),
        is_evicted: uint(raw[3]) === 1,
      };
    default:
      throw new ProtocolError(`a report has the unknown kind ${text_of(raw[0])}`);
  }
}

function uint(raw: unknown): number {
  if (is_uint(raw)) return raw;
  throw new ProtocolError(`a field must be a whole number from 0 on, got ${typeof raw}`);
}

function is_uint(raw: unknown): raw is number {
  return Number.isSafeInteger(raw) && (raw as number) >= 0;
}

function optional_uint(raw: unknown): number | undefined {
  return raw === null ? undefined : uint(raw);
}

function text(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  throw new ProtocolError(`a field must be a text, got ${typeof raw}`);
}

function texts(raw: unknown): Record<string, string> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new ProtocolError(`a field must be a map, got ${typeof raw}`);
  return Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, text(value)]));
}

function array(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProtocolError(`a field must be an array, got ${typeof value}`);
}

type FieldKind = 'text' | 'number' | 'uint' | 'number or nothing' | 'text or nothing';
type FieldKinds<T> = Readonly<Record<keyof T, FieldKind>>;

const WELCOME_FIELDS: FieldKinds<Welcome> = {
  name: 'text',
  slave_id: 'uint',
  launch: 'uint',
  max_frame_bytes: 'uint',
  heartbeat_interval: 'number',
  log_level: 'text',
  cancel_grace: 'number',
  kill_slave_memory: 'number',
  reconnect_timeout: 'number',
  lease: 'number',
};
const FACTS_FIELDS: FieldKinds<SlaveFacts> = {
  pid: 'uint',
  hostname: 'text',
  node_version: 'text',
  time_left: 'number or nothing',
};
const PROGRESS_FIELDS: FieldKinds<Progress> = {
  done: 'number',
  total: 'number or nothing',
  note: 'text or nothing',
};

const HOLDS: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  uint: is_uint,
  'number or nothing': (value) => value === undefined || typeof value === 'number',
  'text or nothing': (value) => value === undefined || typeof value === 'string',
};

/** A map with those fields. What else is in it is left out. */
function fields<T>(raw: unknown, kinds: FieldKinds<T>): T {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new ProtocolError(`a field must be a map, got ${typeof raw}`);
  const map: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries<FieldKind>(kinds)) {
    const value = Object.hasOwn(raw, name) ? (raw as Record<string, unknown>)[name] : undefined;
    if (!HOLDS[kind](value))
      throw new ProtocolError(`the field ${name} of a map must be a ${kind}, got ${typeof value}`);
    if (value !== undefined) map[name] = value;
  }
  return map as T;
}
