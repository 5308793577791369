/**
 * A program run by each task: `npx tsx examples/programs/main.ts [folder]`
 *
 * Counts the lines of every file in a folder with wc. A file that cannot be read fails alone.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Job, local_slaves, tasks_from } from 'parjob';

const { count_lines } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));
const folder = process.argv[2] ?? import.meta.dirname;

await using job = new Job<{ file: string; lines: number }>(local_slaves(2));
for (const name of (await readdir(folder)).sort()) job.queue_task(count_lines(join(folder, name)));
job.queue_task(count_lines(join(folder, 'no such file')));

for (const outcome of await job.run_all_tasks({ settle: true })) {
  if (outcome.status === 'fulfilled') {
    console.log(`${String(outcome.value.lines).padStart(6)} ${basename(outcome.value.file)}`);
  } else {
    console.log(`failed: task ${outcome.index}, ${outcome.reason.message.split('\n')[0]}`);
  }
}
