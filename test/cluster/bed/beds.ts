/** The beds that tests ask for, by what they run. */
import { Bed, type BedOptions, type Service } from './bed.js';

/** Hosts with sshd: `ssh node1 command` works on head. */
export function ssh_bed(options: BedOptions): Promise<Bed> {
  return Bed.make(options, []);
}

/** Slurm: a partition debug, short (a minute at most), urgent (preempts) and closed (waits for ever). */
export function slurm_bed(options: BedOptions): Promise<Bed> {
  return Bed.make(options, ['slurm']);
}

/** Grid Engine: a queue all.q, a closed.q whose jobs wait for ever, a parallel environment `bed`. */
export function grid_engine_bed(options: BedOptions): Promise<Bed> {
  return Bed.make(options, ['grid_engine']);
}

/** Open MPI: mpirun with `--hostfile` and the bed's `hostfile`. */
export function mpi_bed(options: BedOptions): Promise<Bed> {
  return Bed.make(options, ['mpi']);
}

/** Several on the same hosts. */
export function mixed_bed(
  options: BedOptions,
  services: readonly Service[] = ['slurm', 'grid_engine', 'mpi'],
): Promise<Bed> {
  return Bed.make(options, services);
}
