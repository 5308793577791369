/**
 * The chaos tests by hand: see README.md.
 *
 *     npm run chaos -- --minutes 30 --seed 1      storms, one after another, each with the next seed
 *     npm run chaos -- --seed 6 --rounds 1        one storm, as it was
 *     npm run chaos -- --soak                     a million tasks, a slave killed every second
 *     npm run chaos -- --detection                how soon the task of a lost slave runs elsewhere
 *     npm run chaos -- --busy-minutes 10          no slave is lost because its machine is busy
 */
import { parseArgs } from 'node:util';
import { run_busy } from './busy.js';
import { run_detection } from './detection.js';
import { FAULTS, faults_named } from './faults/all.js';
import { kill_slave } from './faults/kill_slave.js';
import { run_storm, type StormOptions } from './storm.js';
import { Tally } from './tally.js';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rounds: { type: 'string' },
    seed: { type: 'string' },
    tasks: { type: 'string' },
    strikes: { type: 'string', default: '30' },
    faults: { type: 'string' },
    kinds: { type: 'string' },
    slaves: { type: 'string' },
    soak: { type: 'boolean', default: false },
    detection: { type: 'boolean', default: false },
    'busy-minutes': { type: 'string' },
    keep: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const interruption = new AbortController();

/** A storm that is interrupted takes its processes and its disk with it. */
function listen_for_interruption(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.exitCode = 1;
      interruption.abort();
    });
  }
}

function number_of(flag: string | undefined): number | undefined {
  if (flag === undefined) return undefined;
  const number = Number(flag);
  if (!(number >= 0)) throw new Error(`expected a number, got ${flag}`);
  return number;
}

const first_seed = number_of(flags.seed) ?? Date.now() % 1_000_000;

if (flags.detection) await run_detection();
else if (flags['busy-minutes'] !== undefined) await run_busy(number_of(flags['busy-minutes']) as number);
else if (flags.soak) await soak();
else await storms();
// node 20 with a loader now and then spins at its own end
process.exit();

async function soak(): Promise<void> {
  await run_rounds(1, Infinity, {
    tasks: number_of(flags.tasks) ?? 1_000_000,
    strike_every: 1000,
    faults: [kill_slave],
    kinds: ['quick', 'brief'],
    slaves: number_of(flags.slaves) ?? 4,
  });
}

async function storms(): Promise<void> {
  const minutes = number_of(flags.minutes);
  const rounds = number_of(flags.rounds) ?? (minutes === undefined ? 1 : Infinity);
  const slaves = number_of(flags.slaves);
  await run_rounds(rounds, minutes ?? Infinity, {
    tasks: number_of(flags.tasks) ?? 400,
    strikes: Number(flags.strikes),
    faults: flags.faults === undefined ? FAULTS : faults_named(flags.faults.split(',').filter(Boolean)),
    ...(flags.kinds !== undefined && { kinds: flags.kinds.split(',') }),
    ...(slaves !== undefined && { slaves }),
  });
}

async function run_rounds(
  rounds: number,
  minutes: number,
  options: Omit<StormOptions, 'seed'>,
): Promise<void> {
  listen_for_interruption();
  const deadline = performance.now() + minutes * 60_000;
  const tally = new Tally();
  for (let round = 0; round < rounds && performance.now() < deadline; round++) {
    if (interruption.signal.aborted) break;
    const report = await run_storm({
      ...options,
      seed: first_seed + round,
      keeps_folder: flags.keep,
      signal: interruption.signal,
      ...(flags.verbose && { log: console.log }),
    });
    if (interruption.signal.aborted) break;
    tally.add(report);
    console.log(tally.line(report));
    if (report.findings.length > 0) console.log(tally.story(report));
  }
  console.log(tally.summary());
  if (tally.breaches > 0) process.exitCode = 1;
}
