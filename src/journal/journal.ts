/**
 * Journal: the status file of a run, `<jobname>.status`, for the one master that writes it. The rest of this
 * room stands behind it:
 *
 *     Journal ─▶ lock          no second master
 *             ─▶ replay        what the file says, when a run goes on
 *             ─▶ writer        what is added to it
 *             ─▶ compaction    when most of it is useless
 *
 * It knows tasks by key and values as JSON or bytes; it does not know slaves, messages or msgpack. FORMAT.md
 * describes the file.
 *
 * @example
 * const journal = Journal.open({ file: 'align.status', jobname: 'align', program: { main_script: 'main.js' } });
 * const keys = new KeyCounter();
 *
 * // for each task that is queued
 * const key = keys.next(task_key(module, export_name, arg_bytes));
 * const name = function_name(module, export_name);
 * const outcome = journal.replay?.get(key)?.outcome();       // undefined: run it
 *
 * // when one has ended
 * journal.append({ kind: 'done', task: { index, key, name }, attempt: 1, slave, run_ms,
 *   value: is_json_exact(value) ? { json: value } : { encoding: 'msgpack', bytes } });
 * journal.commit();                                          // and only now give the outcome to the user
 *
 * journal.append({ kind: 'finished' });
 * journal.close();
 */
import { randomBytes } from 'node:crypto';
import { existsSync, truncateSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { StatusFileError } from '../errors.js';
import { in_the_way, move_aside } from './aside.js';
import { compact, write_anew } from './compaction.js';
import { difference } from './difference.js';
import { FORMAT, type HeaderLine, header_text } from './header.js';
import {
  type JournalOptions,
  type ResolvedJournalOptions,
  resolve_journal_options,
} from './journal_options.js';
import { Lock } from './lock.js';
import { on_disk } from './on_disk.js';
import type { JournalRecord } from './record.js';
import { Replay } from './replay.js';
import { SideFolder } from './side_folder.js';
import { Writer } from './writer.js';

export class Journal {
  /** What the file held when it was opened; undefined for a new one. */
  readonly replay: Replay | undefined;
  readonly #options: ResolvedJournalOptions;
  readonly #lock: Lock;
  readonly #writer: Writer;
  #compact_above: number;
  #is_open = true;

  /**
   * Begins the status file of a new run. One that is there is replaced if its run had come to an end, else
   * moved aside, with a notice.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when another master has it, or it cannot be written
   * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
   */
  static create(options: JournalOptions): Journal {
    const resolved = resolve_journal_options(options);
    return with_lock(resolved, (lock) => new Journal(resolved, lock, begin(resolved), undefined));
  }

  /**
   * Goes on with the status file of an earlier run, or begins one when there is none. What it holds is in
   * `replay`.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when another master has it, it is of another program, it is
   * damaged, or it cannot be read or written
   * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
   */
  static open(options: JournalOptions): Journal {
    const resolved = resolve_journal_options(options);
    return with_lock(resolved, (lock) => {
      const replay = read(resolved);
      if (replay === undefined) return new Journal(resolved, lock, begin(resolved), undefined);
      try {
        return new Journal(resolved, lock, replay.header, replay);
      } catch (error) {
        replay.close();
        throw error;
      }
    });
  }

  private constructor(
    options: ResolvedJournalOptions,
    lock: Lock,
    header: HeaderLine,
    replay: Replay | undefined,
  ) {
    const { file } = options;
    this.#options = options;
    this.#lock = lock;
    this.replay = replay;
    this.#compact_above = options.compact_above;
    this.#writer = new Writer({
      ...options,
      folder: new SideFolder(file, header.folder),
      size: replay?.good_bytes ?? Buffer.byteLength(`${header_text(header)}\n`),
      garbage_bytes: replay?.garbage_bytes ?? 0,
      created: Date.parse(header.created),
      functions: replay?.functions ?? [],
      recall: (key) => replay?.recall(key),
    });
    if (replay === undefined) return;
    this.#writer.append_opened(process.pid, hostname());
    try {
      this.#writer.commit();
    } catch (error) {
      this.#writer.close();
      throw error;
    }
  }

  get file(): string {
    return this.#options.file;
  }

  /** Records that wait for a commit. */
  get waiting(): number {
    return this.#writer.waiting;
  }

  /**
   * Refuses a status file whose tasks none of `functions`, what this program queues, would run.
   * @param functions names as function_name gives them
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) that says what each has
   */
  check_functions(functions: Iterable<string>): void {
    if (this.replay === undefined) return;
    const { jobname, program } = this.#options;
    const counts = new Map([...functions].map((name) => [name, 1]));
    refuse_other(this.file, difference(this.replay.summary, { jobname, program, functions: counts }));
  }

  /**
   * Takes a record in; commit writes it. Bytes of values are not copied: leave them alone until a commit has
   * returned.
   * @throws UsageError (PARJOB_ERR_USAGE) for a key or a fact that no status file takes
   */
  append(record: JournalRecord): void {
    this.#writer.append(record);
  }

  /**
   * Writes what was taken in, in one go. When it returns, that outlives this process, and with fsync 'always'
   * a crash of the machine.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when that fails: nothing is lost, and the next commit tries
   * again; or when another master has taken the file over
   */
  commit(): void {
    if (this.#writer.waiting === 0) return;
    this.#lock.check();
    this.#writer.commit();
    const { garbage_bytes, size } = this.#writer;
    if (garbage_bytes > this.#compact_above && garbage_bytes > size / 2) this.#compact();
  }

  /** Commits, closes the file and gives its lock back. May be called again. @throws as commit; it is closed then too */
  close(): void {
    if (!this.#is_open) return;
    this.#is_open = false;
    try {
      this.commit();
    } finally {
      try {
        this.#writer.close();
      } finally {
        this.replay?.close();
        this.#lock.release();
      }
    }
  }

  #compact(): void {
    try {
      this.#writer.reopen(compact(this.file));
    } catch (error) {
      // it is as good as it was, only long: not again before there is twice as much to win
      this.#compact_above = 2 * this.#writer.garbage_bytes;
      this.#options.on_notice((error as Error).message);
    }
  }
}

function with_lock({ file, on_notice }: ResolvedJournalOptions, open: (lock: Lock) => Journal): Journal {
  const lock = Lock.acquire(file, on_notice);
  try {
    return open(lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Makes the file with its header. */
function begin({ file, jobname, program, fsync, on_notice }: ResolvedJournalOptions): HeaderLine {
  const there = in_the_way(file);
  if (there.kind === 'unfinished') {
    const aside = move_aside(file);
    on_notice(
      `${file} holds a run that has not come to its end: it was moved to ${aside}. To go on with it, give it its name back and use restart: true`,
    );
  }
  const run_id = randomBytes(8).toString('hex');
  const header: HeaderLine = {
    parjob: 'status',
    format: FORMAT,
    jobname,
    program,
    run_id,
    created: new Date().toISOString(),
    folder: `${basename(file)}.${run_id.slice(0, 8)}.d`,
  };
  write_anew(file, [header_text(header)], fsync !== 'never');
  if (there.kind === 'finished') there.folder.remove_all_but(new Set());
  return header;
}

/** Reads the file, and makes it fit to be written on. Undefined when there is nothing in it. */
function read(options: ResolvedJournalOptions): Replay | undefined {
  const { file, jobname, program, compact_above, on_notice } = options;
  if (!existsSync(file)) return undefined;
  let replay = Replay.read(file, on_notice);
  if (replay === undefined) return undefined;
  try {
    refuse_other(file, difference(replay.summary, { jobname, program, functions: new Map() }));
    const { good_bytes, torn_bytes, garbage_bytes } = replay;
    if (torn_bytes > 0) {
      on_disk(file, 'unwritable', `${file} cannot be written`, () => truncateSync(file, good_bytes));
      on_notice(`the last line of ${file} was cut off after ${torn_bytes} bytes and is left out`);
    }
    if (garbage_bytes > compact_above && garbage_bytes > good_bytes / 2) {
      compact(file);
      replay.close();
      replay = Replay.read(file);
    }
    return replay;
  } catch (error) {
    replay?.close();
    throw error;
  }
}

function refuse_other(file: string, text: string | undefined): void {
  if (text === undefined) return;
  throw new StatusFileError(
    `${file} is the status file of another program: ${text}. Move it away, or use another jobname, to start anew`,
    { file, problem: 'other_program' },
  );
}
