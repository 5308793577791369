/** What is said of a slave that did not start, or is gone: facts into words, with what to do about them. */
import { type LaunchCause, LaunchError } from '../errors.js';
import { cause_of_exit } from './exit_code.js';
import type { ProcessEnd } from './launcher.js';
import { log_tail, says_heap_is_full } from './log_tail.js';

/** What became of a process, in words that follow its name. Its log tells from byte `log_start` on. */
export function describe_end(end: ProcessEnd, log_file: string, log_start: number): string {
  if (end.error !== undefined) return `could not be started (${end.error.message})`;
  if (end.signal === 'SIGABRT' && says_heap_is_full(log_file, log_start)) {
    return `ran out of memory: its JavaScript heap reached node's limit (raise it with node_flags: ['--max-old-space-size=...'])`;
  }
  if (end.signal !== undefined)
    return `was ended by ${end.signal}${end.signal === 'SIGKILL' ? ' (killed by someone, or by the kernel for want of memory)' : ''}`;
  return end.exit_code === undefined ? 'has ended' : `exited with code ${end.exit_code}`;
}

const REMEDIES: Readonly<Record<LaunchCause, string>> = {
  command_not_found: "give the Job's option slave_command a command that exists on that machine",
  cannot_start: 'see the reason above',
  exited: 'its last words are below; try the command by hand',
  wrong_node_version: 'parjob needs Node 20.19 or newer: let slave_command name such a node',
  version_differs: 'install the same version of parjob for master and slave',
  cannot_reach: "give the Job's option host a name or address under which the slave can reach this machine",
  bad_secret: 'another program, or another job, answers at the address of this job: use another port',
  timed_out: "raise the Job's option start_timeout, or look in the log why it is slow",
  startup_command_failed: 'mend that command in job.slave_startup_commands',
};

export interface FailedLaunch {
  slave: string;
  command: readonly string[];
  log_file: string;
  /** Where what this process wrote begins in it, bytes. */
  log_start: number;
}

/** The error for a launch that failed for `cause_kind`. */
export function launch_error(
  launch: FailedLaunch,
  cause_kind: LaunchCause,
  what: string,
  cause?: unknown,
  end?: ProcessEnd,
): LaunchError {
  const tail = log_tail(launch.log_file, launch.log_start);
  const { slave, command, log_file } = launch;
  const lines = [
    `slave ${slave} did not start: ${what}; ${REMEDIES[cause_kind]}`,
    `  command: ${command.join(' ')}`,
    `  log: ${log_file}`,
  ];
  if (tail !== undefined) lines.push(tail.replace(/^/gm, '    | '));
  const facts = {
    slave,
    cause_kind,
    command,
    log_file,
    log_tail: tail,
    exit_code: end?.exit_code,
    signal: end?.signal,
  };
  return new LaunchError(lines.join('\n'), facts, cause === undefined ? undefined : { cause });
}

/** The error for a process that ended before it was ready. */
export function exit_error(launch: FailedLaunch, end: ProcessEnd): LaunchError {
  const what = `its process ${describe_end(end, launch.log_file, launch.log_start)}`;
  if (end.error === undefined)
    return launch_error(launch, cause_of_exit(end.exit_code), what, undefined, end);
  const is_missing = end.error.code === 'ENOENT' || end.error.code === 'EACCES';
  return launch_error(launch, is_missing ? 'command_not_found' : 'cannot_start', what, end.error, end);
}
