/** A typed array of 100 MB as argument and back, MB/s = its bytes / the seconds of the round trip. */
import { load_contender } from './contenders/contender.js';
import { type Bench, type Figure, POOLS } from './figure.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';
import { median } from './stats.js';
import { fastest } from './throughput.js';

interface BigArrayEntry extends Entry {
  bytes: number;
  times: number;
}

const METRIC = 'mb_per_s';

export const big_array: Figure = {
  name: 'big_array',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const contenders = [...(has_parjob ? ['parjob'] : []), 'frames', 'ipc:advanced', ...POOLS];
    const [bytes, times] = quick ? [10_000_000, 2] : [100_000_000, 4];
    const entries = contenders.map((contender) => ({ contender, bytes, times }));
    const rounds = await run_rounds(build, entries, quick ? 1 : 5, in_arena<BigArrayEntry>('big_array'));
    report.add_results(this.name, rounds);

    const pool = fastest(rounds, POOLS, METRIC);
    for (const label of contenders.filter((label) => label !== pool && label !== 'parjob')) {
      report.add_claim(this.name, rounds, {
        text: `${label} / ${pool}, MB/s`,
        label,
        metric: METRIC,
        against: pool,
      });
    }
    report.add_claim(this.name, rounds, {
      text: `parjob / ${pool} (fastest pool that copies), MB/s`,
      label: 'parjob',
      metric: METRIC,
      against: pool,
      goal: { at_least: 1.2 },
    });
  },
};

export async function measure(entry: BigArrayEntry): Promise<Measures> {
  const contender = await load_contender(entry.contender);
  await contender.start(2);
  await contender.ready?.();
  const array = new Float64Array(entry.bytes / Float64Array.BYTES_PER_ELEMENT);
  for (let j = 0; j < array.length; j++) array[j] = j;
  const speeds: number[] = [];
  for (let j = 0; j <= entry.times; j++) {
    const start = performance.now();
    const back = await contender.run('echo', array);
    const speed = entry.bytes / 1e6 / ((performance.now() - start) / 1000);
    check(array, back);
    // The first warms up.
    if (j > 0) speeds.push(speed);
  }
  await contender.stop();
  return { [METRIC]: median(speeds) };
}

/** Throws unless `back` is what was sent: another array with the same values. */
function check(sent: Float64Array, back: unknown): void {
  if (!(back instanceof Float64Array)) throw new Error('what came back is no Float64Array');
  if (back === sent || back.length !== sent.length) throw new Error(`${back.length} values came back`);
  for (let j = 0; j < sent.length; j += 997) {
    if (back[j] !== j) throw new Error(`value ${j} came back as ${back[j]}`);
  }
  if (back.at(-1) !== sent.length - 1) throw new Error('the last value is wrong');
}
