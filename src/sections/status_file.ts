/**
 * The status file of a run of sections: what each section, piece, file and host has come to. STATUS.md describes
 * it for people, who may read it at any time, and edit it while no master has it open.
 *
 * It is lines of JSON, only ever added to: the last line about a thing counts. A last line that was cut off counts
 * as not written. When most of it is old it is written anew under another name, and renamed.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { StatusFileError } from '../errors.js';
import { LineFile } from '../journal/line_file.js';
import { Lock } from '../journal/lock.js';
import { SECTION_TRANSITIONS } from './section_state.js';

const FORMAT = 1;
/** The longest line: a checkpoint is a line of text, no data. */
const MAX_LINE_BYTES = 2 ** 20;
/** Written anew when so many lines are old, and they are most of it. */
const COMPACT_ABOVE = 10_000;
/** How often it is forced to the disk, ms. */
const SYNC_INTERVAL = 1000;

/** What a line may be about. */
export type RecordKind = 'section' | 'piece' | 'sum' | 'file' | 'host' | 'garbage' | 'run';

export interface StatusHeader {
  parjob: 'sections';
  format: number;
  jobname: string;
  run_id: string;
  created: string;
}

type Fields = Record<string, unknown>;

/** Everything that a file says: by kind, by id. */
export type StatusRecords = ReadonlyMap<RecordKind, ReadonlyMap<string, Readonly<Fields>>>;

const KINDS: readonly RecordKind[] = ['section', 'piece', 'sum', 'file', 'host', 'garbage', 'run'];

class Records {
  readonly by_kind = new Map<RecordKind, Map<string, Fields>>(KINDS.map((kind) => [kind, new Map()]));
  lines = 0;

  /** Takes a line in. Fields that are null are forgotten, and so is a thing that is `gone`. */
  take(kind: RecordKind, id: string, fields: Fields): void {
    this.lines++;
    const things = this.by_kind.get(kind) as Map<string, Fields>;
    if (fields['gone'] === true) {
      things.delete(id);
      return;
    }
    const all: Fields = { ...things.get(id), ...fields };
    for (const [name, value] of Object.entries(all)) if (value === null) delete all[name];
    things.set(id, all);
  }

  get live(): number {
    let live = 0;
    for (const things of this.by_kind.values()) live += things.size;
    return live;
  }
}

export interface StatusFileOptions {
  file: string;
  jobname: string;
  on_notice?: ((text: string) => void) | undefined;
  /** Called before a file is begun: it may move the one that is there away. Nobody else has that then. */
  make_way?: (() => void) | undefined;
}

export class StatusFile {
  readonly file: string;
  readonly header: StatusHeader;
  /** It was there, and the run goes on. */
  readonly is_restart: boolean;
  readonly #records: Records;
  readonly #lock: Lock;
  readonly #on_notice: (text: string) => void;
  #fd: number;
  #is_synced = true;
  #is_open = true;
  readonly #syncing: NodeJS.Timeout;

  /**
   * Begins a file, or with `restart` goes on with the one that is there.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when another master has it, or it cannot be used
   */
  static open(options: StatusFileOptions, restart: boolean): StatusFile {
    const { file, on_notice } = options;
    const lock = Lock.acquire(file, on_notice);
    try {
      if (!restart) options.make_way?.();
      return new StatusFile(options, lock, restart && existsSync(file) ? read_status(file) : undefined);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(options: StatusFileOptions, lock: Lock, found: ReadStatus | undefined) {
    const { file, jobname, on_notice } = options;
    this.file = file;
    this.#lock = lock;
    this.#on_notice = on_notice ?? (() => {});
    this.is_restart = found !== undefined;
    this.#records = found?.records ?? new Records();
    this.header = found?.header ?? new_header(jobname);
    if (this.header.jobname !== jobname) {
      throw new StatusFileError(
        `${file} is of job ${this.header.jobname}, not of ${jobname}: use that jobname, or another status_file`,
        { file, problem: 'other_program' },
      );
    }
    if (found === undefined) this.#write_anew();
    else {
      if (found.torn_bytes > 0) {
        truncateSync(file, found.good_bytes);
        this.#on_notice(
          `the last line of ${file} was cut off after ${found.torn_bytes} bytes and is left out`,
        );
      }
      if (this.#is_mostly_old()) this.#write_anew();
    }
    this.#fd = openSync(file, 'a');
    this.#syncing = setInterval(() => this.sync(), SYNC_INTERVAL).unref();
    this.write('run', 'opened', { pid: process.pid, host: hostname(), at: new Date().toISOString() });
  }

  get records(): StatusRecords {
    return this.#records.by_kind;
  }

  record(kind: RecordKind, id: string): Readonly<Fields> | undefined {
    return this.#records.by_kind.get(kind)?.get(id);
  }

  /**
   * Adds a line. When it returns, that outlives this process. A null forgets a field, `gone: true` the thing.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be written, or another master has the file
   */
  write(kind: RecordKind, id: string, fields: Fields): void {
    if (!this.#is_open) return;
    this.#lock.check();
    this.#records.take(kind, id, fields);
    this.#append(line_of(kind, id, fields));
    if (this.#is_mostly_old()) {
      closeSync(this.#fd);
      this.#write_anew();
      this.#fd = openSync(this.file, 'a');
    }
  }

  #append(line: string): void {
    try {
      writeSync(this.#fd, line);
      this.#is_synced = false;
    } catch (error) {
      const text = `${this.file} cannot be written: ${(error as Error).message}`;
      throw new StatusFileError(text, { file: this.file, problem: 'unwritable' }, { cause: error });
    }
  }

  /** Forces what was written to the disk. */
  sync(): void {
    if (this.#is_synced || !this.#is_open) return;
    this.#is_synced = true;
    try {
      fdatasyncSync(this.#fd);
    } catch {
      // what the disk does not take now is asked of it again with the next line
    }
  }

  close(): void {
    if (!this.#is_open) return;
    this.sync();
    this.#is_open = false;
    clearInterval(this.#syncing);
    closeSync(this.#fd);
    this.#lock.release();
  }

  #is_mostly_old(): boolean {
    const { lines, live } = this.#records;
    return lines - live > COMPACT_ABOVE && lines > 2 * live;
  }

  #write_anew(): void {
    const temporary = `${this.file}.${process.pid}.tmp`;
    const fd = openSync(temporary, 'w');
    try {
      writeSync(fd, `${JSON.stringify(this.header)}\n`);
      for (const [kind, things] of this.#records.by_kind)
        for (const [id, fields] of things) writeSync(fd, line_of(kind, id, fields));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, this.file);
    this.#records.lines = this.#records.live;
  }
}

function line_of(kind: RecordKind, id: string, fields: Fields): string {
  return `${JSON.stringify({ kind, id, ...fields })}\n`;
}

function new_header(jobname: string): StatusHeader {
  const created = new Date().toISOString();
  const run_id = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 4).toString(36)}`;
  return { parjob: 'sections', format: FORMAT, jobname, run_id, created };
}

export interface ReadStatus {
  header: StatusHeader;
  records: Records;
  good_bytes: number;
  torn_bytes: number;
}

/**
 * What a status file says, whether or not a master has it open.
 * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it is none, or is damaged
 */
export function read_status(file: string): ReadStatus {
  const lines = new LineFile(file, MAX_LINE_BYTES);
  try {
    const records = new Records();
    let header: StatusHeader | undefined;
    const good_bytes = lines.for_each((text, _place, number) => {
      if (number === 1) header = read_header(file, text);
      else read_line(file, text, number, records);
    });
    if (header === undefined) {
      const text = `${file} is no status file of sections: it has no whole first line`;
      throw new StatusFileError(text, { file, problem: 'not_a_status_file' });
    }
    return { header, records, good_bytes, torn_bytes: lines.size - good_bytes };
  } finally {
    lines.close();
  }
}

function read_header(file: string, text: string): StatusHeader {
  const header = parse(text);
  if (header?.['parjob'] !== 'sections') {
    const what =
      header?.['parjob'] === 'status' ? 'the status file of a Job, not of a ParJob' : 'something else';
    throw new StatusFileError(`${file} is ${what}`, { file, problem: 'not_a_status_file' });
  }
  if ((header['format'] as number) > FORMAT) {
    throw new StatusFileError(
      `${file} has format ${header['format']}, this parjob knows ${FORMAT}: use a newer one`,
      {
        file,
        problem: 'newer_format',
      },
    );
  }
  return header as unknown as StatusHeader;
}

function read_line(file: string, text: string, number: number, records: Records): void {
  const line = parse(text);
  const { kind, id, ...fields } = line ?? {};
  if (typeof id === 'string' && KINDS.includes(kind as RecordKind)) {
    if (kind === 'section') check_section(file, text, number, fields);
    records.take(kind as RecordKind, id, fields);
    return;
  }
  throw new StatusFileError(
    `line ${number} of ${file} is not as expected: a JSON object with kind (one of ${KINDS.join(', ')}) and id, got ${text.slice(0, 80)}`,
    { file, problem: 'damaged', line: number },
  );
}

const STATES = Object.keys(SECTION_TRANSITIONS);
const A_COUNT = (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 0;
const A_NUMBER = (v: unknown) => typeof v === 'number';
const A_TEXT = (v: unknown) => typeof v === 'string';
/** What may be in the fields of a section, which people may write too. Others are of a later version. */
const SECTION_FIELDS: Readonly<Record<string, (v: unknown) => boolean>> = {
  state: (v) => STATES.includes(v as string),
  attempt: A_COUNT,
  failures: A_COUNT,
  losses: A_COUNT,
  host: A_TEXT,
  failed_on: (v) => Array.isArray(v) && v.every(A_TEXT),
  error: A_TEXT,
  done: A_NUMBER,
  total: A_NUMBER,
  checkpoint: A_TEXT,
  checkpoint_host: A_TEXT,
  checkpoint_attempt: A_COUNT,
  run_ms: A_NUMBER,
};

function check_section(file: string, text: string, number: number, fields: Fields): void {
  const bad = Object.entries(SECTION_FIELDS).find(
    ([name, holds]) => (fields[name] ?? null) !== null && !holds(fields[name]),
  )?.[0];
  if (bad === undefined) return;
  const expected = bad === 'state' ? `; a state is one of ${STATES.join(', ')}` : '';
  throw new StatusFileError(
    `line ${number} of ${file} is not as expected: ${bad} cannot be ${JSON.stringify(fields[bad])}${expected}; the line is ${text.slice(0, 80)}`,
    { file, problem: 'damaged', line: number },
  );
}

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined;
  } catch {
    return undefined;
  }
}
