/** Where the slaves run: `local:2,slurm:8,node7:4` becomes a list of slaves. */
import { local_slaves, mpi_slaves, type Slave, sge_qsub_slaves, slurm_slaves, ssh_slaves } from 'parjob';

/** A laptop and a cluster differ in this list only. @throws Error for what parjob does not take */
export function slaves_on(places: string): Slave[] {
  return places.split(',').flatMap((place): Slave[] => {
    const [name = '', count = '1'] = place.split(':');
    const n = Number(count);
    switch (name) {
      case 'local':
        return local_slaves(n);
      case 'slurm':
        return slurm_slaves(n);
      case 'sge':
        return sge_qsub_slaves(n);
      case 'mpi':
        return mpi_slaves(n);
      default:
        return ssh_slaves([place]);
    }
  });
}
