/** The text of the scripts that start slaves elsewhere, for a POSIX shell. Pure; no secret in it. */
import { interpreter_text, SLAVE_SCRIPT, slave_words } from './command.js';
import { EXIT_NO_DIRECTORY, EXIT_NO_LOG } from './exit_code.js';
import type { LaunchOrder } from './launcher.js';
import { quote } from './quote.js';

/** Where a slave finds the job's secret: in the first line of its stdin, or in a file. */
export type SecretWay = 'stdin' | { file: string };

export interface ScriptOptions {
  node_flags?: readonly string[] | undefined;
  /** Lines of shell to run first, such as `module load node`. */
  setup?: readonly string[] | undefined;
}

/** Goes to the master's directory, or says so and ends. */
function enter_directory({ cwd }: LaunchOrder): string {
  const words = quote(`parjob: this machine has no directory ${cwd}, or it may not be entered`);
  return `cd ${quote(cwd)} || { echo ${words} >&2; exit ${EXIT_NO_DIRECTORY}; }`;
}

/** The slave takes the place of the shell; text of the user's may have several commands, and stays under it. `prefix` is run in its stead. */
function become_slave(
  order: LaunchOrder,
  options: ScriptOptions,
  words: readonly string[],
  prefix = '',
): string {
  const interpreter = interpreter_text(order, options.node_flags);
  const start = typeof order.slave_command === 'string' ? '' : `exec ${prefix}`;
  return `${start}${interpreter} ${quote(SLAVE_SCRIPT)} ${words.join(' ')}`;
}

/** Shell text for a word that makes what follows the leader of a session, and waits; empty where there is no setsid. */
const IN_OWN_SESSION = '$(command -v setsid >/dev/null && echo setsid -w) ';

function secret_words(way: SecretWay): string[] {
  return way === 'stdin' ? ['--secret', 'stdin'] : ['--secret', 'file', '--secret-file', quote(way.file)];
}

/** Starts one slave; its output goes where the shell's goes. */
export function slave_script(order: LaunchOrder, way: SecretWay, options: ScriptOptions): string {
  const { addresses } = order;
  const words = [
    ...slave_words(order).map(quote),
    '--connect',
    quote(addresses.join(',')),
    ...secret_words(way),
  ];
  const { setup = [] } = options;
  // in one line if it can be: csh, which may be what sshd runs, ends a quoted word with the line
  const ends_line = setup.length === 0 ? '; ' : '\n';
  return [enter_directory(order), ...setup, become_slave(order, options, words)].join(ends_line);
}

/** Shell text for the first of these variables that is set, or 0. */
export function first_set(...names: readonly string[]): string {
  return names.reduceRight((rest, name) => `\${${name}:-${rest}}`, '0');
}

export interface ArrayOptions extends ScriptOptions {
  /** Shell text that gives the place of a process among those started together: `$SLURM_ARRAY_TASK_ID`. */
  index: string;
  /** What it is for the first of them. */
  first: number;
  /** Each slave leads a session of its own, under a process that outlives it. */
  own_session?: boolean | undefined;
  /** Shell text that gives the end of its time, in seconds since 1970, if that is known. */
  ends_at?: string | undefined;
}

/** Starts, in each of the processes that run it, one slave of several, by the index of the process. Needs one order at least. */
export function array_script(orders: readonly LaunchOrder[], options: ArrayOptions): string {
  const [order] = orders as [LaunchOrder, ...LaunchOrder[]];
  const cases = orders.map((one, i) => {
    const { log_file, launch } = one;
    const mode = launch === 0 ? '>' : '>>';
    const words = slave_words(one).map(quote).join(' ');
    // `command`, for exec by itself ends the shell when the file cannot be opened
    return `  ${options.first + i}) set -- ${words}; command exec ${mode} ${quote(log_file)} 2>&1 || exit ${EXIT_NO_LOG} ;;`;
  });
  const words = [
    '"$@"',
    '--batch',
    '--connect',
    quote(order.addresses.join(',')),
    ...secret_words({ file: order.secret_file() }),
  ];
  if (options.ends_at !== undefined) words.push('--ends-at', `"${options.ends_at}"`);
  return [
    '#!/bin/sh',
    enter_directory(order),
    `case "${options.index}" in`,
    ...cases,
    `  *) echo "parjob: no slave has the index ${options.index}" >&2; exit 2 ;;`,
    'esac',
    ...(options.setup ?? []),
    become_slave(order, options, words, options.own_session === true ? IN_OWN_SESSION : ''),
    '',
  ].join('\n');
}
