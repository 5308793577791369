/** Tasks of 1 and of 10 ms: how much of the two workers' time goes into tasks. */
import { load_contender } from './contenders/contender.js';
import { type Bench, type Figure, POOLS } from './figure.js';
import type { Goal } from './report.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';
import { warm_up } from './warm_up.js';

interface Load {
  ms: number;
  tasks: number;
}

interface BusyEntry extends Entry {
  loads: Load[];
  warm_ms: number;
}

const LIMIT = 'limit:64';
const OTHERS = ['limit:2', 'ipc', ...POOLS];
const WORKERS = 2;

export const busy_tasks: Figure = {
  name: 'busy_tasks',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const contenders = [LIMIT, ...(has_parjob ? ['parjob'] : []), ...OTHERS];
    const loads = [
      { ms: 1, tasks: quick ? 400 : 2_000 },
      { ms: 10, tasks: quick ? 200 : 400 },
    ];
    const entries = contenders.map((contender) => ({ contender, loads, warm_ms: quick ? 100 : 300 }));
    const rounds = await run_rounds(build, entries, quick ? 1 : 5, in_arena<BusyEntry>('busy_tasks'));
    report.add_results(this.name, rounds);

    for (const { ms } of loads) {
      const compare = (label: string, goal?: Goal): void => {
        const text = `${label} / ${LIMIT}, efficiency at ${ms} ms`;
        report.add_claim(this.name, rounds, { text, label, metric: metric_of(ms), against: LIMIT, goal });
      };
      for (const label of OTHERS) compare(label);
      compare('parjob', { at_least: 0.98 });
    }
  },
};

function metric_of(ms: number): string {
  return `efficiency_${ms}_ms`;
}

export async function measure(entry: BusyEntry): Promise<Measures> {
  const contender = await load_contender(entry.contender);
  await contender.start(WORKERS);
  await warm_up(contender, entry.warm_ms);
  const measures: Measures = {};
  for (const { ms, tasks } of entry.loads) {
    const args = new Array<number>(tasks).fill(ms);
    const start = performance.now();
    if (contender.run_all !== undefined) await contender.run_all('busy', args);
    else await Promise.all(args.map((arg) => contender.run('busy', arg)));
    measures[metric_of(ms)] = (tasks * ms) / WORKERS / (performance.now() - start);
  }
  await contender.stop();
  return measures;
}
