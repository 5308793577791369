/**
 * A thousand slaves against two: what a no-op task costs the master in CPU time.
 *
 * The slaves are connections of one holder process, so that the machine can bear them.
 */
import type { Bench, Figure } from './figure.js';
import { BareLoop } from './limit/master.js';
import type { Goal } from './report.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';
import type { RunTasks } from './sim_slaves.js';

interface ManySlavesEntry extends Entry {
  slaves: number;
  tasks: number;
}

const METRIC = 'master_us_per_task';
const DEPTH = 64;

export const many_slaves: Figure = {
  name: 'many_slaves',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const tasks = quick ? 100_000 : 400_000;
    const many = quick ? 200 : 1_000;
    const contenders = ['limit', ...(has_parjob ? ['parjob'] : [])];
    const entries = contenders.flatMap((contender) =>
      [2, many].map((slaves) => ({ contender, label: label_of(contender, slaves), slaves, tasks })),
    );
    const rounds = await run_rounds(build, entries, quick ? 1 : 5, in_arena<ManySlavesEntry>('many_slaves'));
    report.add_results(this.name, rounds);

    const compare = (contender: string, goal?: Goal): void => {
      const text = `${contender}, ${many} / 2 slaves, master us of CPU a task`;
      const [label, against] = [label_of(contender, many), label_of(contender, 2)];
      report.add_claim(this.name, rounds, { text, label, metric: METRIC, against, goal });
    };
    compare('limit');
    compare('parjob', { at_most: 1.5 });
  },
};

function label_of(contender: string, slaves: number): string {
  return `${contender} with ${slaves}`;
}

export async function measure(entry: ManySlavesEntry): Promise<Measures> {
  const hold = entry.contender === 'limit' ? hold_bare : hold_parjob;
  const run_tasks = await hold(entry.slaves);
  // Every connection is to have had its share of the warming up.
  await run_tasks(entry.tasks);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run_tasks(entry.tasks);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    [METRIC]: (user + system) / entry.tasks,
    tasks_per_s: entry.tasks / seconds,
    rss_mb: process.memoryUsage.rss() / 1e6,
  };
}

async function hold_bare(slaves: number): Promise<RunTasks> {
  const loop = new BareLoop(DEPTH);
  await loop.start(1, slaves);
  await loop.ready();
  return (tasks) =>
    new Promise((resolve) => {
      let left = tasks;
      const on_result = (): void => {
        if (--left === 0) resolve();
      };
      for (let i = 0; i < tasks; i++) loop.submit('noop', { i, s: 'abc' }, on_result);
    });
}

async function hold_parjob(slaves: number): Promise<RunTasks> {
  // Loaded only here, since the other contender does without parjob.
  const { simulated_job } = await import('./sim_slaves.js');
  return simulated_job(slaves);
}
