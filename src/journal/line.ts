/**
 * Lines: what stands in a status file, one JSON object each, and the check of every field. FORMAT.md describes
 * them for people.
 *
 * Nothing here reads or writes a file.
 */
import { is_json_exact } from './json_exact.js';
import { MAX_KEY_LENGTH } from './task_key.js';

/** Longest line, with its newline: what bounds the memory of a reader. */
export const MAX_LINE_BYTES = 2 ** 20;

/** A value in a line that is not JSON: `base64`, or a file in the folder beside. */
export interface StoredLine {
  encoding: string;
  base64?: string[];
  file?: string;
  sha256?: string;
  /** Lengths of the pieces in the file, in bytes. */
  parts?: number[];
}

/** The fields of a line about a task. The first about a task, and the first after its end, has key and fn. */
export interface TaskLine {
  kind: TaskLineKind;
  index: number;
  key?: string;
  fn?: number;
  /** ms from the header's `created`. */
  at: number;
  attempt?: number;
  slave?: string;
  run_ms?: number;
  value?: unknown;
  stored?: StoredLine;
  error?: { name: string; message: string; stack?: string };
  reason?: string;
  charged?: false;
  exit_code?: number;
  signal?: string;
  log_file?: string;
  done?: number;
  total?: number;
  note?: string;
}

type TaskLineKind =
  | 'queued'
  | 'assigned'
  | 'progress'
  | 'checkpoint'
  | 'died'
  | 'done'
  | 'failed'
  | 'cancelled';

export type Line =
  | TaskLine
  | { kind: 'function'; fn: number; name: string }
  | { kind: 'opened'; at: number; pid: number; host: string }
  | { kind: 'facts'; at: number; facts: Record<string, unknown> }
  | { kind: 'finished'; at: number };

/** What a field must be, in words for the error, and a test for it. */
type Check = readonly [expected: string, holds: (value: unknown) => boolean];

/** Indices, attempts and numbers of functions are below this. */
export const MAX_WHOLE = 2 ** 32 - 1;

const WHOLE: Check = [
  'a whole number below 2^32',
  (v) => Number.isInteger(v) && (v as number) >= 0 && (v as number) < MAX_WHOLE,
];
const TIME: Check = ['a whole number of ms', (v) => Number.isSafeInteger(v)];
const ATTEMPT: Check = [
  'a whole number from 1',
  (v) => Number.isInteger(v) && (v as number) >= 1 && (v as number) < MAX_WHOLE,
];
const NUMBER: Check = ['a finite number', (v) => Number.isFinite(v)];
const MS: Check = ['a number of ms from 0', (v) => Number.isFinite(v) && (v as number) >= 0];
const TEXT: Check = ['a string', (v) => typeof v === 'string'];
const NAME: Check = ['a string that is not empty', (v) => typeof v === 'string' && v !== ''];
const KEY: Check = [
  `a string of 1 to ${MAX_KEY_LENGTH} characters`,
  (v) => typeof v === 'string' && v !== '' && v.length <= MAX_KEY_LENGTH && v.isWellFormed(),
];
const JSON_VALUE: Check = ['a value that JSON keeps exactly', is_json_exact];
const JSON_RECORD: Check = ['an object that JSON keeps exactly', (v) => is_object(v) && is_json_exact(v)];
const STORED: Check = ['an encoded value', is_stored];
const ERROR_TEXT: Check = [
  'an error with name and message',
  (v) =>
    is_object(v) && typeof v['name'] === 'string' && typeof v['message'] === 'string' && is_text(v['stack']),
];
const FALSE: Check = ['false', (v) => v === false];

/** What a kind of line has, by name. */
interface Fields {
  required: readonly (readonly [name: string, check: Check])[];
  optional: readonly (readonly [name: string, check: Check])[];
}

function fields(required: Record<string, Check>, optional: Record<string, Check> = {}): Fields {
  return { required: Object.entries(required), optional: Object.entries(optional) };
}

function task_fields(required: Record<string, Check>, optional: Record<string, Check> = {}): Fields {
  return fields({ index: WHOLE, at: TIME, ...required }, { key: KEY, fn: WHOLE, ...optional });
}

const VALUE = { value: JSON_VALUE, stored: STORED };

/** Every kind of line with its fields. */
export const LINE_KINDS: ReadonlyMap<unknown, Fields> = new Map([
  ['queued', task_fields({})],
  ['assigned', task_fields({ slave: NAME }, { attempt: ATTEMPT })],
  ['progress', task_fields({ done: NUMBER }, { total: NUMBER, note: TEXT })],
  ['checkpoint', task_fields({}, VALUE)],
  [
    'died',
    task_fields(
      { slave: NAME, reason: TEXT },
      { attempt: ATTEMPT, charged: FALSE, exit_code: NUMBER, signal: TEXT, log_file: TEXT },
    ),
  ],
  ['done', task_fields({ slave: NAME, run_ms: MS }, { attempt: ATTEMPT, ...VALUE })],
  ['failed', task_fields({ error: ERROR_TEXT }, { slave: NAME, attempt: ATTEMPT, run_ms: MS, ...VALUE })],
  ['cancelled', task_fields({}, { reason: TEXT })],
  ['function', fields({ fn: WHOLE, name: NAME })],
  ['opened', fields({ at: TIME, pid: WHOLE, host: TEXT })],
  ['facts', fields({ at: TIME, facts: JSON_RECORD })],
  ['finished', fields({ at: TIME })],
]);

/**
 * The line that `text` holds, without its newline. Fields that are not known are left alone.
 * @throws Error that says what is wrong with it
 */
export function parse_line(text: string): Line {
  const line = parse_object(text);
  const known = LINE_KINDS.get(line['kind']);
  if (known === undefined) throw new Error(`its kind is ${brief(line['kind'])}, which is none`);
  for (const [name, [expected, holds]] of known.required) {
    if (!holds(line[name])) throw new Error(`its ${name} must be ${expected}, it is ${brief(line[name])}`);
  }
  for (const [name, [expected, holds]] of known.optional) {
    const value = line[name];
    if (value !== undefined && !holds(value))
      throw new Error(`its ${name} must be ${expected}, it is ${brief(value)}`);
  }
  if ((line['key'] === undefined) !== (line['fn'] === undefined) && line['kind'] !== 'function') {
    throw new Error('it has one of key and fn, and needs both or none');
  }
  return line as unknown as Line;
}

/** @throws Error when `text` is not a JSON object */
export function parse_object(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!is_object(value)) throw new Error('it is not a JSON object');
  return value;
}

/** Name of a file in the folder beside: index, a number of the writer, a number of the file. */
export const SIDE_FILE = /^\d{1,10}-[0-9a-f]{8}-\d{1,16}\.bin$/;

function is_stored(value: unknown): boolean {
  if (!is_object(value)) return false;
  const { encoding, base64, file, sha256, parts } = value;
  if (typeof encoding !== 'string') return false;
  if (base64 !== undefined) {
    return file === undefined && Array.isArray(base64) && base64.every((text) => typeof text === 'string');
  }
  return (
    typeof file === 'string' &&
    SIDE_FILE.test(file) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    Array.isArray(parts) &&
    parts.every((length) => Number.isSafeInteger(length) && length >= 0)
  );
}

export function is_object(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function is_text(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

/** What a field holds, in a few words. */
export function brief(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return JSON.stringify(value).slice(0, 60);
}
