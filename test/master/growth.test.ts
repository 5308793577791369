/** Jobs that get more slaves while tasks wait. */
import { describe, expect, it } from 'vitest';
import { Job } from '../../src/master/job.js';
import type { JobOptions } from '../../src/master/job_options.js';
import type { Slave } from '../../src/master/slave.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, fake_slaves, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** A job that may have so many, and how many it has asked for. */
function growing(
  max_slaves: number,
  options: JobOptions = {},
  make = fake_slaves as (count: number) => Slave[],
) {
  const asked: number[] = [];
  const new_slaves = (count: number) => {
    asked.push(count);
    return make(count);
  };
  const job = unit_job<unknown>(0, { max_slaves, new_slaves, ...options });
  return { job, asked };
}

describe('a job with max_slaves', () => {
  it('has no slaves before there is something to do', async () => {
    const { job, asked } = growing(4);
    expect(asked).toEqual([]);
    job.queue_task(echo(1));
    expect(job).toHaveLength(0);
    expect(await job.run_all_tasks()).toEqual([1]);
    expect(asked).toEqual([1]);
  });

  it('gets as many as tasks wait, at once, and no more than the maximum', async () => {
    const { job, asked } = growing(3);
    for (let i = 0; i < 20; i++) job.queue_task(echo(i));
    expect(await job.run_all_tasks()).toHaveLength(20);
    expect(asked).toEqual([3]);
    expect(job).toHaveLength(3);
  });

  it('gets two for two tasks', async () => {
    const { job, asked } = growing(8);
    for (const gate of ['grow a', 'grow b']) job.queue_task(wait_for(gate));
    const results = job.run_all_tasks();
    await wait_until(() => job.length === 2, 'two slaves');
    for (const gate of ['grow a', 'grow b']) await let_go(gate, gate);
    expect(await results).toEqual(['grow a', 'grow b']);
    expect(asked).toEqual([2]);
  });

  it('gets one for run_task', async () => {
    const { job, asked } = growing(8);
    expect(await job.run_task(echo(5))).toBe(5);
    expect(asked).toEqual([1]);
  });

  it('stops those that are idle, and starts them again', async () => {
    const { job, asked } = growing(2, { idle_timeout: 30 });
    for (let i = 0; i < 4; i++) job.queue_task(echo(i));
    await job.run_all_tasks();
    await wait_until(() => job.every(({ state }) => state === 'stopped'), 'rest');
    for (let i = 0; i < 4; i++) job.queue_task(echo(i));
    expect(await job.run_all_tasks()).toHaveLength(4);
    expect(asked).toEqual([2]);
  });

  it('ends the run with the cause when none of those that it gets starts', async () => {
    const { job, asked } = growing(50, {}, (count) =>
      Array.from({ length: count }, () => new FakeSlave('throw')),
    );
    for (let i = 0; i < 3; i++) job.queue_task(echo(i));
    const error = await rejection(job.run_all_tasks());
    expect(error).toMatchObject({ code: 'PARJOB_ERR_NO_SLAVES', cause: { cause_kind: 'cannot_start' } });
    expect(asked).toEqual([3]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no quota left');
      },
      'no quota left',
    ],
    ['gives too few', () => [], 'new_slaves: expected an array of 1 slaves, got []'],
    [
      'gives something else',
      () => 'slaves' as never,
      "new_slaves: expected an array of 1 slaves, got 'slaves'",
    ],
  ])('ends the run when new_slaves %s, and can go on with the next', async (_what, fail, text) => {
    let is_broken = true;
    const { job } = growing(1, {}, (count) => (is_broken ? (fail() as Slave[]) : fake_slaves(count)));
    job.queue_task(echo(1));
    expect((await rejection(job.run_all_tasks())).message).toContain(text);
    is_broken = false;
    expect(await job.run_all_tasks()).toEqual([1]);
  });

  it('says how many it may have', async () => {
    const { job } = growing(7);
    const results = job.run_task(wait_for('explained'));
    await wait_until(() => job[0]?.state === 'running_task', 'a busy slave');
    for (let i = 0; i < 100; i++) job.queue_task(echo(i));
    expect(job.explain()).toContain('no run has been asked for');
    await let_go('explained', 1);
    await results;
  });
});

describe('the options', () => {
  const new_slaves = fake_slaves as (count: number) => Slave[];

  it.each([
    [{ max_slaves: 4 }, /max_slaves and new_slaves belong together/],
    [{ new_slaves }, /max_slaves and new_slaves belong together/],
    [{ max_slaves: 0, new_slaves }, /max_slaves/],
    [{ max_slaves: 2.5, new_slaves }, /max_slaves/],
    [{ max_slaves: 4, new_slaves: 4 as never }, /new_slaves/],
    [{ encryption: 'yes' as never }, /encryption.*'auto', 'always', 'never'|encryption/],
    [{ expected_time: -1 }, /expected_time/],
    [{ expected_time: '1 h' as never }, /expected_time/],
  ] as [JobOptions, RegExp][])('%j cannot be', (options, text) => {
    expect(() => new Job([], options)).toThrow(expect.objectContaining({ code: 'PARJOB_ERR_USAGE' }));
    expect(() => new Job([], options)).toThrow(text);
  });
});
