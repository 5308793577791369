/** The fuzzer in short, with a seed that does not change; main.ts runs it for as long as you like. */
import { expect, it } from 'vitest';
import { describe_failure } from './failure.js';
import { input_of } from './fuzz.js';
import { fuzz, type Report } from './supervisor.js';
import { TARGET_NAMES, type TargetName } from './target_names.js';
import { frames_target } from './targets/frames.js';

const SEED = 20_260_107;
/** What is slow gets less. */
const MUTATIONS: Readonly<Record<TargetName, number>> = {
  frames: 45_000,
  hellos: 10_000,
  orders: 22_000,
  reports: 28_000,
  plain: 35_000,
  graph: 25_000,
  thrown: 8000,
  pulse: 25_000,
  status_files: 2500,
};

it('each of 200,000 bad inputs is taken or refused: no crash, no hang, no memory, no pollution', {
  timeout: 180_000,
}, async () => {
  const reports: Report[] = [];
  const failures: string[] = [];
  const stints = TARGET_NAMES.map((target) => ({ target, from: 0, to: MUTATIONS[target] }));
  await fuzz(stints, SEED, (news) => {
    if ('failure' in news) failures.push(describe_failure(news.failure));
    else reports.push(news.report);
  });
  expect(failures.join('\n\n')).toBe('');
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  expect(sum(reports.map(({ mutations }) => mutations))).toBeGreaterThanOrEqual(200_000);
  // a fuzzer that only makes garbage, or no garbage, tests nothing
  for (const { target, tally, mutations } of reports) {
    expect(tally.taken, `${target} inputs taken`).toBeGreaterThan(mutations / 50);
    expect(tally.refused, `${target} inputs refused`).toBeGreaterThan(mutations / 50);
  }
});

it('an input follows from target, seed and iteration, and no two are alike', () => {
  const target = frames_target();
  const text_of = (seed: number, iteration: number) =>
    input_of(target, seed, iteration).input.bytes.toString('hex');
  expect(text_of(1, 7)).toBe(text_of(1, 7));
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  expect(new Set(numbers.map((i) => text_of(1, i))).size).toBeGreaterThan(150);
  expect(new Set(numbers.map((seed) => text_of(seed, 1))).size).toBeGreaterThan(150);
});
