/** parjob bench: how fast tasks go on slaves: those of this machine, or those that one would use. */
import { Job } from '../master/job.js';
import { type AnyTask, tasks_from } from '../task.js';
import { read_config, type SlaveFlags, slaves_for } from './config.js';

export interface BenchFlags extends SlaveFlags {
  tasks?: number;
  json?: boolean;
}

const TASKS = 50_000;
const ROUND_TRIPS = 200;

/** Returns the exit code. */
export async function bench(flags: BenchFlags): Promise<number> {
  const { tasks = TASKS } = flags;
  const config = await read_config(flags.config);
  const { noop } = tasks_from<typeof import('./bench_tasks.js')>(
    new URL('./bench_tasks.js', import.meta.url),
  );
  const job = new Job(await slaves_for(flags, config), {
    jobname: 'bench',
    log_level: 'error',
    ...config.job,
  });
  try {
    const started = performance.now();
    await job.start();
    const start_ms = performance.now() - started;
    const make = (i: number) => noop({ i, s: 'abc' });
    // the code is compiled as it runs
    for (let i = 0; i < tasks / 10; i++) job.queue_task(make(i));
    await job.run_all_tasks();
    const began = performance.now();
    for (let i = 0; i < tasks; i++) job.queue_task(make(i));
    await job.run_all_tasks();
    const tasks_per_s = (1000 * tasks) / (performance.now() - began);
    const round_trip_ms = await median_round_trip(job, make);
    const slaves = job.length;
    if (flags.json === true)
      console.log(JSON.stringify({ slaves, start_ms, tasks, tasks_per_s, round_trip_ms }));
    else {
      console.log(`${slaves} slaves, ready after ${(start_ms / 1000).toFixed(2)} s`);
      console.log(`${Math.round(tasks_per_s).toLocaleString('en')} no-op tasks a second (${tasks} of them)`);
      console.log(`${round_trip_ms.toFixed(3)} ms there and back for one task (median of ${ROUND_TRIPS})`);
    }
  } finally {
    await job.stop();
  }
  return 0;
}

async function median_round_trip(job: Job, make: (i: number) => AnyTask<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const began = performance.now();
    await job.run_task(make(i));
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return times[ROUND_TRIPS / 2] as number;
}
