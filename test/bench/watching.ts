/**
 * What looking on costs: no-op tasks a second with progress, dashboard, metrics, trace, spans and channels, and without
 * any of them. No SDK of OpenTelemetry is registered: what that would cost is its own.
 */
import type { Bench, Figure } from './figure.js';
import { in_arena, run_rounds } from './rounds.js';
import type { ThroughputEntry } from './throughput.js';

export { measure } from './throughput.js';

const [ALONE, WATCHED] = ['parjob', 'parjob:watched'];
const METRIC = 'tasks_per_s';

export const watching: Figure = {
  name: 'watching',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    if (!has_parjob) return;
    const entries = [ALONE, WATCHED].map((contender): ThroughputEntry => {
      const tasks = quick ? 40_000 : 200_000;
      return { contender, ways: ['all'], tasks, warm_ms: 1000, times: 5, window: 0 };
    });
    const rounds = await run_rounds(build, entries, quick ? 1 : 7, in_arena<ThroughputEntry>('watching'));
    report.add_results(this.name, rounds);
    const text = 'all watchers / none, no-op tasks/s';
    const goal = { at_least: 0.9 };
    report.add_claim(this.name, rounds, { text, label: WATCHED, metric: METRIC, against: ALONE, goal });
  },
};
