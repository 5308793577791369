/** Slaves that Slurm starts: by sbatch, or by srun within an allocation. */
import { A_STRING, check_options, STRING_RECORD, STRINGS } from '../../base/options.js';
import { UsageError } from '../../errors.js';
import { allocation_size } from '../../launch/allocation.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { GROUP_PACE } from '../../launch/pace.js';
import type { SlurmOptions } from '../../launch/slurm.js';
import { Job } from '../job.js';
import type { JobOptions } from '../job_options.js';
import { Slave } from '../slave.js';
import { BatchSlave, batch_launcher } from './batch_slaves.js';
import { A_COUNT, BATCH_TABLE, check_argument } from './option_tables.js';

const TABLE = {
  ...BATCH_TABLE,
  partition: A_STRING,
  qos: A_STRING,
  constraint: A_STRING,
  gres: A_STRING,
};

/**
 * A slave that is a job of Slurm. Its working directory is the master's, so the nodes must share it.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class SlurmSlave extends BatchSlave {
  constructor(options: SlurmOptions | LazyLauncher = {}) {
    if (!(options instanceof LazyLauncher)) check_options('SlurmSlave', options, TABLE);
    super(options instanceof LazyLauncher ? options : slurm(options));
  }
}

function slurm(options: SlurmOptions): LazyLauncher {
  const load = async () => new (await import('../../launch/slurm.js')).Slurm(options);
  return batch_launcher('slurm', 'Slurm', load, options);
}

/**
 * As many slaves as wanted, submitted together as one array job.
 * @param n how many
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 * @example job.push(...slurm_slaves(16, { time: '1:00:00', partition: 'short' }));
 */
export function slurm_slaves(n: number, options: SlurmOptions = {}): SlurmSlave[] {
  check_argument('slurm_slaves', 'n', n, A_COUNT);
  check_options('slurm_slaves', options, TABLE);
  const launcher = slurm(options);
  return Array.from({ length: n }, () => new SlurmSlave(launcher));
}

/**
 * A job that submits slaves to Slurm while tasks wait, up to `max_slaves`, and gives back those that have been idle
 * for a minute (`idle_timeout`).
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 * @example await using job = new SlurmJob({ time: '1:00:00' }, 64);
 */
export class SlurmJob<Result = unknown> extends Job<Result> {
  constructor(
    options: SlurmOptions,
    max_slaves: number,
    slaves: Iterable<Slave> = [],
    job_options: JobOptions = {},
  ) {
    check_options('SlurmJob', options, TABLE);
    check_argument('SlurmJob', 'max_slaves', max_slaves, A_COUNT);
    super(slaves, { ...job_options, max_slaves, new_slaves: (count) => slurm_slaves(count, options) });
  }
}

/** Options of slurm_allocation_slaves. */
export interface SlurmAllocationOptions {
  /** Further words for srun. */
  extra_args?: readonly string[] | undefined;
  /** Lines of shell that run before each slave. */
  setup?: readonly string[] | undefined;
  /** Environment variables, over those of the master. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Flags for node, after those of the master. */
  node_flags?: readonly string[] | undefined;
}

class SrunSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(launcher: LazyLauncher) {
    super();
    this.launcher = launcher;
  }
}

/**
 * Slaves within the allocation that this program runs in (sbatch, salloc), all started by one srun.
 * @param n how many; by default as many tasks as the allocation was made for, or one for each of its CPUs
 * @throws UsageError (PARJOB_ERR_USAGE) outside of an allocation
 */
export function slurm_allocation_slaves(n?: number, options: SlurmAllocationOptions = {}): Slave[] {
  check_options('slurm_allocation_slaves', { n }, { n: A_COUNT });
  check_options('slurm_allocation_slaves', options, {
    extra_args: STRINGS,
    setup: STRINGS,
    env: STRING_RECORD,
    node_flags: STRINGS,
  });
  const size = allocation_size(process.env);
  if (size === undefined) {
    throw new UsageError(
      'slurm_allocation_slaves: this program does not run within an allocation of Slurm (SLURM_NTASKS and SLURM_JOB_CPUS_PER_NODE are not set): ' +
        'submit it with sbatch or run it under salloc, or use slurm_slaves, which submits the slaves itself',
    );
  }
  const { extra_args = [], env = {} } = options;
  const facts = { kind: 'srun', host: 'srun', reach: 'network', pace: GROUP_PACE } as const;
  const launcher = new LazyLauncher(facts, async () => {
    const { GroupLauncher } = await import('../../launch/group.js');
    const { srun_group } = await import('../../launch/srun.js');
    return new GroupLauncher(srun_group({ ...options, extra_args, env }));
  });
  return Array.from({ length: n ?? size }, () => new SrunSlave(launcher));
}
