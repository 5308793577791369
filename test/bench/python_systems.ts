/**
 * The same work by Dask and by mpi4py, two worker processes each: no-op tasks a second, and the round trip of one task.
 * Needs Debian's python3-distributed and python3-mpi4py; without them, it says so.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './build.js';
import { load_contender } from './contenders/contender.js';
import type { Bench, Figure } from './figure.js';
import { type Entry, in_arena, type MeasureOnce, type Measures, run_rounds } from './rounds.js';
import { median } from './stats.js';
import { warm_up } from './warm_up.js';

interface SystemEntry extends Entry {
  tasks: number;
  trips: number;
}

const PYTHON = '/usr/bin/python3';
const MPIEXEC = 'mpiexec --allow-run-as-root --oversubscribe -n 3'.split(' ');
const PARJOB = 'parjob';
const run = promisify(execFile);

/** The command that measures a system, but for the counts of tasks and trips, and what follows those. */
const COMMANDS: Record<string, { words: readonly string[]; more: readonly string[] }> = {
  dask: { words: [PYTHON, script('dask_tasks.py')], more: [] },
  mpi4py: { words: [...MPIEXEC, PYTHON, '-m', 'mpi4py.futures', script('mpi4py_tasks.py')], more: ['1'] },
  'mpi4py, 64 a message': {
    words: [...MPIEXEC, PYTHON, '-m', 'mpi4py.futures', script('mpi4py_tasks.py')],
    more: ['64'],
  },
};

export const python_systems: Figure = {
  name: 'python_systems',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    if (!has_parjob) return;
    try {
      await run(PYTHON, ['-c', 'import distributed, mpi4py']);
    } catch {
      console.log(
        'python_systems is not measured: Dask or mpi4py is missing (apt-get install python3-distributed python3-mpi4py)',
      );
      return;
    }
    const trips = quick ? 100 : 2000;
    const entries: SystemEntry[] = [
      { contender: PARJOB, tasks: quick ? 40_000 : 200_000, trips },
      // slow, and no faster with more
      { contender: 'dask', tasks: quick ? 500 : 10_000, trips: quick ? 20 : 500 },
      { contender: 'mpi4py', tasks: quick ? 2000 : 20_000, trips },
      { contender: 'mpi4py, 64 a message', tasks: quick ? 10_000 : 100_000, trips },
    ];
    const rounds = await run_rounds(build, entries, quick ? 1 : 3, measure_one);
    report.add_results(this.name, rounds);
    for (const against of Object.keys(COMMANDS)) {
      const text = `parjob / ${against}, no-op tasks/s`;
      const goal = { at_least: 1 };
      report.add_claim(this.name, rounds, { text, label: PARJOB, metric: 'tasks_per_s', against, goal });
    }
    for (const against of ['dask', 'mpi4py']) {
      const text = `parjob / ${against}, p50_us of one task at a time`;
      const goal = { at_most: 1 };
      report.add_claim(this.name, rounds, { text, label: PARJOB, metric: 'p50_us', against, goal });
    }
  },
};

const in_node = in_arena<SystemEntry>('python_systems');
const measure_one: MeasureOnce<SystemEntry> = async (build, entry) => {
  const command = COMMANDS[entry.contender];
  if (command === undefined) return in_node(build, entry);
  const [program, ...args] = command.words as [string, ...string[]];
  const counts = [String(entry.tasks), String(entry.trips), ...command.more];
  const { stdout } = await run(program, [...args, ...counts], { timeout: 300_000 });
  return JSON.parse(stdout) as Measures;
};

function script(name: string): string {
  return path.join(REPOSITORY, 'test', 'bench', 'python', name);
}

/** parjob's own. */
export async function measure({ tasks, trips }: SystemEntry): Promise<Measures> {
  const contender = await load_contender(PARJOB);
  await contender.start(2);
  await warm_up(contender, 1000);
  const args = Array.from({ length: tasks }, (_, i) => ({ i, s: 'abc' }));
  const began = performance.now();
  const results = await contender.run_all!('noop', args);
  const tasks_per_s = (1000 * tasks) / (performance.now() - began);
  if (results.some((result, i) => result !== i)) throw new Error('wrong results');
  const times: number[] = [];
  for (let i = 0; i < trips; i++) {
    const sent = performance.now();
    await contender.run('noop', { i, s: 'abc' });
    times.push((performance.now() - sent) * 1000);
  }
  await contender.stop();
  return { tasks_per_s, p50_us: median(times) };
}
