import { describe, expect, it } from 'vitest';
import type { RemoteError, StateError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { turn, wait_until } from '../kit/wait_until.js';

const { echo, fail, large, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

describe('yield_tasks_unordered', () => {
  it('yields each result once, as it comes', async () => {
    const job = unit_job<unknown>(2, { prefetch: 1 });
    job.queue_task(wait_for('slow'));
    for (let i = 1; i < 10; i++) job.queue_task(echo(i));
    const results: unknown[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      if (results.length === 9) await let_go('slow');
    }
    expect(results.length).toBe(10);
    expect(results[9]).toBe('slow');
    expect(new Set(results)).toEqual(new Set(['slow', 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });

  it('starts nothing before the first result is asked for', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    job.queue_task(echo(1));
    const results = job.yield_tasks_unordered();
    await turn();
    expect(slave.launcher.processes).toEqual([]);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it('takes tasks that are queued while results are consumed', async () => {
    const job = unit_job<unknown>(1);
    job.queue_task(echo(5));
    const results: unknown[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      if ((result as number) > 0) job.queue_task(echo((result as number) - 1));
    }
    expect(results).toEqual([5, 4, 3, 2, 1, 0]);
  });

  it('throws when a task fails, and goes on from there in the next run', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    for (const task of [echo(1), fail('no'), echo(2)]) job.queue_task<unknown>(task);
    const results: unknown[] = [];
    const run = async () => {
      for await (const result of job.yield_tasks_unordered()) results.push(result);
    };
    expect((await rejection<RemoteError>(run())).remote_message).toBe('no');
    expect(results).toEqual([1]);
    await run();
    expect(results).toEqual([1, 2]);
  });

  it('yields outcomes when it is to settle', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    job.queue_task(echo(1));
    job.queue_task(fail('no'));
    const outcomes: unknown[] = [];
    for await (const outcome of job.yield_tasks_unordered({ settle: true })) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: { remote_message: 'no' } },
    ]);
  });

  it('may be left early: the rest waits for the next run, and no result is lost', async () => {
    const job = unit_job<unknown>(2);
    for (let i = 0; i < 30; i++) job.queue_task(echo(i));
    const results: unknown[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      if (results.length === 3) break;
    }
    const rest = await job.run_all_tasks();
    expect(rest).toEqual(rest.toSorted((a, b) => Number(a) - Number(b)));
    expect([...results, ...rest].toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 30 }, (_, i) => i),
    );
  });

  it('starts nothing more once it is left', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    let done = 0;
    job.on('task_done', () => done++);
    for (let i = 0; i < 50; i++) job.queue_task(echo(i));
    for await (const _result of job.yield_tasks_unordered()) break;
    for (let i = 0; i < 100; i++) await turn();
    expect(done).toBeLessThanOrEqual(3);
    expect(job[0]?.state).toBe('connected');
  });

  it('may be left early for good', async () => {
    const job = unit_job<unknown>(1);
    for (let i = 0; i < 30; i++) job.queue_task(echo(i));
    for await (const _result of job.yield_tasks_unordered()) break;
    await job.stop();
    const late = job.yield_tasks_unordered().next();
    expect((await rejection<StateError>(late)).code).toBe('PARJOB_ERR_STATE');
  });

  it('refuses options that it does not have', async () => {
    const results = unit_job(1).yield_tasks_unordered({ settle: 'yes' } as object);
    expect((await rejection(results.next())).message).toBe(
      "yield_tasks_unordered: option 'settle' must be true or false, got 'yes'",
    );
  });
});

describe('results that nobody has taken', () => {
  const KIBIBYTE = 1024;

  it('stop the dispatch at max_result_bytes, until the reader has caught up', async () => {
    const job = unit_job<Uint8Array>(1, { prefetch: 1, max_result_bytes: 100 * KIBIBYTE });
    const count = 60;
    let done = 0;
    job.on('task_done', () => done++);
    for (let i = 0; i < count; i++) job.queue_task(large(10 * KIBIBYTE));
    const results = job.yield_tasks_unordered();
    await results.next();
    await wait_until(() => done >= 10, 'results up to the bound');
    for (let i = 0; i < 50; i++) await turn();
    const stopped_at = done;
    expect(stopped_at).toBeLessThanOrEqual(13);
    let taken = 1;
    for await (const result of results) {
      taken++;
      expect(result.length).toBe(10 * KIBIBYTE);
    }
    expect(taken).toBe(count);
  });

  it('do not hold up run_all_tasks, which keeps them all anyway', async () => {
    const job = unit_job<Uint8Array>(1, { max_result_bytes: 1 });
    for (let i = 0; i < 20; i++) job.queue_task(large(KIBIBYTE));
    expect((await job.run_all_tasks()).length).toBe(20);
  });

  it('do not hold up run_task', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1, max_result_bytes: 1 });
    for (let i = 0; i < 5; i++) job.queue_task(echo(i));
    const results: unknown[] = [];
    for await (const result of job.yield_tasks_unordered()) {
      results.push(result);
      expect(await job.run_task(echo('beside'))).toBe('beside');
    }
    expect(results).toEqual([0, 1, 2, 3, 4]);
  });
});

it('a run that has finished does not fail for want of slaves afterwards', async () => {
  const job = unit_job<unknown>(1);
  for (let i = 0; i < 3; i++) job.queue_task(echo(i));
  const results: unknown[] = [];
  for await (const result of job.yield_tasks_unordered()) {
    results.push(result);
    if (results.length > 1) continue;
    await wait_until(() => job[0]?.state === 'connected', 'the end of all tasks');
    job.pop();
    expect((await rejection<StateError>(job.run_task(echo(9)))).code).toBe('PARJOB_ERR_NO_SLAVES');
  }
  expect(results).toEqual([0, 1, 2]);
});
