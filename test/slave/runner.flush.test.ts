import { describe, expect, it } from 'vitest';
import { RunnerBench } from '../kit/runner_bench.js';
import { turn, wait_until } from '../kit/wait_until.js';

const LARGE_ERROR = "Object.assign(new Error('no'), { dump: new Uint8Array(2 ** 21) })";

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('results', () => {
  it('of many tiny tasks leave in few frames', async () => {
    const bench = new RunnerBench({ tiny: (n: number) => n });
    const count = 5000;
    for (let i = 0; i < count; i++) bench.run('tiny', i);
    const outcomes = await bench.ended(count);
    expect(outcomes.map(({ value }) => value)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(bench.frames.length).toBeLessThan(count / 5);
  });

  it('of a long task leave before the next begins', async () => {
    const sent: boolean[] = [];
    const bench = new RunnerBench({
      long: () => spin(5),
      // under way, or there already
      next: () => void sent.push(bench.link.unsent_bytes > 0 || bench.outcomes.length % 2 === 1),
    });
    // the first round loads both
    for (const round of [1, 2]) {
      bench.run('long');
      bench.run('next');
      await bench.ended(2 * round);
    }
    expect(sent[1]).toBe(true);
  });

  it('of tiny tasks leave when some time has passed, though tasks still wait', async () => {
    let sent_at = -1;
    const bench = new RunnerBench({
      tiny(n: number) {
        spin(0.1);
        if (sent_at < 0 && (bench.link.unsent_bytes > 0 || bench.frames.length > 0)) sent_at = n;
      },
    });
    for (let i = 0; i < 100; i++) bench.run('tiny', i);
    await bench.ended(100);
    expect(sent_at).toBeGreaterThan(0);
    expect(sent_at).toBeLessThan(99);
  });

  it('leave before a task that waits for something', async () => {
    const bench = new RunnerBench({ tiny: () => 1, forever: () => new Promise(() => {}) });
    bench.run('tiny');
    bench.run('forever');
    expect(await bench.ended(1)).toMatchObject([{ task_id: 100 }]);
  });
});

describe('a frame', () => {
  const MEBIBYTE = 2 ** 20;

  it('is no larger than max_frame_bytes, also when results leave together', async () => {
    const [small, large] = [new Uint8Array(100 * 1024), new Uint8Array(1000 * 1024)];
    const bench = new RunnerBench({ result: (n: number) => (n % 2 === 0 ? small : large) });
    for (let i = 0; i < 40; i++) bench.run('result', i);
    await bench.ended(40);
    expect(bench.outcomes.every(({ kind }) => kind === 'task_done')).toBe(true);
    expect(bench.largest_frame).toBeLessThanOrEqual(MEBIBYTE);
  });

  it.each([
    ['a task throws', (bench: RunnerBench) => bench.run('fail')],
    ['a command throws', (bench: RunnerBench) => bench.command(`throw ${LARGE_ERROR}`)],
    [
      'nobody caught',
      (bench: RunnerBench) =>
        bench.runner.report_stray_error(Object.assign(new Error('stray'), { dump: new Uint8Array(2 ** 21) })),
    ],
  ])('is no larger than max_frame_bytes, also for an error that %s', async (_who, act) => {
    const bench = new RunnerBench({
      fail() {
        throw Object.assign(new Error('no'), { dump: new Uint8Array(2 * MEBIBYTE) });
      },
    });
    act(bench);
    await wait_until(() => bench.reports.length > 0, 'a report');
    expect(bench.largest_frame).toBeLessThanOrEqual(MEBIBYTE);
  });
});

it('lets the event loop turn while many tasks wait', async () => {
  let turns = 0;
  let is_done = false;
  const count_turns = () => {
    turns++;
    if (!is_done) setImmediate(count_turns);
  };
  const bench = new RunnerBench({
    busy(n: number) {
      if (n === 0) setImmediate(count_turns);
      spin(1);
    },
  });
  for (let i = 0; i < 30; i++) bench.run('busy', i);
  await bench.ended(20);
  expect(bench.outcomes.length).toBeLessThan(30);
  await bench.ended(30);
  is_done = true;
  await turn();
  expect(turns).toBeGreaterThan(3);
});
