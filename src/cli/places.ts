/** Where slaves run, as the command line says it: `local:4,slurm:16,node7:4`. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.js';
import { local_slaves } from '../master/local_slave.js';
import { sge_qsub_slaves } from '../master/remote/grid_engine_slaves.js';
import { lsf_slaves } from '../master/remote/lsf_slaves.js';
import { mpi_slaves } from '../master/remote/mpi_slaves.js';
import { pbs_slaves } from '../master/remote/pbs_slaves.js';
import { slurm_slaves } from '../master/remote/slurm_slaves.js';
import { ssh_slaves } from '../master/remote/ssh_slave.js';
import type { Slave } from '../master/slave.js';

const KINDS: Readonly<Record<string, (n: number) => Slave[]>> = {
  local: (n) => local_slaves(n),
  slurm: (n) => slurm_slaves(n),
  sge: (n) => sge_qsub_slaves(n),
  pbs: (n) => pbs_slaves(n),
  lsf: (n) => lsf_slaves(n),
  mpi: (n) => mpi_slaves(n),
};

/**
 * The slaves that a list of places stands for: a kind or the name of a machine, and how many there.
 * @throws UsageError (PARJOB_ERR_USAGE)
 */
export function slaves_on(places: string): Slave[] {
  return places.split(',').flatMap((place) => {
    const [name = '', count] = place.trim().split(':');
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    if (kind === undefined && name !== '') return ssh_slaves([place.trim()]);
    const n = count === undefined ? (name === 'local' ? availableParallelism() : 1) : Number(count);
    if (kind !== undefined && Number.isInteger(n) && n > 0) return kind(n);
    throw new UsageError(
      `--on: ${JSON.stringify(place)}: expected a kind (${Object.keys(KINDS).join(', ')}) or a machine, with a number of slaves, as in slurm:16`,
    );
  });
}
