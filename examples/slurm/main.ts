/**
 * Slaves by Slurm: `npx tsx examples/slurm/main.ts [slaves]`, on the login node. Inside of an allocation (sbatch, salloc) they
 * are started there by srun, else they are submitted with sbatch while tasks wait.
 */
import { Job, SlurmJob, slurm_allocation_slaves, tasks_from } from 'parjob';

const { count_primes } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

const max_slaves = Number(process.argv[2] ?? 4);
const is_inside = process.env['SLURM_JOB_ID'] !== undefined;
const job = is_inside
  ? new Job<{ count: number; host: string }>(slurm_allocation_slaves())
  : new SlurmJob<{ count: number; host: string }>({ time: '0:30:00' }, max_slaves);
for (let from = 0; from < 2_000_000; from += 20_000) job.queue_task(count_primes(from, from + 20_000));

let sum = 0;
const by_host = new Map<string, number>();
for await (const { count, host } of job.yield_tasks_unordered()) {
  sum += count;
  by_host.set(host, (by_host.get(host) ?? 0) + 1);
}
console.log(`${sum} primes below 2,000,000`);
for (const [host, tasks] of by_host) console.log(`${host} did ${tasks} tasks`);
await job.stop();
