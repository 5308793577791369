/** A short storm: real processes, every fault that can strike here, and not one task lost or doubled. */
import { spawn } from 'node:child_process';
import { afterAll, expect, it } from 'vitest';
import { MARK, processes_with } from './leftovers.js';
import { run_storm } from './storm.js';
import { Tally } from './tally.js';

/** One in whose plan every fault strikes, and nearly every kind of task is there. */
const SEED = 46;
const TIMEOUT = 120_000;

const mark = 'a test of leftovers';
const child = spawn('sleep', ['60'], { env: { ...process.env, [MARK]: mark }, stdio: 'ignore' });
afterAll(() => {
  child.kill('SIGKILL');
});

it('a process that is left is found by its mark', () => {
  expect(processes_with(mark)).toEqual([{ pid: child.pid, command: 'sleep 60' }]);
  expect(processes_with(`${mark} of nobody`)).toEqual([]);
});

it(
  `in the storm of seed ${SEED} every task has one outcome, and nothing is left`,
  async () => {
    const report = await run_storm({ seed: SEED, tasks: 150, strikes: 16 });
    const tally = new Tally();
    tally.add(report);
    console.log(tally.summary());
    // the story of a storm that broke something is what one needs to know
    expect(report.findings, tally.story(report)).toEqual([]);
    expect(Object.values(report.outcomes).reduce((sum, n) => sum + n, 0)).toBe(report.tasks);
    expect(Object.keys(report.struck).length).toBeGreaterThan(4);
  },
  TIMEOUT,
);
