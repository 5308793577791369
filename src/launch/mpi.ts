/** mpirun, of Open MPI, MPICH or Intel MPI: one command for all slaves. */
import type { GroupOptions } from './group.js';
import { first_set, type ScriptOptions } from './script.js';

export interface MpiLauncherOptions extends ScriptOptions {
  hostfile?: string | undefined;
  mpirun: readonly string[];
  extra_args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

/** Each kind of MPI tells a process its rank in its own way. */
const RANK = first_set('OMPI_COMM_WORLD_RANK', 'PMIX_RANK', 'PMI_RANK', 'MPI_LOCALRANKID');
/** One slave that fails must not end all: Open MPI 2 to 4, and 5. */
const GO_ON = Object.fromEntries(
  ['OMPI_MCA_orte', 'PRTE_MCA_prte'].map((prefix) => [`${prefix}_abort_on_non_zero_status`, '0']),
);

export function mpi_group(options: MpiLauncherOptions): GroupOptions {
  const { hostfile, mpirun, extra_args, env } = options;
  const hosts = hostfile === undefined ? [] : ['--hostfile', hostfile];
  return {
    ...options,
    kind: 'mpi',
    title: 'mpirun',
    index: RANK,
    // Open MPI 4 does not end when a rank was ended by a signal, as a slave is that ends itself with all its children
    own_session: true,
    env: { ...GO_ON, ...env },
    command: (count, script) => [...mpirun, '-n', String(count), ...hosts, ...extra_args, '/bin/sh', script],
  };
}
