/**
 * Slaves by Grid Engine: `npx tsx examples/grid_engine/main.ts [slaves]`, on a submit host. Inside of a parallel environment
 * (qsub -pe NAME SLOTS) they are started in its slots, else they are submitted with qsub while tasks wait.
 */
import { SgePeJob, SgeQsubJob, tasks_from } from 'parjob';

const { count_primes } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

const max_slaves = Number(process.argv[2] ?? 4);
const is_inside = process.env['PE_HOSTFILE'] !== undefined;
const job = is_inside
  ? new SgePeJob<{ count: number; host: string }>()
  : new SgeQsubJob<{ count: number; host: string }>({ time: '0:30:00' }, max_slaves);
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
