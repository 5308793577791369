/** What a runner does about time limits, checkpoints, and a master that is gone for good. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../src/base/deferred.js';
import { monotonic_ms } from '../../src/slave/watch.js';
import { current_task } from '../../src/task.js';
import { RunnerBench } from '../kit/runner_bench.js';
import { turn, wait_until } from '../kit/wait_until.js';

function spin(ms: number): string {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return 'returned';
}

/** Ends when its signal is aborted, with the reason. */
function until_aborted(): Promise<never> {
  const { signal } = current_task();
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

describe('a task with a time limit', () => {
  it('that ends in time is like any other', async () => {
    const bench = new RunnerBench({ task: () => 1, later: async () => 2 });
    bench.run_with({ timeout: 60_000 }, 'task');
    bench.run_with({ timeout: 60_000 }, 'later');
    expect(await bench.ended(2)).toMatchObject([
      { kind: 'task_done', value: 1, has_timed_out: false },
      { kind: 'task_done', value: 2, has_timed_out: false },
    ]);
  });

  it('has its signal aborted when that is over, and is reported so, whatever it does then', async () => {
    const reasons: unknown[] = [];
    const bench = new RunnerBench({
      obeys: () => until_aborted(),
      returns: () => until_aborted().catch((reason) => void reasons.push(reason)),
    });
    bench.run_with({ timeout: 2 }, 'obeys');
    bench.run_with({ timeout: 2 }, 'returns');
    expect(await bench.ended(2)).toMatchObject([
      { kind: 'task_failed', task_id: 100, has_timed_out: true, value: undefined },
      { kind: 'task_failed', task_id: 101, has_timed_out: true },
    ]);
    expect(reasons).toMatchObject([{ name: 'TimeoutError', message: 'the task has run for 2 ms (timeout)' }]);
  });

  it('and blocks its thread is reported so when it returns', async () => {
    const bench = new RunnerBench({ spin });
    bench.run_with({ timeout: 2 }, 'spin', 4);
    const [outcome] = await bench.ended(1);
    expect(outcome).toMatchObject({ kind: 'task_failed', has_timed_out: true });
    expect(outcome?.run_us).toBeGreaterThan(2000);
  });

  it('is watched by the pulse until cancel_grace after it, and only while it runs', async () => {
    const bench = new RunnerBench({ forever: () => until_aborted(), plain: () => 1 }, { cancel_grace: 4000 });
    const before = monotonic_ms();
    bench.run('plain');
    bench.run_with({ timeout: 60_000 }, 'forever');
    bench.run('plain');
    await wait_until(() => bench.watch.is_running(1), 'the task');
    const after = monotonic_ms();
    expect(bench.watch.is_over(before + 64_000)).toBe(false);
    expect(bench.watch.is_over(after + 64_000 + 1)).toBe(true);
    bench.abort(101);
    await bench.ended(3);
    expect(bench.watch.running_seq).toBeUndefined();
    expect(bench.watch.is_over(Number.MAX_VALUE)).toBe(false);
  });

  it('lets the pulse know once, for the first', async () => {
    const bench = new RunnerBench({ task: () => 1 });
    bench.run('task');
    await bench.ended(1);
    expect(bench.first_timeouts).toBe(0);
    for (let i = 0; i < 3; i++) bench.run_with({ timeout: 60_000 }, 'task');
    await bench.ended(4);
    expect(bench.first_timeouts).toBe(1);
  });

  it('leaves no abort behind for what comes later', async () => {
    let late = new AbortController().signal;
    const bench = new RunnerBench({
      quick: async () => {
        late = current_task().signal;
      },
      spin,
    });
    bench.run_with({ timeout: 3 }, 'quick');
    bench.run('spin', 6);
    await bench.ended(2);
    await turn();
    await turn();
    expect(late.aborted).toBe(false);
  });
});

describe('a task whose module is being loaded', () => {
  const task = () => 'done';

  it('is begun: it can be blamed, and not be taken back', async () => {
    const loading = new Deferred<void>();
    const bench = new RunnerBench({ task }, { loading: loading.promise });
    bench.run('task');
    bench.run('task');
    await wait_until(() => bench.loads === 1, 'the load');
    expect(bench.runner.begun_task_id).toBe(100);
    expect(bench.runner.running_task_id).toBeUndefined();
    expect(bench.watch.running_seq).toBe(0);
    expect(bench.claims.take_back(0, 2)).toBe(1);
    loading.resolve();
    expect(await bench.ended(1)).toMatchObject([{ task_id: 100, value: 'done' }]);
    expect(bench.watch.running_seq).toBeUndefined();
    await turn();
    expect(bench.outcomes).toHaveLength(1);
  });

  it('has its timeout, and half a minute for the load', async () => {
    const loading = new Deferred<void>();
    const bench = new RunnerBench({ task }, { cancel_grace: 4000, loading: loading.promise });
    const before = monotonic_ms();
    bench.run_with({ timeout: 1000 }, 'task');
    await wait_until(() => bench.watch.is_running(0), 'the task');
    expect(bench.watch.is_over(before + 35_000)).toBe(false);
    expect(bench.watch.is_over(monotonic_ms() + 35_001)).toBe(true);
    loading.resolve();
    expect(await bench.ended(1)).toMatchObject([{ value: 'done' }]);
  });

  it('can be cancelled at once, and the next one waits for the module', async () => {
    const loading = new Deferred<void>();
    const bench = new RunnerBench({ task }, { loading: loading.promise });
    bench.run('task');
    bench.run('task');
    await wait_until(() => bench.runner.begun_task_id === 100, 'the load');
    bench.abort(100);
    expect(await bench.ended(1)).toMatchObject([
      { kind: 'task_failed', task_id: 100, value: { name: 'AbortError' } },
    ]);
    await wait_until(() => bench.runner.begun_task_id === 101, 'the load for the next');
    expect(bench.watch.running_seq).toBe(1);
    loading.resolve();
    expect((await bench.ended(2))[1]).toMatchObject({ task_id: 101, value: 'done' });
  });

  it('that was cancelled starts nothing beside another that runs', async () => {
    const loading = new Deferred<void>();
    const going = new Deferred<string>();
    const bench = new RunnerBench({ task, wait: () => going.promise }, { loading: loading.promise });
    bench.run('task');
    await wait_until(() => bench.runner.begun_task_id === 100, 'the load');
    bench.abort(100);
    bench.run('wait');
    bench.run('task');
    await bench.ended(1);
    loading.resolve();
    await wait_until(() => bench.runner.running_task_id === 101, 'the one that waits');
    for (let i = 0; i < 5; i++) await turn();
    expect(bench.outcomes).toHaveLength(1);
    going.resolve('gone on');
    expect((await bench.ended(3)).map(({ value }) => value).slice(1)).toEqual(['gone on', 'done']);
  });

  it('is dropped when the master is gone', async () => {
    const loading = new Deferred<void>();
    const bench = new RunnerBench({ task }, { loading: loading.promise });
    bench.run('task');
    await wait_until(() => bench.loads === 1, 'the load');
    const idle = bench.runner.detach();
    expect(bench.watch.running_seq).toBeUndefined();
    loading.resolve();
    await idle;
    expect(bench.runner.begun_task_id).toBeUndefined();
    expect(bench.outcomes).toEqual([]);
  });
});

describe('a checkpoint', () => {
  it('reaches the master at once, with the attempt that made it', async () => {
    let finish = () => {};
    const bench = new RunnerBench({
      task() {
        current_task().checkpoint({ step: 3, at: new Map([[1, 2n]]) });
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
    });
    bench.run_with({ attempt: 4 }, 'task');
    await wait_until(() => bench.reports.length > 0, 'the checkpoint');
    expect(bench.reports).toEqual([
      {
        kind: 'checkpoint',
        task_id: 100,
        attempt: 4,
        bytes: expect.any(Number),
        value: { step: 3, at: new Map([[1, 2n]]) },
      },
    ]);
    finish();
    await bench.ended(1);
  });

  it('of an earlier attempt comes with the task, and with no other', async () => {
    const bench = new RunnerBench({ task: () => current_task().last_checkpoint });
    bench.run_with({ attempt: 2, last_checkpoint: { step: 3 } }, 'task');
    bench.run('task');
    expect((await bench.ended(2)).map(({ value }) => value)).toEqual([{ step: 3 }, undefined]);
  });

  it('of a task that was taken back is forgotten', async () => {
    const bench = new RunnerBench({ task: () => current_task().last_checkpoint });
    bench.claims.take_back(0, 1);
    bench.run_with({ last_checkpoint: 1 }, 'task');
    bench.run('task');
    expect(await bench.ended(1)).toMatchObject([{ task_id: 101, value: undefined }]);
  });

  it('says nothing once the task has ended', async () => {
    let keep = () => {};
    const bench = new RunnerBench({
      task() {
        const task = current_task();
        keep = () => task.checkpoint('late');
      },
    });
    bench.run('task');
    await bench.ended(1);
    keep();
    bench.run('task');
    await bench.ended(2);
    expect(bench.reports.map(({ kind }) => kind)).toEqual(['task_done', 'task_done']);
  });

  it('that cannot be sent, or is too large, fails where it is made', async () => {
    const bench = new RunnerBench({
      bad: () => current_task().checkpoint({ f: () => 1 }),
      large: () => current_task().checkpoint(new Uint8Array(2 ** 20)),
    });
    bench.run('bad');
    bench.run('large');
    expect(await bench.ended(2)).toMatchObject([
      { kind: 'task_failed', value: { message: expect.stringContaining('checkpoint.f is a function') } },
      { kind: 'task_failed', value: { message: expect.stringContaining('the checkpoint takes') } },
    ]);
  });
});

describe('a runner whose master is gone for good', () => {
  it('ends what runs, begins nothing else, and keeps what was asked for', async () => {
    let finish = (_: string) => {};
    const bench = new RunnerBench(
      {
        quick: (n: number) => n,
        bad() {
          throw new Error('bad');
        },
        slow: () =>
          new Promise((resolve) => {
            finish = resolve;
          }),
      },
      { keeps_outcomes: true },
    );
    bench.run('quick', 1);
    bench.run('bad');
    bench.run_with({ attempt: 2 }, 'slow');
    bench.run('quick', 2);
    await wait_until(() => bench.runner.running_task_id === 102, 'the slow task');
    let is_idle = false;
    const detached = bench.runner.detach().then(() => {
      is_idle = true;
    });
    await turn();
    expect(is_idle).toBe(false);
    finish('at last');
    await detached;
    expect(bench.runner.left_over).toMatchObject([
      { index: 0, attempt: 1, outcome: 'done', value: 1 },
      { index: 1, attempt: 1, outcome: 'failed', value: { message: 'bad' } },
      { index: 2, attempt: 2, outcome: 'done', value: 'at last' },
    ]);
    expect(bench.runner.running_task_id).toBeUndefined();
    await turn();
    expect(bench.outcomes.map(({ task_id }) => task_id)).toEqual([100, 101]);
  });

  it('keeps the last outcomes only, and none without a lease', async () => {
    const [leased, plain] = [
      new RunnerBench({ task: (n: number) => n }, { keeps_outcomes: true }),
      new RunnerBench({ task: (n: number) => n }),
    ];
    for (const bench of [leased, plain]) {
      for (let i = 0; i < 40; i++) bench.run('task', i);
      await bench.ended(40);
    }
    expect(leased.runner.left_over.map(({ value }) => value)).toEqual(
      Array.from({ length: 32 }, (_, i) => i + 8),
    );
    expect(plain.runner.left_over).toEqual([]);
    await plain.runner.detach();
  });
});
