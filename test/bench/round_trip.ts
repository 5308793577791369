/** The round trip of one task at a time: what a single task waits for. */
import { load_contender } from './contenders/contender.js';
import { type Bench, type Figure, POOLS } from './figure.js';
import type { Goal } from './report.js';
import type { Entry } from './rounds.js';
import { type RunSlice, run_slices } from './slices.js';
import { warm_up } from './warm_up.js';

interface RoundTripEntry extends Entry {
  warm_ms: number;
}

/** Round trips of a slice; the first ones after a wait are slower and not counted. */
const TRIPS = 100;
const UNCOUNTED_TRIPS = 10;
const LIMIT = 'limit:1';
const OTHERS = ['ipc', ...POOLS];

export const round_trip: Figure = {
  name: 'round_trip',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const contenders = [LIMIT, ...(has_parjob ? ['parjob'] : []), ...OTHERS];
    const entries: RoundTripEntry[] = contenders.map((contender) => ({
      contender,
      warm_ms: quick ? 100 : 1_000,
    }));
    const plan = quick ? { generations: 1, rounds: 1, slices: 5 } : { generations: 3, rounds: 5, slices: 10 };
    const rounds = await run_slices(build, 'round_trip', entries, plan);
    report.add_results(this.name, rounds);

    const compare = (label: string, metric: string, goal?: Goal): void => {
      report.add_claim(this.name, rounds, {
        text: `${label} / ${LIMIT}, ${metric}`,
        label,
        metric,
        against: LIMIT,
        goal,
      });
    };
    for (const label of OTHERS) compare(label, 'p50_us');
    compare('parjob', 'p99_us');
    compare('parjob', 'p50_us', { at_most: 1.3 });
  },
};

export async function prepare(entry: RoundTripEntry): Promise<RunSlice> {
  const contender = await load_contender(entry.contender);
  await contender.start(2);
  await warm_up(contender, entry.warm_ms);
  // Once more one at a time, which is another path than many at once.
  for (let i = 0; i < 1_000; i++) await contender.run('noop', { i, s: 'abc' });
  return async () => {
    const times: number[] = [];
    for (let i = 0; i < UNCOUNTED_TRIPS + TRIPS; i++) {
      const start = performance.now();
      const result = await contender.run('noop', { i, s: 'abc' });
      times.push((performance.now() - start) * 1000);
      if (result !== i) throw new Error(`task ${i} returned ${result}`);
    }
    return times.slice(UNCOUNTED_TRIPS);
  };
}
