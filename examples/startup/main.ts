/**
 * Commands that each slave runs when it starts, before its first task: `npx tsx examples/startup/main.ts`
 *
 * Here each slave loads a list of words once; the tasks then use it.
 */
import { Job, local_slaves, tasks_from } from 'parjob';

const { is_word } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

await using job = new Job<boolean>(local_slaves(2));
job.slave_startup_commands.push(
  "process.env.OMP_NUM_THREADS = '1'",
  "words = new Set(require('node:module').builtinModules)",
);

const candidates = ['fs', 'net', 'fish', 'path', 'paths'];
for (const candidate of candidates) job.queue_task(is_word(candidate));
const answers = await job.run_all_tasks();
for (const [i, candidate] of candidates.entries()) {
  console.log(`${candidate} is ${answers[i] === true ? 'a' : 'no'} module of node`);
}
