/** Tasks that tell where they ran. */
import { appendFileSync, existsSync } from 'node:fs';
import { hostname } from 'node:os';

/** Sleeps for `ms`, and returns the square of `i` and where it was found. @param {number} i @param {number} ms */
export async function square(i, ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return here(i * i);
}

/** Never ends in the first run; the second returns. @param {string} file tells that there was a first */
export async function stay_once(file) {
  if (!existsSync(file)) {
    appendFileSync(file, `${hostname()} ${process.pid}\n`);
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  }
  return here('second run');
}

/** @param {unknown} value */
function here(value) {
  const { SLURM_JOB_ID, SLURMD_NODENAME, JOB_ID, SGE_TASK_ID, OMPI_COMM_WORLD_RANK, BED_TEST } = process.env;
  return {
    value,
    host: hostname(),
    pid: process.pid,
    cwd: process.cwd(),
    slurm: SLURM_JOB_ID,
    node: SLURMD_NODENAME,
    grid_engine: JOB_ID === undefined ? undefined : `${JOB_ID}.${SGE_TASK_ID}`,
    rank: OMPI_COMM_WORLD_RANK,
    variable: BED_TEST,
  };
}
