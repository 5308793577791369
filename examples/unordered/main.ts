/**
 * Results as they complete, and a run that is left when they suffice: `npx tsx examples/unordered/main.ts`
 *
 * The tasks come from a generator without end: only as many are made as slaves need.
 */
import { Job, local_slaves, tasks_from } from 'parjob';

const { throw_darts } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

await using job = new Job<{ darts: number; hits: number }>(local_slaves(2));
job.queue_tasks(
  (function* () {
    for (let seed = 1; ; seed++) yield throw_darts(seed, 200_000);
  })(),
);

let [darts, hits] = [0, 0];
for await (const result of job.yield_tasks_unordered()) {
  darts += result.darts;
  hits += result.hits;
  const pi = (4 * hits) / darts;
  const error = 4 * Math.sqrt((hits * (darts - hits)) / darts ** 3);
  if (error > 0.001) continue;
  console.log(`pi = ${pi.toFixed(4)} +- ${error.toFixed(4)} after ${darts} darts`);
  break;
}
