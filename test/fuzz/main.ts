/**
 * Long runs: `npm run fuzz -- [--minutes 10] [--seed N] [--target name,name] [--iteration I]`.
 *
 * Each round has another seed and goes through all targets. With --iteration one input is run here, in this
 * thread, for a debugger.
 */
import { parseArgs } from 'node:util';
import { describe_failure, type Failure } from './failure.js';
import { Fuzzer, input_of } from './fuzz.js';
import { fuzz, type News } from './supervisor.js';
import { TARGET_NAMES, type TargetName } from './target_names.js';
import { TARGETS } from './targets/all.js';

const ROUND = 50_000;

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    target: { type: 'string' },
    iteration: { type: 'string' },
  },
});

const names = flags.target?.split(',').map(target_name) ?? TARGET_NAMES;
const first_seed = Number(flags.seed ?? Date.now() % 2 ** 31);

const keys = new Set<string>();
if (flags.iteration !== undefined) run_one(names[0] as TargetName, Number(flags.iteration));
else await run_rounds(Date.now() + Number(flags.minutes) * 60_000);
process.exitCode = keys.size === 0 ? 0 : 1;

function target_name(text: string): TargetName {
  const name = TARGET_NAMES.find((name) => name === text);
  if (name === undefined) throw new Error(`there is no target ${text}; there are ${TARGET_NAMES.join(', ')}`);
  return name;
}

function run_one(name: TargetName, iteration: number): void {
  const target = TARGETS[name]();
  console.log(`input: ${input_of(target, first_seed, iteration).input.bytes.toString('hex')}`);
  new Fuzzer(target, first_seed, tell_failure).run(iteration);
  target.close?.();
  if (keys.size === 0) console.log('nothing is wrong with it');
}

async function run_rounds(deadline: number): Promise<void> {
  for (let seed = first_seed; Date.now() < deadline; seed++) {
    const stints = names.map((target) => ({ target, from: 0, to: ROUND }));
    await fuzz(stints, seed, tell, deadline);
  }
}

function tell(news: News): void {
  if ('failure' in news) return tell_failure(news.failure);
  const { target, tally, mutations, ms } = news.report;
  if (mutations === 0) return;
  const rate = ms > 0 ? `${Math.round((mutations / ms) * 1000)} a second` : 'the thread was lost';
  console.log(`${target}: ${mutations} mutations, ${rate}, ${tally.taken} taken, ${tally.refused} refused`);
}

/** Each bug once, however often it is met. */
function tell_failure(failure: Failure): void {
  const key = `${failure.target} ${failure.key}`;
  if (!keys.has(key)) console.log(describe_failure(failure));
  keys.add(key);
}
