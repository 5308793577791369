/** What encryption costs: the same job of local slaves with TLS on all its connections, and without. */
import { load_contender } from './contenders/contender.js';
import type { Bench, Figure } from './figure.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';
import { median } from './stats.js';
import { warm_up } from './warm_up.js';

interface EncryptionEntry extends Entry {
  tasks: number;
  bytes: number;
}

const [PLAIN, ENCRYPTED] = ['parjob', 'parjob:tls'];
const METRICS = ['tasks_per_s', 'mb_per_s'] as const;
const TIMES = 3;

export const encryption: Figure = {
  name: 'encryption',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    if (!has_parjob) return;
    const [tasks, bytes] = quick ? [5000, 10_000_000] : [100_000, 100_000_000];
    const entries = [PLAIN, ENCRYPTED].map((contender) => ({ contender, tasks, bytes }));
    const rounds = await run_rounds(build, entries, quick ? 1 : 5, in_arena<EncryptionEntry>('encryption'));
    report.add_results(this.name, rounds);
    for (const metric of METRICS) {
      const text = `encrypted / plain, ${metric === 'tasks_per_s' ? 'no-op tasks/s' : 'MB/s'}`;
      report.add_claim(this.name, rounds, { text, label: ENCRYPTED, metric, against: PLAIN });
    }
  },
};

export async function measure({ contender: name, tasks, bytes }: EncryptionEntry): Promise<Measures> {
  const contender = await load_contender(name);
  await contender.start(2);
  await warm_up(contender, 1000);
  const args = Array.from({ length: tasks }, (_, i) => ({ i, s: 'abc' }));
  const began = performance.now();
  const results = await contender.run_all?.('noop', args);
  const tasks_per_s = (1000 * tasks) / (performance.now() - began);
  if (results?.length !== tasks || results.at(-1) !== tasks - 1) throw new Error(`${name}: wrong results`);
  const array = new Float64Array(bytes / Float64Array.BYTES_PER_ELEMENT);
  array[array.length - 1] = 1;
  const speeds: number[] = [];
  for (let i = 0; i <= TIMES; i++) {
    const sent = performance.now();
    const back = (await contender.run('echo', array)) as Float64Array;
    speeds.push(bytes / 1e6 / ((performance.now() - sent) / 1000));
    if (back.length !== array.length || back.at(-1) !== 1) throw new Error(`${name}: a wrong array`);
  }
  await contender.stop();
  return { tasks_per_s, mb_per_s: median(speeds.slice(1)) };
}
