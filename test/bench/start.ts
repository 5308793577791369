/** From the start of a fresh master, `node script.js`, to its first result with two slaves. */
import { type Bench, type Figure, POOLS } from './figure.js';
import { run_measured } from './measured_process.js';
import type { Goal } from './report.js';
import { type Entry, run_rounds } from './rounds.js';

const LIMIT = 'limit:64';
const OTHERS = ['ipc', ...POOLS];
const METRIC = 'first_result_ms';

export const start: Figure = {
  name: 'start',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const contenders = [LIMIT, ...(has_parjob ? ['parjob'] : []), ...OTHERS];
    const entries: Entry[] = contenders.map((contender) => ({ contender }));
    const rounds = await run_rounds(build, entries, quick ? 3 : 15, async (_, { contender }) => {
      const { json, spawned_at } = await run_measured(build, [], 'first_result.js', [contender]);
      return { [METRIC]: (json as number) - spawned_at };
    });
    report.add_results(this.name, rounds);

    const compare = (label: string, goal?: Goal): void => {
      const claim = {
        text: `${label} / ${LIMIT}, ms to the first result`,
        label,
        metric: METRIC,
        against: LIMIT,
      };
      report.add_claim(this.name, rounds, goal === undefined ? claim : { ...claim, goal });
    };
    for (const label of OTHERS) compare(label);
    compare('parjob', { at_most: 1.3 });
  },
};
