/**
 * Slaves by mpirun: `npx tsx examples/mpi/main.ts [slaves] [hostfile]`. No task needs to know of MPI: it only starts them.
 */
import { Job, mpi_slaves, tasks_from } from 'parjob';

const { count_primes } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

const slaves = Number(process.argv[2] ?? 2);
const hostfile = process.argv[3];
const job = new Job<{ count: number; host: string }>(mpi_slaves(slaves, { hostfile }));
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
