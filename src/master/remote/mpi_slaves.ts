/** Slaves that mpirun starts. */
import { A_STRING, check_options, either, STRING_RECORD, STRINGS } from '../../base/options.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { GROUP_PACE } from '../../launch/pace.js';
import { Slave } from '../slave.js';
import { A_COUNT, check_argument, command_words } from './option_tables.js';

/** Options of mpi_slaves. */
export interface MpiSlavesOptions {
  /**
   * File of machines to run on, as mpirun reads it.
   * @default what mpirun takes: this machine, or the allocation that it runs in
   */
  hostfile?: string | undefined;
  /**
   * Command in the place of mpirun: words, or text that is split at blanks.
   * @default 'mpirun'
   */
  mpirun?: string | readonly string[] | undefined;
  /** Further words for mpirun, such as `['--map-by', 'node']`. */
  extra_args?: readonly string[] | undefined;
  /** Lines of shell that run before each slave. */
  setup?: readonly string[] | undefined;
  /** Environment variables of mpirun, over those of the master; undefined unsets one. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Flags for node, after those of the master. */
  node_flags?: readonly string[] | undefined;
}

class MpiSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(launcher: LazyLauncher) {
    super();
    this.launcher = launcher;
  }
}

/**
 * As many slaves as wanted, all started by one mpirun, of which they need nothing but that. The machines must share the
 * working directory.
 * @param n how many
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export function mpi_slaves(n: number, options: MpiSlavesOptions = {}): Slave[] {
  check_argument('mpi_slaves', 'n', n, A_COUNT);
  check_options('mpi_slaves', options, {
    hostfile: A_STRING,
    mpirun: either(A_STRING, STRINGS),
    extra_args: STRINGS,
    setup: STRINGS,
    env: STRING_RECORD,
    node_flags: STRINGS,
  });
  const { mpirun = 'mpirun', extra_args = [], env = {} } = options;
  const facts = { kind: 'mpi', host: 'mpirun', reach: 'network', pace: GROUP_PACE } as const;
  const launcher = new LazyLauncher(facts, async () => {
    const { GroupLauncher } = await import('../../launch/group.js');
    const { mpi_group } = await import('../../launch/mpi.js');
    return new GroupLauncher(mpi_group({ ...options, mpirun: command_words(mpirun), extra_args, env }));
  });
  return Array.from({ length: n }, () => new MpiSlave(launcher));
}
