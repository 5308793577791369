/** The options of a ParJob: what they mean, what they may be, and what they are when not given. */
import { existsSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import {
  A_BOOLEAN,
  A_FUNCTION,
  A_STRING,
  check_options,
  type Expectation,
  either,
  integer_between,
  one_of,
  positive,
  STRING_RECORD,
  show,
} from '../base/options.js';
import { UsageError } from '../errors.js';
import type { JobOptions } from '../master/job_options.js';
import { Slave } from '../master/slave.js';
import { A_COMMAND, type ParStyle, type SectionCommand } from './command.js';
import { ParFile } from './par_file.js';
import { type ParSource, Pars } from './pars.js';
import type { RunOutcome } from './plan_events.js';

/** What hooks know of a section that is about to run, or has. */
export interface SectionContext {
  /** Its id in sect_pars. */
  readonly id: string;
  /** Place in the order of sections, from 0. */
  readonly index: number;
  /** 1 in the first attempt. */
  readonly attempt: number;
  /** Name of the machine. */
  readonly host: string;
  /** Global parameters, its own, and those of its checkpoint. */
  readonly pars: Pars;
  /** Paths of its pieces on the host, by the names of the files. */
  readonly files: Readonly<Record<string, string>>;
  /** What the attempt before has reported last, if it can be gone on with. */
  readonly checkpoint: string | undefined;
  /** Folder on the host that is of this attempt alone. */
  readonly folder: string;
  /** The command that would be run by default. */
  command(): string[];
}

/** What a ParJob asks before and after its work: options, or methods of a class that extends it. All may be async but `assign`. */
export interface ParJobHooks {
  /**
   * What is run for a section. What is no command is a failure of the section.
   * @default section.command(): its program, with parameters and files
   */
  command_func?(section: SectionContext): SectionCommand | Promise<SectionCommand>;
  /** Before anything of a run: may still change sections and files. */
  prep_run?(restart: boolean): void | Promise<void>;
  /** On the master, before the program of a section starts. What it throws is a failure of the section. */
  prep_job?(section: SectionContext): void | Promise<void>;
  /** On the master, after it has ended well. What it throws is a failure of the section. */
  clean_job?(section: SectionContext): void | Promise<void>;
  /** The only host that may run a section; undefined: any. Not async. */
  assign?(id: string, index: number): string | undefined;
  /** When the run is over, however it ended. What it throws is thrown by `run`, unless that has an error of its own. */
  end_run?(outcome: RunOutcome): void | Promise<void>;
}

/** Options of a ParJob. All times are milliseconds, all sizes bytes. */
export interface ParJobOptions extends ParJobHooks {
  /** Section id to its parameters; sections run in this order. A number n stands for 0 to n - 1 without any. */
  sect_pars: Readonly<Record<string, ParSource>> | ReadonlyMap<string, ParSource> | number;
  /** Name to file. One may be exchanged between runs. */
  files: Record<string, ParFile>;
  /** The serial program: its path, or its words. Not needed with command_func. */
  program?: string | readonly string[] | undefined;
  /** Files that go to each host with the program, which is found in their folder there: true for the program itself. @default false */
  ship?: boolean | undefined;
  /** Go on with the run that the status file records. @default false */
  restart?: boolean | undefined;
  /** Parameters for every section; its own come before them. */
  global_pars?: ParSource | undefined;
  /** Starts of a section, on different hosts as far as there are, before it fails. @default 2 */
  attempts?: number | undefined;
  /** Parameters added to the command of a section that has a checkpoint: 'restart=1'. */
  restart_com?: string | undefined;
  /** How parameters are put to the program. @default 'key=value' */
  par_style?: ParStyle | undefined;
  /** Environment of the program. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Working directory of the program: that of the slave, or the folder of the attempt. @default 'slave' */
  cwd?: 'slave' | 'folder' | undefined;
  /** Longest time of an attempt, ms. @default Infinity */
  timeout?: number | undefined;
  /** Slaves to run on. They come before mfile. */
  slaves?: readonly Slave[] | undefined;
  /** Machine file. @default 'mfile' if there is one, else as many slaves here as there are processors */
  mfile?: string | undefined;
  /** Sections at once. @default the number of slaves */
  njobs?: number | undefined;
  /**
   * What is told on standard error: -1 nothing; 0 what went wrong, a line each; 1 sections sent and ended, and all
   * that is known of failures; 2 probes, files, progress; 3 parameters. @default 0
   */
  verb?: number | undefined;
  /** Folder for pieces on each host, or one by host name. @default DATAPATH, .datapath, the temporary folder */
  scratch?: string | Readonly<Record<string, string>> | undefined;
  /** @default `<jobname>.sections` in log_dir */
  status_file?: string | undefined;
  /** Names status file and logs. @default name of the main script without extension */
  jobname?: string | undefined;
  /** @default the working directory */
  log_dir?: string | undefined;
  /** When the attempts of a section are used up: stop the run, run the rest and then fail, or accept it up to a share. @default 'stop' */
  on_failure?: 'stop' | 'finish' | { tolerate: number } | undefined;
  /** Collect what there is when sections have failed. Otherwise all outputs stay on their hosts, for a restart. @default false */
  partial?: boolean | undefined;
  /** Run sections again whose outputs were on a host that is gone. @default true */
  redo?: boolean | undefined;
  /** A host of which nothing is heard for so long is gone, ms. @default 30_000 */
  host_timeout?: number | undefined;
  /** How often hosts are probed, ms. @default 60_000 */
  probe_interval?: number | undefined;
  /** A host with less room in its scratch folder is not used. @default 0 */
  min_free_bytes?: number | undefined;
  /** Keep the slaves for another run. @default false */
  keep_slaves?: boolean | undefined;
  /** Further options of the Job that the slaves are in. Its own lines are not logged unless `log_level` or `logger` is given. */
  job?: JobOptions | undefined;
}

const A_SHARE: Expectation = {
  expected: "'stop', 'finish', or { tolerate: a share from 0 to 1 }",
  holds: (v) => {
    if (v === 'stop' || v === 'finish') return true;
    const share = (v as { tolerate?: unknown } | null)?.tolerate;
    return typeof share === 'number' && share >= 0 && share <= 1;
  },
};
const SLAVES: Expectation = {
  expected: 'an array of slaves, at least one',
  holds: (v) => Array.isArray(v) && v.length > 0 && v.every((slave) => slave instanceof Slave),
};
const A_RECORD: Expectation = {
  expected: 'an object',
  holds: (v) => typeof v === 'object' && v !== null && !Array.isArray(v),
};
const A_PAR_SOURCE: Expectation = {
  expected: 'parameters: text, an object or a Pars',
  holds: (v) => typeof v === 'string' || A_RECORD.holds(v),
};
const A_TEXT: Expectation = { expected: 'a string', holds: (v) => typeof v === 'string' };

const TABLE: Readonly<Record<keyof ParJobOptions, Expectation>> = {
  sect_pars: either(A_RECORD, integer_between(1, 10_000_000)),
  files: A_RECORD,
  program: either(A_STRING, A_COMMAND),
  ship: A_BOOLEAN,
  restart: A_BOOLEAN,
  global_pars: A_PAR_SOURCE,
  attempts: integer_between(1, 1000),
  restart_com: A_TEXT,
  par_style: one_of('key=value', '--key value', 'json'),
  env: STRING_RECORD,
  cwd: one_of('slave', 'folder'),
  timeout: positive('ms'),
  slaves: SLAVES,
  mfile: A_STRING,
  njobs: integer_between(1, 1_000_000),
  verb: integer_between(-1, 5),
  scratch: either(A_STRING, STRING_RECORD),
  status_file: A_STRING,
  jobname: A_STRING,
  log_dir: A_STRING,
  on_failure: A_SHARE,
  partial: A_BOOLEAN,
  redo: A_BOOLEAN,
  host_timeout: positive('ms'),
  probe_interval: positive('ms'),
  min_free_bytes: { expected: 'a number of bytes from 0 on', holds: (v) => typeof v === 'number' && v >= 0 },
  keep_slaves: A_BOOLEAN,
  job: A_RECORD,
  command_func: A_FUNCTION,
  prep_run: A_FUNCTION,
  prep_job: A_FUNCTION,
  clean_job: A_FUNCTION,
  assign: A_FUNCTION,
  end_run: A_FUNCTION,
};

/** Options with all that was not given filled in. */
export interface ResolvedParJobOptions {
  restart: boolean;
  global_pars: Pars;
  attempts: number;
  restart_com: string;
  par_style: ParStyle;
  env: Readonly<Record<string, string>>;
  cwd: 'slave' | 'folder';
  timeout: number;
  slaves: readonly Slave[] | undefined;
  mfile: string | undefined;
  njobs: number | undefined;
  verb: number;
  scratch: string | Readonly<Record<string, string>> | undefined;
  status_file: string;
  jobname: string;
  log_dir: string;
  tolerated: number;
  is_tolerant: boolean;
  partial: boolean;
  redo: boolean;
  ship: boolean;
  host_timeout: number;
  probe_interval: number;
  min_free_bytes: number;
  keep_slaves: boolean;
  job: JobOptions;
}

/** @throws UsageError (PARJOB_ERR_USAGE) that names the option */
export function resolve_par_job_options(options: ParJobOptions): ResolvedParJobOptions {
  if (options === undefined) throw new UsageError('ParJob: sect_pars and files must be given');
  check_options('ParJob', options, TABLE);
  const { sect_pars, files, program } = options;
  check_work({ sect_pars, files, program });
  const { log_dir = '.', on_failure = 'stop', mfile } = options;
  const script = process.argv[1];
  const jobname = options.jobname ?? (script === undefined ? 'stdin' : basename(script, extname(script)));
  if (mfile !== undefined && options.slaves === undefined && !existsSync(mfile))
    throw new UsageError(
      `ParJob: there is no machine file ${mfile}: write one, with a host a line ('node1:4'), or give slaves`,
    );
  return {
    restart: options.restart === true,
    global_pars: new Pars(options.global_pars),
    attempts: options.attempts ?? 2,
    restart_com: options.restart_com ?? '',
    par_style: options.par_style ?? 'key=value',
    env: options.env ?? {},
    cwd: options.cwd ?? 'slave',
    timeout: options.timeout ?? Infinity,
    slaves: options.slaves,
    mfile: mfile ?? (existsSync('mfile') ? 'mfile' : undefined),
    njobs: options.njobs,
    verb: options.verb ?? 0,
    scratch: options.scratch,
    status_file: options.status_file ?? join(log_dir, `${jobname}.sections`),
    jobname,
    log_dir,
    tolerated: on_failure === 'stop' ? 0 : on_failure === 'finish' ? 1 : on_failure.tolerate,
    is_tolerant: typeof on_failure === 'object',
    partial: options.partial === true,
    redo: options.redo !== false,
    ship: options.ship === true,
    host_timeout: options.host_timeout ?? 30_000,
    probe_interval: options.probe_interval ?? 60_000,
    min_free_bytes: options.min_free_bytes ?? 0,
    keep_slaves: options.keep_slaves === true,
    job: options.job ?? {},
  };
}

/** What a ParJob holds and a user may have changed since. @throws UsageError (PARJOB_ERR_USAGE) */
export function check_work(work: Pick<ParJobOptions, 'sect_pars' | 'files' | 'program'>): void {
  check_options('ParJob', work, TABLE);
  if (work.sect_pars === undefined) throw new UsageError('ParJob: sect_pars must be given');
  if (work.files === undefined) throw new UsageError('ParJob: files must be given, {} when there are none');
  check_files(work.files);
}

function check_files(files: unknown): void {
  const collected = new Map<string, string>();
  const inputs = new Map<string, string>();
  for (const [key, file] of Object.entries(files as object)) {
    if (!(file instanceof ParFile))
      throw new UsageError(`ParJob: the file ${key} must be a CopyFile or a SplitFile, got ${show(file)}`);
    if (file.usage === 'INPUT') inputs.set(resolve(file.name), key);
    if (!file.collect_it) continue;
    const path = resolve(file.name);
    const other = collected.get(path);
    if (other !== undefined)
      throw new UsageError(
        `ParJob: the files ${other} and ${key} are both collected as ${file.name}: give one another name`,
      );
    collected.set(path, key);
  }
  for (const [path, key] of collected) {
    const input = inputs.get(path);
    if (input !== undefined)
      throw new UsageError(
        `ParJob: the output ${key} would replace the input ${input}, ${path}, which a restart needs: give it another name`,
      );
  }
}

/** Sections with their parameters, in their order. */
export function sections_of(sect_pars: ParJobOptions['sect_pars']): Map<string, Pars> {
  if (typeof sect_pars === 'number')
    return new Map(Array.from({ length: sect_pars }, (_, i) => [String(i), new Pars()]));
  const entries = sect_pars instanceof Map ? [...sect_pars] : Object.entries(sect_pars);
  const sections = new Map(entries.map(([id, pars]) => [String(id), pars_of(id, pars)]));
  if (sections.size === 0) throw new UsageError('ParJob: sect_pars has no section');
  if (sections.has('')) throw new UsageError('ParJob: the id of a section must not be empty');
  return sections;
}

function pars_of(id: string, pars: ParSource): Pars {
  try {
    return new Pars(pars);
  } catch (error) {
    throw new UsageError(`ParJob: section ${id}: ${(error as Error).message}`, { cause: error });
  }
}
