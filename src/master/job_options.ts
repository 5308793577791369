/** The options of a Job: what they mean, what they may be, and what they are when not given. */
import { basename, extname } from 'node:path';
import type { Logger } from 'pino';
import { LOG_LEVELS, type LogLevel } from '../base/log.js';
import {
  A_STRING,
  check_options,
  type Expectation,
  either,
  integer_between,
  one_of,
  positive,
  STRINGS,
} from '../base/options.js';
import { UsageError } from '../errors.js';

/** Options of a Job. All times are milliseconds, all sizes bytes. */
export interface JobOptions {
  /**
   * Names the slaves, `<jobname>.slaveN`, and their log files.
   * @default name of the main script without extension
   */
  jobname?: string | undefined;
  /**
   * Name or address of this machine under which slaves reach it; the job listens on it.
   * @default loopback, as long as all slaves are local
   */
  host?: string | undefined;
  /**
   * Port to listen on, or the first and last of a range to choose a free one from.
   * @default 0: the system chooses
   */
  port?: number | readonly [first: number, last: number] | undefined;
  /**
   * What starts a slave, in the place of node and its flags: words, or text for the shell
   * (MODELLER's modeller_path).
   * @default the master's own: process.execPath and process.execArgv
   */
  slave_command?: string | readonly string[] | undefined;
  /**
   * Folder of the slaves' log files.
   * @default the working directory
   */
  log_dir?: string | undefined;
  /** A pino logger for the master's own lines. */
  logger?: Logger | undefined;
  /**
   * From which level on the master logs to stderr, when no `logger` is given, and each slave to its file.
   * @default 'warn' for the master, 'info' for the slaves
   */
  log_level?: LogLevel | undefined;
  /**
   * From the launch of a slave to its being ready for tasks.
   * @default 60_000
   */
  start_timeout?: number | undefined;
  /**
   * How often a slave says that it lives, however busy it is.
   * @default 2_000
   */
  heartbeat_interval?: number | undefined;
  /**
   * After such a silence a slave is taken for lost. Must exceed the interval.
   * @default 10_000
   */
  heartbeat_timeout?: number | undefined;
  /**
   * Most tasks that are sent to a slave ahead of time; 1 switches it off.
   * @default as many as fill about 5 ms of the slave's measured task time, 2 to 256
   */
  prefetch?: number | undefined;
  /**
   * Largest frame: one task's arguments or result.
   * @default 1 GiB
   */
  max_frame_bytes?: number | undefined;
  /**
   * Results that yield_tasks_unordered has not handed over yet: beyond this no new task is sent.
   * @default 256 MiB
   */
  max_result_bytes?: number | undefined;
}

const MEBIBYTE = 2 ** 20;

const A_PORT = integer_between(0, 65535);
const A_PORT_RANGE: Expectation = {
  expected: 'an array of two port numbers, the smaller first',
  holds: (v) =>
    Array.isArray(v) && v.length === 2 && v.every((p) => A_PORT.holds(p) && p > 0) && v[0] <= v[1],
};
const A_LOGGER: Expectation = {
  expected: 'a pino logger',
  holds: (v) => typeof v === 'object' && v !== null && typeof (v as { info?: unknown }).info === 'function',
};
const A_JOBNAME: Expectation = {
  expected: 'a string that can be part of a file name',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it
  holds: (v) => typeof v === 'string' && v !== '' && !/[/\\\u0000-\u001f]/.test(v),
};

const TABLE: Readonly<Record<keyof JobOptions, Expectation>> = {
  jobname: A_JOBNAME,
  host: A_STRING,
  port: either(A_PORT, A_PORT_RANGE),
  slave_command: either(A_STRING, STRINGS),
  log_dir: A_STRING,
  logger: A_LOGGER,
  log_level: one_of(...LOG_LEVELS),
  start_timeout: positive('ms'),
  heartbeat_interval: positive('ms'),
  heartbeat_timeout: positive('ms'),
  prefetch: integer_between(1, 2048),
  max_frame_bytes: integer_between(MEBIBYTE, 2 ** 32),
  max_result_bytes: positive('bytes'),
};

/** Options with all that was not given filled in. */
export interface ResolvedJobOptions {
  jobname: string;
  host: string | undefined;
  ports: readonly [number, number];
  slave_command: string | readonly string[] | undefined;
  log_dir: string;
  logger: Logger | undefined;
  log_level: LogLevel | undefined;
  start_timeout: number;
  heartbeat_interval: number;
  heartbeat_timeout: number;
  prefetch: number | undefined;
  max_frame_bytes: number;
  max_result_bytes: number;
}

/** @throws UsageError (PARJOB_ERR_USAGE) that names the option */
export function resolve_job_options(options: JobOptions = {}): ResolvedJobOptions {
  check_options('Job', options, TABLE);
  const {
    port = 0,
    heartbeat_interval = 2000,
    heartbeat_timeout = Math.max(10_000, 5 * heartbeat_interval),
  } = options;
  if (heartbeat_timeout <= heartbeat_interval) {
    throw new UsageError(
      `Job: heartbeat_timeout (${heartbeat_timeout} ms) must exceed heartbeat_interval (${heartbeat_interval} ms), or every slave would be taken for lost`,
    );
  }
  return {
    jobname: options.jobname ?? name_of_main_script(),
    host: options.host,
    ports: typeof port === 'number' ? [port, port] : port,
    slave_command: options.slave_command,
    log_dir: options.log_dir ?? '.',
    logger: options.logger,
    log_level: options.log_level,
    start_timeout: options.start_timeout ?? 60_000,
    heartbeat_interval,
    heartbeat_timeout,
    prefetch: options.prefetch,
    max_frame_bytes: options.max_frame_bytes ?? 1024 * MEBIBYTE,
    max_result_bytes: options.max_result_bytes ?? 256 * MEBIBYTE,
  };
}

function name_of_main_script(): string {
  const script = process.argv[1];
  return script === undefined ? 'stdin' : basename(script, extname(script));
}
