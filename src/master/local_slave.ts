/** LocalSlave: a slave on this machine. */
import { availableParallelism } from 'node:os';
import { check_options, integer_between, STRING_RECORD, STRINGS } from '../base/options.js';
import { LocalLauncher } from '../launch/local.js';
import { Slave } from './slave.js';

/** Options of a LocalSlave. */
export interface LocalSlaveOptions {
  /** Environment variables, over those of the master; undefined unsets one. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Flags for node, after those of the master: `['--max-old-space-size=4096']`. */
  node_flags?: readonly string[] | undefined;
  /**
   * Scheduling priority as of nice(1), from -20 (first) to 19 (last).
   * @default the master's
   */
  nice?: number | undefined;
}

/**
 * A slave that is a process on this machine, in the master's working directory.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class LocalSlave extends Slave {
  override readonly launcher: LocalLauncher;

  constructor(options: LocalSlaveOptions = {}) {
    super();
    check_options('LocalSlave', options, {
      env: STRING_RECORD,
      node_flags: STRINGS,
      nice: integer_between(-20, 19),
    });
    this.launcher = new LocalLauncher(options);
  }
}

/**
 * As many local slaves as wanted, all with the same options.
 * @param n how many; by default os.availableParallelism(), one a core
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export function local_slaves(
  n: number = availableParallelism(),
  options: LocalSlaveOptions = {},
): LocalSlave[] {
  check_options('local_slaves', { n }, { n: integer_between(0, 100_000) });
  return Array.from({ length: n }, () => new LocalSlave(options));
}
