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
  | 'startup_command_failed';

/** What is known of a slave that could not be started. */
export interface LaunchFacts {
  /** The slave's name, `<jobname>.slaveN`. */
  slave: string;
  cause_kind: LaunchCause;
  /** The command that was run, word by word. */
  command?: readonly string[] | undefined;
  exit_code?: number | undefined;
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
  readonly remote_message: string;
  /** Its stack on the slave, if it had one. */
  readonly remote_stack: string | undefined;
  /** The own fields of the error that was thrown, such as `code`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Outcomes of the run's tasks that finished before this one failed; set by run_all_tasks. */
  finished?: readonly unknown[];

  constructor(thrown: unknown, facts: RemoteFacts) {
    const is_error = thrown instanceof Error;
    const name = is_error ? thrown.name : thrown === null ? 'null' : typeof thrown;
    const message = is_error ? thrown.message : describe_thrown(thrown);
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
  }
}

function describe_thrown(thrown: unknown): string {
  try {
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return inspect(thrown, { breakLength: Infinity });
  }
}

/** One run of a task on a slave that did not live to report it. */
export interface DeadAttempt {
  slave: string;
  /** What became of the process, in words: `was ended by SIGKILL`, `exited with code 3`. */
  reason: string;
  exit_code?: number | undefined;
  signal?: string | undefined;
  log_file?: string | undefined;
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

  constructor(what: string, index: number | undefined, attempts: readonly DeadAttempt[]) {
    const story = attempts.map((a, i) => `  attempt ${i + 1}: ${a.slave} ${a.reason}${indent_tail(a)}`);
    super(
      `${what} was given up: each of its ${attempts.length} attempts ended with the death of the slave that ran it.\n` +
        `${story.join('\n')}\nLook in the log files named above; the other tasks are not affected.`,
    );
    this.attempts = attempts;
    this.index = index;
  }
}

function indent_tail(attempt: DeadAttempt): string {
  const file = attempt.log_file === undefined ? '' : ` (log: ${attempt.log_file})`;
  if (attempt.log_tail === undefined || attempt.log_tail === '') return file;
  return `${file}\n${attempt.log_tail.replace(/^/gm, '    | ')}`;
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
  }
}
