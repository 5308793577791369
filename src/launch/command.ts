/** The command line of a slave. Pure text, no secret in it. */
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../base/package_root.js';
import type { LaunchOrder } from './launcher.js';
import { quote_all } from './quote.js';

/** The script that every slave runs. */
export const SLAVE_SCRIPT = fileURLToPath(new URL('bin/slave.js', PACKAGE_ROOT));

/** Flags of the master that would make a slave do something else, or fight for a debugger's port. */
const NOT_FOR_SLAVES =
  /^(--inspect|--watch|--test|--eval|--print|--check|--interactive|--input-type|--cpu-prof|--heap-prof|-[epci]$|-pe$)/;
/** Those of them whose value is a word of its own. */
const WITH_VALUE =
  /^(--eval|--print|-e|-p|-pe|--watch-path|--input-type|--inspect-port|--inspect-publish-uid|--(cpu|heap)-prof-(dir|name|interval)|--test-(name-pattern|skip-pattern|reporter|reporter-destination|concurrency|timeout|shard|isolation|coverage-\w+))$/;

/** The master's own flags, less those that are not for slaves. */
export function inherited_flags(flags: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string;
    if (!NOT_FOR_SLAVES.test(flag)) kept.push(flag);
    else if (WITH_VALUE.test(flag)) i++;
  }
  return kept;
}

/** What stands before the script on a slave's command line, as text for a POSIX shell. */
export function interpreter_text(order: LaunchOrder, node_flags: readonly string[] = []): string {
  const { slave_command } = order;
  if (typeof slave_command === 'string') return [slave_command, quote_all(node_flags)].join(' ').trim();
  const words = slave_command ?? [process.execPath, ...inherited_flags(process.execArgv)];
  return quote_all([...words, ...node_flags]);
}

/** What tells one slave from another on its command line. */
export function slave_words({ name, slave_id, launch }: LaunchOrder): string[] {
  return ['--name', name, '--id', String(slave_id), '--launch', String(launch)];
}

/** What follows the script on the slave's command line. */
export function slave_arguments(order: LaunchOrder): string[] {
  return [...slave_words(order), '--connect', order.addresses.join(',')];
}
