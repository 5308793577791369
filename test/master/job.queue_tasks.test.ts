import { describe, expect, it } from 'vitest';
import type { UsageError } from '../../src/errors.js';
import { type AnyTask, tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { turn } from '../kit/wait_until.js';

const { echo, square } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** Counts how many tasks have been asked for. */
class Counted {
  asked = 0;

  *squares(count: number): Generator<AnyTask<number>> {
    for (let i = 0; i < count; i++) {
      this.asked++;
      yield square(i);
    }
  }

  async *slow_squares(count: number): AsyncGenerator<AnyTask<number>> {
    for (let i = 0; i < count; i++) {
      await turn();
      this.asked++;
      yield square(i);
    }
  }
}

describe('queue_tasks', () => {
  it('takes tasks from an iterable, in its order', async () => {
    const job = unit_job<number>(2);
    job.queue_tasks([square(1), square(2), square(3)]);
    expect(await job.run_all_tasks()).toEqual([1, 4, 9]);
  });

  it('takes tasks from an async iterable, in its order', async () => {
    const job = unit_job<number>(2);
    job.queue_tasks(new Counted().slow_squares(20));
    expect(await job.run_all_tasks()).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
  });

  it('takes from several, one after another, and from queue_task', async () => {
    const job = unit_job<unknown>(1);
    job.queue_task(echo('first'));
    job.queue_tasks(new Counted().slow_squares(2));
    job.queue_tasks([echo('last')]);
    expect(await job.run_all_tasks()).toEqual(['first', 0, 1, 'last']);
  });

  it('asks for nothing before a run', async () => {
    const counted = new Counted();
    const job = unit_job<number>(1);
    job.queue_tasks(counted.squares(10));
    await turn();
    expect(counted.asked).toBe(0);
  });

  it('asks for no more than slaves will need soon', async () => {
    const counted = new Counted();
    const job = unit_job<number>(1);
    job.queue_tasks(counted.squares(Infinity));
    let results = 0;
    for await (const _result of job.yield_tasks_unordered()) {
      results++;
      expect(counted.asked - results).toBeLessThanOrEqual(512 + 2 * 256 + 1);
      if (results === 3000) break;
    }
    const { asked } = counted;
    await turn();
    expect(counted.asked).toBe(asked);
  });

  it('asks for no more while the reader is behind', async () => {
    const counted = new Counted();
    const job = unit_job<number>(1, { prefetch: 1, max_result_bytes: 10 });
    job.queue_tasks(counted.squares(5000));
    const results = job.yield_tasks_unordered();
    await results.next();
    for (let i = 0; i < 50; i++) await turn();
    const { asked } = counted;
    for (let i = 0; i < 50; i++) await turn();
    expect(counted.asked).toBe(asked);
    expect(asked).toBeLessThan(600);
    await results.return();
  });

  it('goes on in the next run where a run was left', async () => {
    const job = unit_job<number>(1);
    job.queue_tasks(new Counted().squares(2000));
    const results: number[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      if (results.length === 5) break;
    }
    results.push(...(await job.run_all_tasks()));
    expect(new Set(results).size).toBe(2000);
  });

  it('may be called while a run goes on', async () => {
    const job = unit_job<number>(1);
    job.queue_task(square(1));
    const results: number[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      if (results.length === 1) job.queue_tasks([square(2), square(3)]);
    }
    expect(results).toEqual([1, 4, 9]);
  });

  it('launches nobody for an iterable without tasks', async () => {
    const job = unit_job<number>(1);
    job.queue_tasks([]);
    expect(await job.run_all_tasks()).toEqual([]);
    job.queue_tasks(new Counted().slow_squares(0));
    expect(await job.run_all_tasks()).toEqual([]);
  });

  it('is told at once of what is no iterable', () => {
    const job = unit_job(1);
    expect(() => job.queue_tasks(square(1) as never)).toThrow(
      /^queue_tasks: expected an iterable or async iterable of tasks, got FunctionTask/,
    );
    expect(() => job.queue_tasks('tasks' as never)).toThrow("got 'tasks'");
    expect(() => job.queue_tasks(undefined as never)).toThrow('got undefined');
  });

  it('with no slaves fails the run', async () => {
    const job = unit_job<number>(0);
    job.queue_tasks([square(1)]);
    expect((await rejection<UsageError>(job.run_all_tasks())).code).toBe('PARJOB_ERR_NO_SLAVES');
    job.push(new FakeSlave());
    expect(await job.run_all_tasks()).toEqual([1]);
  });
});

describe('an iterable that fails', () => {
  const failures: [string, () => Iterable<AnyTask<number>> | AsyncIterable<AnyTask<number>>, string][] = [
    [
      'by a throw',
      function* () {
        yield square(1);
        throw new Error('disk full');
      },
      'queue_tasks: after 1 tasks the iterable failed: disk full',
    ],
    [
      'by a rejection',
      async function* () {
        yield square(1);
        await turn();
        throw new Error('disk full');
      },
      'queue_tasks: after 1 tasks the iterable failed: disk full',
    ],
    [
      'by a throw of something that is no Error',
      // biome-ignore lint/correctness/useYield: it fails before it has a task
      function* () {
        throw 'text';
      },
      'queue_tasks: after 0 tasks the iterable failed: text',
    ],
    [
      'by what is no task',
      function* () {
        yield square(1);
        yield 'square(2)' as never;
      },
      "queue_tasks: after 2 tasks the iterable failed: expected a task, got 'square(2)'",
    ],
    [
      'by what is no task, later',
      async function* () {
        yield 7 as never;
      },
      'queue_tasks: after 1 tasks the iterable failed: expected a task, got 7',
    ],
  ];

  it.each(failures)('%s makes the run throw that, with its cause', async (_how, make, message) => {
    const job = unit_job<number>(1);
    job.queue_tasks(make());
    const error = await rejection<UsageError>(job.run_all_tasks());
    expect(error.message).toContain(message);
    expect(error.code).toBe('PARJOB_ERR_USAGE');
    expect(error.cause).toBeDefined();
  });

  it('loses none of the tasks that it gave before', async () => {
    const job = unit_job<number>(1);
    job.queue_tasks(
      (function* () {
        yield square(2);
        yield square(3);
        throw new Error('disk full');
      })(),
    );
    const error = await rejection<UsageError & { finished: { value: number }[] }>(job.run_all_tasks());
    const results = [...error.finished.map(({ value }) => value), ...(await job.run_all_tasks())];
    expect(results).toEqual([4, 9]);
  });
});
