/** The options of a Journal: what they mean, what they may be, and what they are when not given. */
import {
  A_STRING,
  check_options,
  type Expectation,
  integer_between,
  one_of,
  positive,
} from '../base/options.js';
import type { ProgramFacts } from './difference.js';
import { MAX_INLINE_BYTES } from './stored_value.js';
import { type Disk, type FsyncPolicy, SYSTEM_DISK } from './writer.js';

/** Options of a Journal. All times are ms, all sizes bytes. */
export interface JournalOptions {
  /** The status file. */
  file: string;
  jobname: string;
  /** What must be the same when the run goes on, such as `main_script`. */
  program: ProgramFacts;
  /**
   * When records are forced to the disk, so that they outlive a crash of the machine.
   * @default 'interval'
   */
  fsync?: FsyncPolicy | undefined;
  /** @default 1000 */
  fsync_interval?: number | undefined;
  /**
   * A value that takes more goes to a file beside.
   * @default 64 KiB; at most 512 KiB
   */
  inline_limit?: number | undefined;
  /**
   * The file is compacted when more than so much of it, and more than half of it, is useless.
   * @default 32 MiB
   */
  compact_above?: number | undefined;
  /** Is told, in words, what the user should know and what stops nothing. */
  on_notice?: ((text: string) => void) | undefined;
  /** For tests: what writes. */
  disk?: Disk | undefined;
}

const A_FUNCTION: Expectation = { expected: 'a function', holds: (v) => typeof v === 'function' };
const AN_OBJECT: Expectation = { expected: 'an object', holds: (v) => typeof v === 'object' && v !== null };

const TABLE: Readonly<Record<keyof JournalOptions, Expectation>> = {
  file: A_STRING,
  jobname: A_STRING,
  program: AN_OBJECT,
  fsync: one_of('always', 'interval', 'never'),
  fsync_interval: positive('ms'),
  inline_limit: integer_between(0, MAX_INLINE_BYTES),
  compact_above: positive('bytes'),
  on_notice: A_FUNCTION,
  disk: AN_OBJECT,
};

/** Options with all that was not given filled in. */
export type ResolvedJournalOptions = { [K in keyof JournalOptions]-?: Exclude<JournalOptions[K], undefined> };

/** @throws UsageError (PARJOB_ERR_USAGE) that names the option */
export function resolve_journal_options(options: JournalOptions): ResolvedJournalOptions {
  check_options('Journal', options, TABLE);
  return {
    file: options.file,
    jobname: options.jobname,
    program: options.program,
    fsync: options.fsync ?? 'interval',
    fsync_interval: options.fsync_interval ?? 1000,
    inline_limit: options.inline_limit ?? 2 ** 16,
    compact_above: options.compact_above ?? 2 ** 25,
    on_notice: options.on_notice ?? (() => {}),
    disk: options.disk ?? SYSTEM_DISK,
  };
}
