import { describe, expect, it } from 'vitest';
import { current_task } from '../../src/task.js';
import { RunnerBench } from '../kit/runner_bench.js';
import { turn } from '../kit/wait_until.js';

/** The outcome of one call of `task`. */
async function outcome_of(task: (...args: never[]) => unknown, ...args: unknown[]) {
  const bench = new RunnerBench({ task });
  bench.run('task', ...args);
  return (await bench.ended(1))[0];
}

function with_then(then: (resolve: (value: unknown) => void) => unknown): object {
  return { then };
}

describe('a task', () => {
  it('that returns is reported with its result', async () => {
    expect(await outcome_of((a: number, b: number) => a + b, 1, 2)).toMatchObject({
      kind: 'task_done',
      task_id: 100,
      attempt: 1,
      value: 3,
    });
  });

  it('that returns a promise is reported when that is kept', async () => {
    expect(await outcome_of(async (n: number) => n * 2, 21)).toMatchObject({ kind: 'task_done', value: 42 });
  });

  it('that throws is reported as failed, with what it threw', async () => {
    const error = Object.assign(new TypeError('no'), { detail: { line: 3 } });
    const outcome = await outcome_of(() => {
      throw error;
    });
    expect(outcome).toMatchObject({ kind: 'task_failed', value: { name: 'TypeError', detail: { line: 3 } } });
    expect(outcome?.value).toBeInstanceOf(TypeError);
  });

  it('whose promise is rejected is reported as failed', async () => {
    expect(await outcome_of(() => Promise.reject('just text'))).toMatchObject({
      kind: 'task_failed',
      value: 'just text',
    });
  });

  it('whose result cannot be sent is reported as failed, with the path to what cannot', async () => {
    expect(await outcome_of(() => ({ list: [1, () => 2] }))).toMatchObject({
      kind: 'task_failed',
      value: { name: 'UsageError', message: expect.stringContaining('result.list[1] is a function') },
    });
  });

  it('whose result is too large is reported as failed, with both sizes', async () => {
    expect(await outcome_of(() => new Uint8Array(2 ** 20))).toMatchObject({
      kind: 'task_failed',
      value: { name: 'UsageError', message: expect.stringMatching(/takes 10485\d\d bytes.* is 1048576/) },
    });
  });

  it('that throws something with a part that cannot be sent fails with the rest', async () => {
    const outcome = await outcome_of(() => {
      throw Object.assign(new Error('with a socket'), { on_close: () => {} });
    });
    expect(outcome).toMatchObject({ kind: 'task_failed', value: { message: 'with a socket' } });
  });

  it('is said how long it took', async () => {
    const until = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const outcome = await outcome_of(until, 5);
    expect(outcome?.run_us).toBeGreaterThanOrEqual(4900);
    expect(outcome?.run_us).toBeLessThan(5_000_000);
  });

  it('whose definition was never sent fails, and says so', async () => {
    const bench = new RunnerBench({});
    bench.run_undefined();
    expect(await bench.ended(1)).toMatchObject([
      { kind: 'task_failed', value: { message: expect.stringContaining('never defined') } },
    ]);
  });

  it('that throws an object without a prototype is reported all the same', async () => {
    const outcome = await outcome_of(() => {
      throw Object.create(null);
    });
    expect(outcome).toMatchObject({ kind: 'task_failed', value: {} });
  });
});

describe('a task that returns something with a then', () => {
  it('is reported when that answers', async () => {
    const thenable = with_then((resolve) => resolve(7));
    expect(await outcome_of(() => thenable)).toMatchObject({ kind: 'task_done', value: 7 });
  });

  it('that throws fails, and the slave lives', async () => {
    const thenable = with_then(() => {
      throw new Error('then what?');
    });
    const bench = new RunnerBench({ odd: () => thenable, plain: () => 1 });
    bench.run('odd');
    bench.run('plain');
    expect(await bench.ended(2)).toMatchObject([{ kind: 'task_failed' }, { kind: 'task_done', value: 1 }]);
    expect(bench.link.is_closed).toBe(false);
  });

  it('that answers twice is reported once, and no two tasks run at the same time', async () => {
    const answers: ((value: unknown) => void)[] = [];
    const twice = with_then((resolve) => answers.push(resolve));
    let running = 0;
    let most = 0;
    const slow = async () => {
      most = Math.max(most, ++running);
      await turn();
      running--;
    };
    const bench = new RunnerBench({ odd: () => twice, slow });
    bench.run('odd');
    for (let i = 0; i < 3; i++) bench.run('slow');
    while (answers.length === 0) await turn();
    answers[0]?.(1);
    answers[0]?.(2);
    const outcomes = await bench.ended(4);
    expect(outcomes.map(({ task_id }) => task_id)).toEqual([100, 101, 102, 103]);
    expect(most).toBe(1);
  });
});

describe('tasks', () => {
  it('run in the order in which they came, one at a time', async () => {
    const events: string[] = [];
    const slow = async (name: string) => {
      events.push(`${name} begins`);
      await turn();
      events.push(`${name} ends`);
    };
    const bench = new RunnerBench({ slow, quick: (name: string) => void events.push(name) });
    bench.run('slow', 'a');
    bench.run('quick', 'b');
    bench.run('slow', 'c');
    await bench.ended(3);
    expect(events).toEqual(['a begins', 'a ends', 'b', 'c begins', 'c ends']);
  });

  it('load their module once', async () => {
    const bench = new RunnerBench({ task: () => 1 });
    for (let i = 0; i < 3; i++) bench.run('task');
    await bench.ended(3);
    bench.run('task');
    await bench.ended(4);
    expect(bench.loads).toBe(1);
  });

  it('that were taken back do not run', async () => {
    const ran: number[] = [];
    const bench = new RunnerBench({ task: (n: number) => void ran.push(n) });
    expect(bench.claims.take_back(1, 3)).toBe(1);
    for (let i = 0; i < 4; i++) bench.run('task', i);
    await bench.ended(2);
    bench.run('task', 4);
    await bench.ended(3);
    expect(ran).toEqual([0, 3, 4]);
  });

  it('that have started cannot be taken back', async () => {
    const bench = new RunnerBench({ task: () => new Promise(() => {}) });
    bench.run('task');
    bench.run('task');
    while (bench.runner.running_task_id === undefined) await turn();
    expect(bench.runner.running_task_id).toBe(100);
    expect(bench.claims.take_back(0, 2)).toBe(1);
  });
});

describe('an aborted task', () => {
  it('does not run when it has not started', async () => {
    let runs = 0;
    const bench = new RunnerBench({ task: () => runs++ });
    bench.abort(bench.run('task'));
    bench.run('task');
    expect(await bench.ended(2)).toMatchObject([
      { kind: 'task_failed', value: { name: 'AbortError' } },
      { kind: 'task_done', value: 0 },
    ]);
  });

  it('sees its signal when it runs, and may stop', async () => {
    const stoppable = () =>
      new Promise((_, reject) => {
        const { signal } = current_task();
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const bench = new RunnerBench({ stoppable });
    const task_id = bench.run('stoppable');
    while (bench.runner.running_task_id === undefined) await turn();
    bench.abort(task_id);
    expect(await bench.ended(1)).toMatchObject([{ kind: 'task_failed', value: { name: 'AbortError' } }]);
  });

  it('may ask for its signal after the abort', async () => {
    let go_on = () => {};
    const waits = async () => {
      const task = current_task();
      await new Promise<void>((resolve) => {
        go_on = resolve;
      });
      return task.signal.aborted;
    };
    const bench = new RunnerBench({ waits });
    const task_id = bench.run('waits');
    while (bench.runner.running_task_id === undefined) await turn();
    bench.abort(task_id);
    await turn();
    await turn();
    go_on();
    expect(await bench.ended(1)).toMatchObject([{ kind: 'task_done', value: true }]);
  });
});

describe('an error that nobody caught', () => {
  it('is the outcome of the task that runs, once', async () => {
    let finish = () => {};
    const bench = new RunnerBench({
      task: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    });
    bench.run('task');
    while (bench.runner.running_task_id === undefined) await turn();
    bench.runner.fail_running_task(new Error('thrown by a timer'));
    finish();
    bench.run('task');
    expect(await bench.ended(1)).toMatchObject([
      { kind: 'task_failed', task_id: 100, value: { message: 'thrown by a timer' } },
    ]);
    while (bench.runner.running_task_id === undefined) await turn();
    expect(bench.outcomes.length).toBe(1);
  });

  it('concerns no task when none runs', async () => {
    const bench = new RunnerBench({ task: () => 1 });
    bench.runner.fail_running_task(new Error('late'));
    bench.run('task');
    expect(await bench.ended(1)).toMatchObject([{ kind: 'task_done' }]);
  });

  it('is told to the master', async () => {
    const bench = new RunnerBench({});
    bench.runner.report_stray_error(new Error('stray'));
    while (bench.reports.length === 0) await turn();
    expect(bench.reports).toMatchObject([{ kind: 'stray_error', error: { message: 'stray' } }]);
  });
});
