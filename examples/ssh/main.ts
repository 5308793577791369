/**
 * Slaves on other machines, by ssh: `npx tsx examples/ssh/main.ts [machine file]`
 *
 * The machine file has a host a line, `node1` or `node1:4` with its slots. `ssh node1 true` must work without a question, and
 * this folder must be there under the same path. Try `npx parjob doctor MACHINE_FILE` first.
 */
import { Job, ssh_slaves, tasks_from } from 'parjob';

const { count_primes } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

const job = new Job<{ count: number; host: string }>(ssh_slaves(process.argv[2] ?? 'mfile'));
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
