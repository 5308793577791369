/** Tasks in a queue, results in its order: `npx tsx examples/tasks/main.ts` */
import { Job, LocalSlave } from 'parjob';
import { BuildModel, type Model } from './model.js';

await using job = new Job<Model>();
job.append(new LocalSlave());
job.append(new LocalSlave());

for (let seed = 0; seed < 10; seed++) job.queue_task(new BuildModel(seed, 100_000));

const models = await job.run_all_tasks();
for (const { seed, energy } of models) console.log(`model ${seed}: energy ${energy.toFixed(3)}`);
const best = models.reduce((a, b) => (b.energy < a.energy ? b : a));
console.log(`best: model ${best.seed}`);
