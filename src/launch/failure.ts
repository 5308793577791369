/** What is said of a slave that did not start, or is gone: facts into words, with what to do about them. */
import { existsSync } from 'node:fs';
import { type LaunchCause, LaunchError } from '../errors.js';
import { SLAVE_SCRIPT } from './command.js';
import { cause_of_exit } from './exit_code.js';
import type { ProcessEnd } from './launcher.js';
import { log_tail, says_heap_is_full } from './log_tail.js';
import { quote_all } from './quote.js';

/** What became of a process, in words that follow its name. Its log tells from byte `log_start` on. */
export function describe_end(end: ProcessEnd, log_file: string, log_start: number): string {
  if (end.evicted !== undefined) return end.evicted;
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
  cannot_reach:
    "give the Job's option host a name or address under which the slave can reach this machine, or, with ssh, use tunnel: true",
  bad_secret: 'another program, or another job, answers at the address of this job: use another port',
  timed_out: "raise the Job's option start_timeout, or look in the log why it is slow",
  startup_command_failed: 'mend that command in job.slave_startup_commands',
  cannot_resolve: 'mend the name of the node, or give it in ~/.ssh/config',
  node_unreachable: 'see that the node is up, that its sshd listens, and that no firewall is in between',
  access_denied:
    'see that `ssh NODE true` works without a question: a key in ~/.ssh, an entry in known_hosts',
  directory_missing: 'start the master in a directory that exists on all machines, or share it',
  package_missing: 'install parjob on that machine where it is on this one, or share that directory',
  submit_refused: 'mend the options of the slave, or ask who keeps the batch system; try the command by hand',
  submit_unreadable: 'see what that command prints by hand; an alias or wrapper may stand in its place',
  left_queue: 'its last words, if any, are below; ask the batch system what it knows of that job',
};

/** What to do, where the kind alone does not tell. */
function remedy({ command }: FailedLaunch, cause_kind: LaunchCause, facts: RemedyFacts): string {
  const [program] = command;
  // what is missing is on this machine: mpirun, sbatch, ssh, or what slave_command names
  const is_here = facts.end?.error !== undefined || facts.end?.reason !== undefined;
  if (cause_kind === 'command_not_found' && is_here && program !== undefined) {
    const other = command.includes(SLAVE_SCRIPT) ? ", or give the Job's option slave_command another" : '';
    return `start the master where ${program} is in PATH and may be run${other}`;
  }
  if (cause_kind === 'cannot_start' && (facts.cause as NodeJS.ErrnoException | undefined)?.path !== undefined)
    return "give the Job's option log_dir a folder that exists, may be written in and has room";
  if (cause_kind === 'package_missing' && !existsSync(SLAVE_SCRIPT))
    return 'this program is a bundle, and parjob is in it: leave parjob out (external), for slaves start from its files';
  if (cause_kind === 'exited' && facts.tail === undefined)
    return 'it printed nothing; try the command by hand';
  return REMEDIES[cause_kind];
}

interface RemedyFacts {
  cause: unknown;
  end: ProcessEnd | undefined;
  /** The last words in its log. */
  tail: string | undefined;
}

/** A command for ssh holds a script, which is quoted twice: nobody reads that. All of it is in the error's `command`. */
const LONGEST_COMMAND = 240;

function cut(text: string): string {
  const line = text.replaceAll('\n', ' ');
  return line.length > LONGEST_COMMAND
    ? `${line.slice(0, LONGEST_COMMAND)} ... (error.command has all)`
    : line;
}

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
    `slave ${slave} did not start: ${what}; ${remedy(launch, cause_kind, { cause, end, tail })}`,
  ];
  if (command.length > 0) lines.push(`  command: ${cut(quote_all(command))}`);
  lines.push(`  log: ${log_file}`);
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

/** What ssh prints when it fails itself, with 255: OpenSSH 9. */
const SSH_SAYS: readonly [RegExp, LaunchCause, string][] = [
  [/Could not resolve hostname/i, 'cannot_resolve', 'ssh does not know a node of that name'],
  [
    /Permission denied|Too many authentication failures/i,
    'access_denied',
    'the node does not let this user in',
  ],
  [
    /Host key verification failed|HOST IDENTIFICATION HAS CHANGED/i,
    'access_denied',
    'ssh does not trust the node: its host key is unknown, or has changed',
  ],
  [
    /Connection refused|timed out|No route to host|Network is unreachable|port 22: /i,
    'node_unreachable',
    'ssh cannot reach the node',
  ],
  [
    /remote port forwarding failed/i,
    'cannot_start',
    'the port of its tunnel was taken on the node, or sshd there allows no forwarding; another port is tried next',
  ],
];
const EXIT_SSH = 255;
/** What node prints when the slave's script, or a part of it, is not there. */
const NO_PACKAGE = /Cannot find (?:module|package) '[^']*'|ERR_MODULE_NOT_FOUND/;

/** The error for a process that ended before it was ready. */
export function exit_error(launch: FailedLaunch, end: ProcessEnd): LaunchError {
  const { exit_code, error, reason } = end;
  if (reason !== undefined) return launch_error(launch, reason.cause, `it ${reason.text}`, undefined, end);
  const what = `its process ${describe_end(end, launch.log_file, launch.log_start)}`;
  if (error !== undefined) {
    const is_missing = error.code === 'ENOENT' || error.code === 'EACCES';
    return launch_error(launch, is_missing ? 'command_not_found' : 'cannot_start', what, error, end);
  }
  const tail = log_tail(launch.log_file, launch.log_start) ?? '';
  if (exit_code === EXIT_SSH) {
    const [, cause, said] = SSH_SAYS.find(([pattern]) => pattern.test(tail)) ?? [];
    if (cause !== undefined) return launch_error(launch, cause, said as string, undefined, end);
  }
  if (exit_code === 1 && NO_PACKAGE.test(tail)) {
    const said = 'node was found there, but not all of parjob';
    return launch_error(launch, 'package_missing', said, undefined, end);
  }
  return launch_error(launch, cause_of_exit(exit_code), what, undefined, end);
}
