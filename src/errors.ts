/**
 * Every error that parjob throws, as one tree.
 *
 *   ParjobError                PARJOB_ERR              base, never thrown itself
 *   ├─ UsageError              PARJOB_ERR_USAGE        an argument or option that cannot be
 *   ├─ StateError              PARJOB_ERR_STATE        a call that this state forbids
 *   ├─ ProtocolError           PARJOB_ERR_PROTOCOL     the peer sent what it may not send
 *   ├─ NetworkError            PARJOB_ERR_NETWORK      a link broke or timed out
 *   ├─ LaunchError             PARJOB_ERR_LAUNCH       a slave could not be started
 *   ├─ RemoteError             PARJOB_ERR_REMOTE       user code on a slave threw
 *   ├─ SlaveDiedError          PARJOB_ERR_SLAVE_DIED   a task's slaves died while they ran it
 *   ├─ TaskTimeoutError        PARJOB_ERR_TIMEOUT      a task took longer than it may
 *   ├─ CancelledError          PARJOB_ERR_CANCELLED    a task was cancelled
 *   ├─ StatusFileError         PARJOB_ERR_STATUS_FILE  a status file that cannot be used
 *   ├─ SectionFailedError      PARJOB_ERR_SECTION      sections of a ParJob are not done
 *   └─ NoMoreSlavesError       PARJOB_ERR_NO_SLAVES    tasks are left and no slave is
 *
 * Match on `code`, not on the class: the code is the promise we keep.
 */

import { inspect } from 'node:util';

/** The base of every error that parjob throws. */
export class ParjobError extends Error {
  static {
    this.prototype.name = 'ParjobError';
  }
  /** Stable across releases; `error.code` is what to match on. */
  readonly code: string = 'PARJOB_ERR';
}

/**
 * Has fields left out when an error is printed, by node itself for one that nobody caught: they repeat its message, or
 * hold all results of a run. They are read as any others.
 */
function keep_from_print(error: ParjobError, ...fields: readonly string[]): void {
  for (const field of fields) {
    const value = (error as unknown as Record<string, unknown>)[field];
    Object.defineProperty(error, field, { value, writable: true, configurable: true, enumerable: false });
  }
}

/** An argument or option that cannot be: unknown, of the wrong type, or a value that cannot be sent. */
export class UsageError extends ParjobError {
  static {
    this.prototype.name = 'UsageError';
  }
  override readonly code = 'PARJOB_ERR_USAGE';
}

/** A call that the present state forbids, such as a second run on one job. */
export class StateError extends ParjobError {
  static {
    this.prototype.name = 'StateError';
  }
  override readonly code = 'PARJOB_ERR_STATE';
}

/** The peer sent bytes or messages that the protocol does not allow. */
export class ProtocolError extends ParjobError {
  static {
    this.prototype.name = 'ProtocolError';
  }
  override readonly code = 'PARJOB_ERR_PROTOCOL';
}

/** A connection broke, could not be made, or fell silent. */
export class NetworkError extends ParjobError {
  static {
    this.prototype.name = 'NetworkError';
  }
  override readonly code = 'PARJOB_ERR_NETWORK';
}

/** Why a slave could not be started. The words are stable and may be matched on. */
export type LaunchCause =
  /** The command that should start the slave does not exist or may not be run. */
  | 'command_not_found'
  /** The process could not be made: no log file, no memory, too many processes; `cause` says which. */
  | 'cannot_start'
  /** The process ended before it connected; `exit_code` or `signal`, and `log_tail`, say more. */
  | 'exited'
  /** The command runs a Node that is too old. */
  | 'wrong_node_version'
  /** The slave speaks another version of the protocol. */
  | 'version_differs'
  /** The slave could not reach any of the addresses of the master. */
  | 'cannot_reach'
  /** The slave and the master do not share the job's secret. */
  | 'bad_secret'
  /** The process lives but has not connected within `start_timeout`. */
  | 'timed_out'
  /** A start-up command threw; `cause` is its RemoteError. */
  | 'startup_command_failed'
  /** ssh cannot find the node by that name. */
  | 'cannot_resolve'
  /** ssh cannot reach the node, or nobody there listens. */
  | 'node_unreachable'
  /** The node does not let us in: key, account, or a host key that is not known. */
  | 'access_denied'
  /** The working directory of the master is not there, or its log file cannot be written there. */
  | 'directory_missing'
  /** parjob is not where it is on the master's machine, or lacks what it needs. */
  | 'package_missing'
  /** The batch system does not take the job, or will never run it. */
  | 'submit_refused'
  /** The command that submits said something that cannot be understood. */
  | 'submit_unreadable'
  /** The job left the queue of its batch system before the slave could connect. */
  | 'left_queue';

/** What is known of a slave that could not be started. */
export interface LaunchFacts {
  /** The slave's name, `<jobname>.slaveN`. */
  slave: string;
  /** Why it did not start. */
  cause_kind: LaunchCause;
  /** The command that was run, word by word. */
  command?: readonly string[] | undefined;
  /** With which its process ended, if it exited. */
  exit_code?: number | undefined;
  /** By which its process was ended, if it was: `SIGKILL`. */
  signal?: string | undefined;
  /** The slave's log file. */
  log_file?: string | undefined;
  /** The last lines of that file. */
  log_tail?: string | undefined;
}

/** A slave could not be started. `cause_kind` names the reason. */
export class LaunchError extends ParjobError implements LaunchFacts {
  static {
    this.prototype.name = 'LaunchError';
  }
  override readonly code = 'PARJOB_ERR_LAUNCH';
  readonly slave: string;
  readonly cause_kind: LaunchCause;
  readonly command: readonly string[] | undefined;
  readonly exit_code: number | undefined;
  readonly signal: string | undefined;
  readonly log_file: string | undefined;
  readonly log_tail: string | undefined;

  constructor(message: string, facts: LaunchFacts, options?: ErrorOptions) {
    super(message, options);
    this.slave = facts.slave;
    this.cause_kind = facts.cause_kind;
    this.command = facts.command;
    this.exit_code = facts.exit_code;
    this.signal = facts.signal;
    this.log_file = facts.log_file;
    this.log_tail = facts.log_tail;
    keep_from_print(this, 'command', 'log_tail');
  }
}

/** Where a RemoteError came from. */
export interface RemoteFacts {
  /** The slave's name, `<jobname>.slaveN`. */
  slave: string;
  /** What ran there: `task 41 (BuildModel)`, `command 2`. */
  what: string;
  /** Index of the task in the order of queue_task; undefined for run_task and commands. */
  index?: number | undefined;
}

/**
 * User code on a slave threw. `cause` is what it threw, rebuilt: an Error keeps its name, message,
 * stack, cause chain and own fields; any other value is itself.
 */
export class RemoteError extends ParjobError implements RemoteFacts {
  static {
    this.prototype.name = 'RemoteError';
  }
  override readonly code = 'PARJOB_ERR_REMOTE';
  readonly slave: string;
  readonly what: string;
  readonly index: number | undefined;
  /** The `name` of the error that was thrown; `typeof` of a thrown value that is no Error. */
  readonly remote_name: string;
  /** The `message` of the error that was thrown; other values as text. */
  readonly remote_message: string;
  /** Its stack on the slave, if it had one. */
  readonly remote_stack: string | undefined;
  /** The own fields of the error that was thrown, such as `code`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Outcomes of the run's tasks that finished before this one failed; set by run_all_tasks. */
  finished?: readonly unknown[];

  constructor(thrown: unknown, facts: RemoteFacts) {
    const is_error = thrown instanceof Error;
    const name = is_error ? String(thrown.name) : thrown === null ? 'null' : typeof thrown;
    const message = is_error ? String(thrown.message) : describe_thrown(thrown);
    super(`${name}: ${message}, from ${facts.slave} in ${facts.what}`, { cause: thrown });
    this.slave = facts.slave;
    this.what = facts.what;
    this.index = facts.index;
    this.remote_name = name;
    this.remote_message = message;
    this.remote_stack = is_error ? thrown.stack : undefined;
    this.fields = is_error ? { ...thrown } : {};
    if (this.remote_stack !== undefined) {
      this.stack = `${this.name}: ${this.message}\n  on ${facts.slave}: ${this.remote_stack}`;
    }
    keep_from_print(this, 'what', 'remote_name', 'remote_message', 'remote_stack', 'fields', 'finished');
  }
}

function describe_thrown(thrown: unknown): string {
  try {
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    // not JSON: of what refers to one thing in many places that makes a text without end
    const limits = { breakLength: Infinity, depth: 1, maxArrayLength: 20, maxStringLength: 1000 };
    return inspect(thrown, limits).slice(0, 2000);
  } catch {
    return 'an object that cannot be shown';
  }
}

/** Why a slave is gone that was ready. Each kind is charged to somebody else. */
export type LossKind =
  /** Its process ended by itself: charged to the task that ran. */
  | 'died'
  /** Nothing is heard of it any more, node or network: charged to nobody, within limits. */
  | 'lost'
  /** Its batch system ended it: charged to nobody. */
  | 'evicted'
  /** It was killed for the task that ran, which had taken too much time. */
  | 'timed_out'
  /** It was killed for the task that ran, which had been cancelled. */
  | 'cancelled'
  /** It was killed because it had taken too much memory: charged to the task that ran. */
  | 'too_large';

/** One run of a task on a slave that did not live to report it. */
export interface DeadAttempt {
  /** What kind of loss it was. */
  why: LossKind;
  /** The slave's name, `<jobname>.slaveN`. */
  slave: string;
  /** Name of the machine. */
  host: string;
  /** Time that the slave had the task, to the moment when it was known to be gone, ms. */
  run_ms?: number | undefined;
  /** Most resident memory that its process ever had, as last heard of, bytes. */
  peak_memory?: number | undefined;
  /** What became of the process, in words: `was ended by SIGKILL`, `exited with code 3`. */
  reason: string;
  /** With which its process ended, if it exited. */
  exit_code?: number | undefined;
  /** By which its process was ended, if it was: `SIGKILL`. */
  signal?: string | undefined;
  /** The slave's log file. */
  log_file?: string | undefined;
  /** The last lines of that file. */
  log_tail?: string | undefined;
}

/** Every attempt at a task ended with the death of the slave that ran it. */
export class SlaveDiedError extends ParjobError {
  static {
    this.prototype.name = 'SlaveDiedError';
  }
  override readonly code = 'PARJOB_ERR_SLAVE_DIED';
  /** The evidence, one entry an attempt. */
  readonly attempts: readonly DeadAttempt[];
  /** Index of the task in the order of queue_task; undefined for run_task. */
  readonly index: number | undefined;
  /** As in RemoteError. */
  finished?: readonly unknown[];

  /** @param earlier deaths in an earlier run of the program, of which only the number is known */
  constructor(what: string, index: number | undefined, attempts: readonly DeadAttempt[], earlier = 0) {
    const before = earlier === 0 ? '' : `, ${earlier} of them in an earlier run of the program`;
    const story = attempts.map((a, i) => `  attempt ${i + 1}: ${a.slave} ${a.reason}${indent_tail(a)}`);
    super(
      `${what} was given up: each of its ${attempts.length + earlier} attempts ended with the death of the slave that ran it${before}.\n` +
        `${story.join('\n')}\nLook in the log files named above; the other tasks are not affected.`,
    );
    this.attempts = attempts;
    this.index = index;
    keep_from_print(this, 'attempts', 'finished');
  }
}

function indent_tail(attempt: DeadAttempt): string {
  const { host, run_ms, peak_memory, log_file } = attempt;
  const facts = [`on ${host}`];
  if (run_ms !== undefined) facts.push(`after ${format_ms(run_ms)}`);
  if (peak_memory !== undefined) facts.push(`peak memory ${Math.ceil(peak_memory / 2 ** 20)} MiB`);
  if (log_file !== undefined) facts.push(`log: ${log_file}`);
  const file = ` (${facts.join(', ')})`;
  if (attempt.log_tail === undefined || attempt.log_tail === '') return file;
  return `${file}\n${attempt.log_tail.replace(/^/gm, '    | ')}`;
}

function format_ms(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}

/** A task took longer than its `timeout`, in each of its runs. */
export class TaskTimeoutError extends ParjobError {
  static {
    this.prototype.name = 'TaskTimeoutError';
  }
  override readonly code = 'PARJOB_ERR_TIMEOUT';
  /** The limit, ms. */
  readonly timeout: number;
  /** The slave that ran it last. */
  readonly slave: string;
  /** Index of the task in the order of queue_task; undefined for run_task. */
  readonly index: number | undefined;
  /** As in RemoteError. */
  finished?: readonly unknown[];

  constructor(what: string, index: number | undefined, timeout: number, slave: string, was_killed: boolean) {
    const end = was_killed
      ? 'it did not end when told to, so its slave was killed and replaced'
      : 'it ended when that time was over';
    super(
      `${what} took longer than its timeout of ${timeout} ms on ${slave}; ${end}: ` +
        'raise the option timeout, or let the task look at current_task().signal',
    );
    this.timeout = timeout;
    this.slave = slave;
    this.index = index;
    keep_from_print(this, 'finished');
  }
}

/** A task was cancelled, by its handle or by a signal. `cause` is the reason given. */
export class CancelledError extends ParjobError {
  static {
    this.prototype.name = 'CancelledError';
  }
  override readonly code = 'PARJOB_ERR_CANCELLED';
  /** Index of the task in the order of queue_task; undefined for run_task. */
  readonly index: number | undefined;
  /** As in RemoteError. */
  finished?: readonly unknown[];

  constructor(what: string, index: number | undefined, reason: unknown) {
    const said = reason instanceof Error ? reason.message : reason;
    const why = typeof said === 'string' && said !== '' ? `: ${said}` : '';
    super(`${what} was cancelled${why}`, reason === undefined ? undefined : { cause: reason });
    this.index = index;
    keep_from_print(this, 'finished');
  }
}

/** What is wrong with a status file. The words are stable and may be matched on. */
export type StatusFileProblem =
  /** Another master has it open. */
  | 'locked'
  /** It was open here, and another master has taken it over since. */
  | 'lock_lost'
  /** It is of another program, or of another job of this one. */
  | 'other_program'
  /** It is something else: no file, or one that parjob did not write. */
  | 'not_a_status_file'
  /** A newer parjob has written it. */
  | 'newer_format'
  /** A line in it is not what parjob writes; `line` says which. */
  | 'damaged'
  /** The system did not let us read it; `cause` says why. */
  | 'unreadable'
  /** The system did not let us write it, or the lock beside it; `cause` says why. */
  | 'unwritable';

/** A status file cannot be used. `problem` names the reason. */
export class StatusFileError extends ParjobError {
  static {
    this.prototype.name = 'StatusFileError';
  }
  override readonly code = 'PARJOB_ERR_STATUS_FILE';
  /** Path of the status file. */
  readonly file: string;
  /** What is wrong with it. */
  readonly problem: StatusFileProblem;
  /** Number of the damaged line, from 1. */
  readonly line: number | undefined;

  constructor(
    message: string,
    facts: { file: string; problem: StatusFileProblem; line?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.file = facts.file;
    this.problem = facts.problem;
    this.line = facts.line;
  }
}

/** What is known of a section that failed. */
export interface FailedSection {
  /** Its id in sect_pars. */
  id: string;
  /** What its last attempt ended with. */
  error: string;
  /** The machines that it was tried on, in order. */
  hosts: readonly string[];
  /** Log of its last attempt, if its program was started. */
  log_file: string | undefined;
}

/** A run of sections ended, and not all of them are done. */
export class SectionFailedError extends ParjobError {
  static {
    this.prototype.name = 'SectionFailedError';
  }
  override readonly code = 'PARJOB_ERR_SECTION';
  /** The sections that failed. */
  readonly sections: readonly FailedSection[];

  constructor(message: string, sections: readonly FailedSection[]) {
    const story = sections.map(({ id, error, hosts, log_file }) => {
      const where = hosts.length === 0 ? '' : ` (on ${hosts.join(', ')})`;
      const log = log_file === undefined ? '' : `\n    log: ${log_file}`;
      return `  section ${id}${where}: ${error.replace(/\n/g, '\n    ')}${log}`;
    });
    super([message, ...story].join('\n'));
    this.sections = sections;
    keep_from_print(this, 'sections');
  }
}

/** Tasks are left and no slave is, nor can one be had. `cause` is the launch or network error, if all had the same. */
export class NoMoreSlavesError extends ParjobError {
  static {
    this.prototype.name = 'NoMoreSlavesError';
  }
  override readonly code = 'PARJOB_ERR_NO_SLAVES';
  /** What happened to each slave: its name and its last error. */
  readonly slaves: readonly { slave: string; error: Error }[];
  /** As in RemoteError. */
  finished?: readonly unknown[];

  constructor(message: string, slaves: readonly { slave: string; error: Error }[], options?: ErrorOptions) {
    super(message, options);
    this.slaves = slaves;
    keep_from_print(this, 'slaves', 'finished');
  }
}
