/** The options of a Job: what they mean, what they may be, and what they are when not given. */
import { basename, extname, join } from 'node:path';
import type { Logger } from 'pino';
import { LOG_LEVELS, type LogLevel } from '../base/log.js';
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
  STRINGS,
} from '../base/options.js';
import { UsageError } from '../errors.js';
import type { Slave } from './slave.js';
import type { WatchingOptions } from './watching.js';

/**
 * What is done when a task goes wrong. Options of a Job, and of a single task, which come first. All times are
 * milliseconds.
 */
export interface TrustOptions {
  /**
   * Runs of a task in all, when each ends with the death of the slave that ran it.
   * @default 2
   */
  attempts?: number | undefined;
  /**
   * Further runs of a task that throws, or takes longer than its timeout.
   * @default 0
   */
  retries?: number | undefined;
  /**
   * Whether a failure is worth another run. Not called when no retry is left.
   * @default every failure is
   */
  retry_if?: ((error: Error) => boolean) | undefined;
  /**
   * Wait before the first of the retries; doubled for each further one, up to ten minutes.
   * @default 1_000
   */
  retry_delay?: number | undefined;
  /**
   * Longest time that a task may run, from its start on the slave. Then its signal is aborted, and
   * `cancel_grace` later its slave is killed and replaced.
   * @default Infinity
   */
  timeout?: number | undefined;
  /**
   * How long a task is expected to run. A slave whose batch system ends it before that gets no such task.
   * @default 1.5 times the mean of those that the slave has run
   */
  expected_time?: number | undefined;
}

/** Options of a Job. All times are milliseconds, all sizes bytes. */
export interface JobOptions extends TrustOptions, WatchingOptions {
  /**
   * Names the slaves, `<jobname>.slaveN`, and their log files.
   * @default name of the main script without extension
   */
  jobname?: string | undefined;
  /**
   * Name or address of this machine under which slaves of other machines reach it; the job listens on it.
   * @default the full name and all addresses of this machine, which those slaves try one after the other;
   * nobody but slaves of this machine can reach it while all slaves are local
   */
  host?: string | undefined;
  /**
   * Port to listen on, or the first and last of a range to choose a free one from.
   * @default 0: the system chooses
   */
  port?: number | readonly [first: number, last: number] | undefined;
  /**
   * Which connections are encrypted, by TLS 1.3 with the job's secret as key: those that leave this machine
   * (auto), all, or none. Whoever connects must prove that it knows the secret in any case.
   * @default 'auto'
   */
  encryption?: 'auto' | 'always' | 'never' | undefined;
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
  /**
   * A pino logger for the master's own lines.
   * @default one that writes to stderr, from `log_level` on
   */
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
   * @default 10_000, or five times `heartbeat_interval` if that is longer
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
  /**
   * Time that a task has to end after it was cancelled or its time was over. Then its slave is killed, with
   * all that its tasks have started, and replaced.
   * @default 5_000
   */
  cancel_grace?: number | undefined;
  /**
   * Tasks after which the process of a slave is replaced by a fresh one.
   * @default Infinity
   */
  max_tasks_per_slave?: number | undefined;
  /**
   * Resident memory above which the process of a slave is replaced when its task has ended.
   * @default Infinity
   */
  max_slave_memory?: number | undefined;
  /**
   * Resident memory above which the process of a slave is killed at once; the task that it ran counts as the
   * cause.
   * @default 1.5 times max_slave_memory
   */
  kill_slave_memory?: number | undefined;
  /**
   * A slave that has had nothing to do for so long is stopped; it is started again when it is needed.
   * @default Infinity, or 60_000 with `max_slaves`
   */
  idle_timeout?: number | undefined;
  /**
   * While more tasks wait than slaves are free, the job gets more slaves from `new_slaves`, up to so many in all.
   * @default it gets none
   */
  max_slaves?: number | undefined;
  /** Makes `count` slaves for a job with `max_slaves`: one needs the other. */
  new_slaves?: ((count: number) => Slave[]) | undefined;
  /**
   * A slave whose connection breaks while its process lives has so long to make it anew; nothing is lost
   * meanwhile.
   * @default 30_000
   */
  reconnect_timeout?: number | undefined;
  /**
   * Keep a record of each task of the queue, from which `restart` goes on: true for `<jobname>.status` in
   * `log_dir`, or the path of a file. What an earlier run has left there unfinished is moved aside.
   * @default false, or true with `restart`
   */
  status_file?: boolean | string | undefined;
  /**
   * Go on with the run that the status file records: tasks that have returned are not run again, their results
   * come from the file. Tasks that failed or had not ended are run. Begins a new file when there is none.
   * @default false
   */
  restart?: boolean | undefined;
  /**
   * When the status file is forced to the disk: before each outcome is handed over, once a second, or when
   * the system likes. Only a crash of the machine makes a difference.
   * @default 'interval'
   */
  fsync?: 'always' | 'interval' | 'never' | undefined;
  /**
   * When the master dies, its slaves end the task that they run, and keep the result for so long for the next
   * master, which restarts the run on this machine and takes them over. Needs a status file.
   * @default 0: they end with their master
   */
  lease?: number | undefined;
}

const MEBIBYTE = 2 ** 20;

const A_PORT = integer_between(0, 65535);
const A_PORT_RANGE: Expectation = {
  expected: 'an array of two port numbers, the smaller first',
  holds: (v) =>
    Array.isArray(v) && v.length === 2 && v.every((p) => A_PORT.holds(p) && p > 0) && v[0] <= v[1],
};
/** On or off, or where to serve. */
function service(...names: readonly string[]): Expectation {
  const holds = (v: unknown) =>
    typeof v === 'object' &&
    v !== null &&
    Object.entries(v).every(
      ([name, value]) => names.includes(name) && (name === 'port' ? A_PORT : A_STRING).holds(value),
    );
  return either(A_BOOLEAN, { expected: `an object with ${names.join(', ')}`, holds });
}
const A_LOGGER: Expectation = {
  expected: 'a pino logger',
  holds: (v) => typeof v === 'object' && v !== null && typeof (v as { info?: unknown }).info === 'function',
};
/** Files are named after it, with a suffix; a name has 255 bytes. */
const MOST_JOBNAME_BYTES = 200;
const A_JOBNAME: Expectation = {
  expected: `a name of at most ${MOST_JOBNAME_BYTES} bytes that can begin the name of a file, with no - in front`,
  holds: (v) =>
    typeof v === 'string' &&
    v !== '' &&
    !v.startsWith('-') &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it
    !/[/\\\u0000-\u001f]/.test(v) &&
    Buffer.byteLength(v) <= MOST_JOBNAME_BYTES,
};

/** Options that concern tasks. */
export const TRUST_TABLE: Readonly<Record<keyof TrustOptions, Expectation>> = {
  attempts: integer_between(1, 1000),
  retries: integer_between(0, 1000),
  retry_if: A_FUNCTION,
  retry_delay: positive('ms'),
  timeout: positive('ms'),
  expected_time: positive('ms'),
};

const TABLE: Readonly<Record<keyof JobOptions, Expectation>> = {
  ...TRUST_TABLE,
  jobname: A_JOBNAME,
  host: A_STRING,
  port: either(A_PORT, A_PORT_RANGE),
  encryption: one_of('auto', 'always', 'never'),
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
  cancel_grace: positive('ms'),
  max_tasks_per_slave: either(integer_between(1, 2 ** 53 - 1), one_of(Infinity)),
  max_slave_memory: positive('bytes'),
  kill_slave_memory: positive('bytes'),
  idle_timeout: positive('ms'),
  max_slaves: integer_between(1, 100_000),
  new_slaves: A_FUNCTION,
  reconnect_timeout: positive('ms'),
  status_file: either(A_BOOLEAN, A_STRING),
  restart: A_BOOLEAN,
  progress: A_BOOLEAN,
  dashboard: service('port', 'host', 'token'),
  metrics: service('port', 'host'),
  trace: A_STRING,
  spans: A_BOOLEAN,
  channels: A_BOOLEAN,
  fsync: one_of('always', 'interval', 'never'),
  lease: { expected: 'a number of ms from 0 on', holds: (v) => typeof v === 'number' && v >= 0 },
};

/** Options with all that was not given filled in. */
export interface ResolvedJobOptions {
  jobname: string;
  host: string | undefined;
  ports: readonly [number, number];
  encryption: 'auto' | 'always' | 'never';
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
  attempts: number;
  retries: number;
  retry_if: ((error: Error) => boolean) | undefined;
  retry_delay: number;
  timeout: number | undefined;
  expected_time: number | undefined;
  cancel_grace: number;
  max_tasks_per_slave: number;
  max_slave_memory: number;
  kill_slave_memory: number;
  idle_timeout: number;
  max_slaves: number | undefined;
  new_slaves: ((count: number) => Slave[]) | undefined;
  reconnect_timeout: number;
  lease: number;
  /** Path of the status file, if one is kept. */
  status_file: string | undefined;
  restart: boolean;
  fsync: 'always' | 'interval' | 'never';
  watching: WatchingOptions;
}

/** @throws UsageError (PARJOB_ERR_USAGE) that names the option */
export function resolve_job_options(options: JobOptions = {}): ResolvedJobOptions {
  check_options('Job', options, TABLE);
  const {
    port = 0,
    heartbeat_interval = 2000,
    heartbeat_timeout = Math.max(10_000, 5 * heartbeat_interval),
    max_slave_memory = Infinity,
  } = options;
  if (heartbeat_timeout <= heartbeat_interval) {
    throw new UsageError(
      `Job: heartbeat_timeout (${heartbeat_timeout} ms) must exceed heartbeat_interval (${heartbeat_interval} ms), or every slave would be taken for lost`,
    );
  }
  if ((options.max_slaves === undefined) !== (options.new_slaves === undefined)) {
    throw new UsageError(
      'Job: max_slaves and new_slaves belong together: give how many slaves there may be, and a function that makes them',
    );
  }
  const { jobname = name_of_main_script(), log_dir = '.' } = options;
  const status_file = status_file_of(options, jobname, log_dir);
  if ((options.lease ?? 0) > 0 && status_file === undefined) {
    throw new UsageError(
      'Job: a lease keeps slaves for the restart of the run, which needs a record of it: give restart: true or status_file too',
    );
  }
  return {
    jobname,
    host: options.host,
    ports: typeof port === 'number' ? [port, port] : port,
    encryption: options.encryption ?? 'auto',
    slave_command: options.slave_command,
    log_dir,
    logger: options.logger,
    log_level: options.log_level,
    start_timeout: options.start_timeout ?? 60_000,
    heartbeat_interval,
    heartbeat_timeout,
    prefetch: options.prefetch,
    max_frame_bytes: options.max_frame_bytes ?? 1024 * MEBIBYTE,
    max_result_bytes: options.max_result_bytes ?? 256 * MEBIBYTE,
    attempts: options.attempts ?? 2,
    retries: options.retries ?? 0,
    retry_if: options.retry_if,
    retry_delay: options.retry_delay ?? 1000,
    timeout: options.timeout,
    expected_time: options.expected_time,
    cancel_grace: options.cancel_grace ?? 5000,
    max_tasks_per_slave: options.max_tasks_per_slave ?? Infinity,
    max_slave_memory,
    kill_slave_memory: options.kill_slave_memory ?? 1.5 * max_slave_memory,
    idle_timeout: options.idle_timeout ?? (options.max_slaves === undefined ? Infinity : 60_000),
    max_slaves: options.max_slaves,
    new_slaves: options.new_slaves,
    reconnect_timeout: options.reconnect_timeout ?? 30_000,
    lease: options.lease ?? 0,
    status_file,
    restart: options.restart === true,
    fsync: options.fsync ?? 'interval',
    watching: {
      progress: options.progress,
      dashboard: options.dashboard,
      metrics: options.metrics,
      trace: options.trace,
      spans: options.spans,
      channels: options.channels,
    },
  };
}

function status_file_of(
  { status_file, restart }: JobOptions,
  jobname: string,
  log_dir: string,
): string | undefined {
  if (typeof status_file === 'string') return status_file;
  if (status_file === false && restart === true) {
    throw new UsageError(
      'Job: restart goes on from the status file, which status_file: false switches off: leave one of them out',
    );
  }
  return status_file === true || restart === true ? join(log_dir, `${jobname}.status`) : undefined;
}

function name_of_main_script(): string {
  const script = process.argv[1];
  return script === undefined ? 'stdin' : basename(script, extname(script));
}
