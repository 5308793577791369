/** mpirun of Open MPI 4, as far as parjob uses it. */
import { run_group } from './group.js';
import { argv, begin, end, options_of } from './state.js';

await begin();
const { unknown, options, rest } = options_of(argv, {
  '-n': 1,
  '--hostfile': 1,
  '--map-by': 1,
  '--oversubscribe': 0,
});
if (unknown !== undefined) {
  const stderr = `mpirun: Error: unknown option "${unknown}"\nType 'mpirun --help' for usage.\n`;
  end(1, { stderr });
}
const count = Number(options['-n'][0]);
run_group(count, rest, (rank) => ({
  OMPI_COMM_WORLD_RANK: String(rank),
  OMPI_COMM_WORLD_SIZE: String(count),
}));
