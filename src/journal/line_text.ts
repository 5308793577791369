/**
 * LineText: records as the text of lines. It remembers what the file says already, so that a key is written once
 * for each task, and counts which earlier lines a new one makes useless.
 */
import { randomBytes } from 'node:crypto';
import { UsageError } from '../errors.js';
import { is_json_exact } from './json_exact.js';
import { MAX_WHOLE } from './line.js';
import type { DeadRun, ErrorText, JournalRecord, StoredValue, TaskIdentity } from './record.js';
import type { Recalled } from './replay.js';
import { type SideFile, value_text } from './stored_value.js';
import { MAX_KEY_LENGTH, MAX_NAME_LENGTH } from './task_key.js';

/** Longer texts of errors and notes are cut, so that every line stays below MAX_LINE_BYTES. */
const MAX_TEXT = 16 * 1024;
const MAX_FACTS = 64 * 1024;
const MAX_INDEX = MAX_WHOLE - 1;
const MAX_SLAVES = 4096;

interface LineTextOptions {
  created: number;
  functions: readonly string[];
  garbage_bytes: number;
  inline_limit: number;
  recall: (key: string) => Recalled | undefined;
  write_file: (file: SideFile) => void;
  doom_file: (name: string) => void;
}

/** A task that the file knows and that has not ended. */
interface Known extends Recalled {
  key: string;
  /** The file says which key its index stands for. */
  is_bound: boolean;
}

export class LineText {
  readonly #options: LineTextOptions;
  readonly #known = new Map<number, Known>();
  readonly #functions = new Map<string, number>();
  #function_count: number;
  #new_function = '';
  /** Names of slaves as JSON. */
  readonly #slaves = new Map<string, string>();
  #garbage_bytes: number;
  /** Tells the files of this writer from those of others. */
  readonly #writer_id = randomBytes(4).toString('hex');
  #file_count = 0;
  // the value that was made text last: of which task it is, and where it went if it was large
  #value_index = 0;
  #value_file: string | undefined;
  readonly #put_beside = (pieces: readonly Uint8Array[]): string => {
    const name = `${this.#value_index}-${this.#writer_id}-${this.#file_count++}.bin`;
    this.#options.write_file({ name, pieces });
    this.#value_file = name;
    return name;
  };

  constructor(options: LineTextOptions) {
    this.#options = options;
    this.#garbage_bytes = options.garbage_bytes;
    this.#function_count = options.functions.length;
    for (const [fn, name] of options.functions.entries()) this.#functions.set(name, fn);
  }

  get garbage_bytes(): number {
    return this.#garbage_bytes;
  }

  /** The file was written anew: it has no garbage, and says of no index which task it stands for. */
  forget(): void {
    this.#garbage_bytes = 0;
    for (const known of this.#known.values()) known.is_bound = false;
  }

  /** The line or lines of a record. @throws UsageError (PARJOB_ERR_USAGE) for one that no file can hold */
  of(record: JournalRecord): string {
    switch (record.kind) {
      case 'done':
      case 'failed':
      case 'cancelled':
        return this.#end(record);
      case 'finished':
        return `{"kind":"finished",${this.#at()}}\n`;
      case 'facts':
        return `{"kind":"facts",${this.#at()},"facts":${facts_text(record.facts)}}\n`;
      default:
        return this.#news(record);
    }
  }

  opened(pid: number, host: string): string {
    return `{"kind":"opened",${this.#at()},"pid":${pid},"host":${JSON.stringify(host)}}\n`;
  }

  /** A record after which nothing is expected of its task. */
  #end(record: JournalRecord & { kind: 'done' | 'failed' | 'cancelled' }): string {
    const { kind, task } = record;
    const known = this.#known_of(task);
    const is_bound = known?.is_bound === true;
    if (!is_bound) check_task(task);
    let rest: string;
    if (kind === 'done') {
      rest = `${attempt_text(record.attempt)},"slave":${this.#slave(record.slave)},"run_ms":${ms_text(record.run_ms)}`;
    } else if (kind === 'failed') {
      rest = `${attempt_text(record.attempt)}${this.#maybe_slave(record.slave)}${error_text(record.error)}`;
      if (record.run_ms !== undefined) rest += `,"run_ms":${ms_text(record.run_ms)}`;
    } else {
      rest = text_field('reason', record.reason);
    }
    if (kind !== 'cancelled' && record.value !== undefined) rest += this.#value(record.value, task.index);
    if (known !== undefined) {
      this.#garbage_bytes += known.rest + known.progress + known.checkpoint;
      if (known.checkpoint_file !== undefined) this.#options.doom_file(known.checkpoint_file);
      this.#known.delete(task.index);
    }
    const who = is_bound ? `"index":${task.index}` : this.#introduce(task);
    return `${this.#function_line()}{"kind":"${kind}",${who},${this.#at()}${rest}}\n`;
  }

  /** A record of a task that goes on. */
  #news(
    record: JournalRecord & { kind: 'queued' | 'assigned' | 'progress' | 'checkpoint' | 'died' },
  ): string {
    const { kind, task } = record;
    const known = this.#known_of(task) ?? nothing_known(task);
    if (!known.is_bound) check_task(task);
    let rest = '';
    switch (kind) {
      case 'queued':
        break;
      case 'assigned':
        rest = `${attempt_text(record.attempt)},"slave":${this.#slave(record.slave)}`;
        break;
      case 'progress':
        rest = `,"done":${number_text(record.done)}${number_field('total', record.total)}${text_field('note', record.note)}`;
        break;
      case 'died':
        rest = `${attempt_text(record.attempt)},"slave":${this.#slave(record.slave)}${death_text(record)}`;
        break;
      default:
        rest = this.#value(record.value, task.index);
    }
    const who = known.is_bound ? `"index":${task.index}` : this.#introduce(task);
    const text = `{"kind":"${kind}",${who},${this.#at()}${rest}}\n`;
    this.#supersede(known, kind, text.length);
    known.is_bound = true;
    this.#known.set(task.index, known);
    return this.#function_line() + text;
  }

  #supersede(known: Known, kind: JournalRecord['kind'], bytes: number): void {
    if (kind === 'progress') {
      this.#garbage_bytes += known.progress;
      known.progress = bytes;
    } else if (kind === 'checkpoint') {
      this.#garbage_bytes += known.checkpoint;
      if (known.checkpoint_file !== undefined) this.#options.doom_file(known.checkpoint_file);
      known.checkpoint = bytes;
      known.checkpoint_file = this.#value_file;
    } else {
      this.#garbage_bytes += known.rest;
      known.rest = kind === 'died' ? 0 : bytes;
    }
  }

  #known_of({ index, key }: TaskIdentity): Known | undefined {
    const known = this.#known.get(index);
    if (known !== undefined && known.key === key) return known;
    const recalled = this.#options.recall(key);
    return recalled === undefined ? undefined : { ...recalled, key, is_bound: false };
  }

  /** Says which task an index stands for. */
  #introduce({ index, key, name }: TaskIdentity): string {
    let fn = this.#functions.get(name);
    if (fn === undefined) {
      fn = this.#function_count++;
      this.#functions.set(name, fn);
      this.#new_function = `{"kind":"function","fn":${fn},"name":${JSON.stringify(name)}}\n`;
    }
    return `"index":${index},"key":${JSON.stringify(key)},"fn":${fn}`;
  }

  /** The line that tells of a function which was first introduced just now. */
  #function_line(): string {
    const line = this.#new_function;
    this.#new_function = '';
    return line;
  }

  #value(value: StoredValue, index: number): string {
    this.#value_index = index;
    this.#value_file = undefined;
    return value_text(value, this.#options.inline_limit, this.#put_beside);
  }

  #at(): string {
    return `"at":${Math.round(Date.now() - this.#options.created)}`;
  }

  #maybe_slave(name: string | undefined): string {
    return name === undefined ? '' : `,"slave":${this.#slave(name)}`;
  }

  #slave(name: string): string {
    let text = this.#slaves.get(name);
    if (text === undefined) {
      if (this.#slaves.size >= MAX_SLAVES) this.#slaves.clear();
      text = JSON.stringify(clipped(name === '' ? '?' : name));
      this.#slaves.set(name, text);
    }
    return text;
  }
}

function nothing_known({ key }: TaskIdentity): Known {
  return { key, rest: 0, progress: 0, checkpoint: 0, checkpoint_file: undefined, is_bound: false };
}

/** @throws UsageError (PARJOB_ERR_USAGE) for a task that a reader would refuse */
function check_task({ index, key, name }: TaskIdentity): void {
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
    throw new UsageError(`the index of a task must be a whole number from 0 to ${MAX_INDEX}, got ${index}`);
  }
  if (key === '' || key.length > MAX_KEY_LENGTH || !key.isWellFormed()) {
    throw new UsageError(
      `the key of task ${index} must be a well-formed string of 1 to ${MAX_KEY_LENGTH} characters, this one has ${key.length}`,
    );
  }
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    throw new UsageError(`what task ${index} runs must have a name of 1 to ${MAX_NAME_LENGTH} characters`);
  }
}

function attempt_text(attempt: number): string {
  return attempt > 1 && attempt < MAX_INDEX ? `,"attempt":${Math.round(attempt)}` : '';
}

function ms_text(ms: number): string {
  return ms > 0 && ms < Infinity ? String(Math.round(ms * 1000) / 1000) : '0';
}

function number_text(value: number): string {
  return Number.isFinite(value) ? String(value) : '0';
}

function number_field(name: string, value: number | undefined): string {
  return value !== undefined && Number.isFinite(value) ? `,"${name}":${value}` : '';
}

function text_field(name: string, text: string | undefined): string {
  return text === undefined ? '' : `,"${name}":${JSON.stringify(clipped(text))}`;
}

function error_text({ name, message, stack }: ErrorText): string {
  const error = {
    name: name.slice(0, 256),
    message: clipped(message),
    stack: stack === undefined ? undefined : clipped(stack),
  };
  return `,"error":${JSON.stringify(error)}`;
}

function death_text({ reason, charged, exit_code, signal, log_file }: DeadRun): string {
  const charge = charged === false ? ',"charged":false' : '';
  return `${text_field('reason', reason)}${charge}${number_field('exit_code', exit_code)}${text_field('signal', signal)}${text_field('log_file', log_file)}`;
}

function facts_text(facts: Readonly<Record<string, unknown>>): string {
  const text = is_json_exact(facts) ? JSON.stringify(facts) : '';
  if (text === '' || text.length > MAX_FACTS) {
    throw new UsageError(`the facts of a status file must be JSON of at most ${MAX_FACTS} characters`);
  }
  return text;
}

function clipped(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
