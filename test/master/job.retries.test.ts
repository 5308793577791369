import { describe, expect, it } from 'vitest';
import { RemoteError, type SlaveDiedError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';

const tasks = tasks_from<typeof import('../tasks/basic.js')>(new URL('../tasks/basic.js', import.meta.url));
const { echo, fail, forever } = tasks;

describe('a task that throws', () => {
  it('is not run again unless that was asked for', async () => {
    const job = unit_job<unknown>(1);
    const task = job.queue_task(fail('once'));
    await job.run_all_tasks({ settle: true });
    expect(task.attempts).toBe(1);
  });

  it('is run again as often as retries says, with the delay that is told', async () => {
    const job = unit_job<unknown>(1, { retries: 3, retry_delay: 2 });
    const retried: unknown[] = [];
    job.on('task_retried', ({ task, error, delay_ms }) => {
      retried.push([task.index, delay_ms]);
      expect(error).toBeInstanceOf(RemoteError);
    });
    const task = job.queue_task(fail('always'));
    const error = await rejection<RemoteError>(job.run_all_tasks());
    expect(error).toMatchObject({ code: 'PARJOB_ERR_REMOTE', remote_message: 'always' });
    expect(retried).toEqual([
      [0, 2],
      [0, 4],
      [0, 8],
    ]);
    expect(task).toMatchObject({ attempts: 4, state: 'failed' });
    expect(job.failures.threw).toBe(4);
  });

  it('and returns in a later run is done', async () => {
    const job = unit_job<unknown>(2);
    const task = job.queue_task(tasks.fail_until(3), { retries: 5, retry_delay: 1 });
    expect(await job.run_all_tasks()).toEqual(['run 3']);
    expect(task.attempts).toBe(3);
  });

  it('may be a run_task', async () => {
    const job = unit_job<unknown>(1);
    expect(await job.run_task(tasks.fail_until(2), { retries: 1, retry_delay: 1 })).toBe('run 2');
    const error = rejection<RemoteError>(job.run_task(fail('no'), { retries: 1, retry_delay: 1 }));
    expect((await error).remote_message).toBe('no');
  });

  it('has its own options before those of the job', async () => {
    const job = unit_job<unknown>(1, { retries: 2, retry_delay: 1 });
    const [own, of_job] = [job.queue_task(fail('a'), { retries: 0 }), job.queue_task(fail('b'), {})];
    const undefined_is_none = job.queue_task(fail('c'), { retries: undefined });
    await job.run_all_tasks({ settle: true });
    expect([own, of_job, undefined_is_none].map(({ attempts }) => attempts)).toEqual([1, 3, 3]);
  });

  it('from an iterable has the options of queue_tasks', async () => {
    const job = unit_job<unknown>(1);
    job.queue_tasks([tasks.fail_until(2), tasks.fail_until(2)], { retries: 1, retry_delay: 1 });
    expect(await job.run_all_tasks()).toEqual(['run 2', 'run 2']);
  });

  it('waits for its retry while others run, and may be cancelled there', async () => {
    const job = unit_job<unknown>(1, { retries: 1, retry_delay: 600_000 });
    const task = job.queue_task(fail('slowly'));
    job.queue_task(echo('meanwhile'));
    job.on('task_retried', () => queueMicrotask(() => task.cancel()));
    const outcomes = await job.run_all_tasks({ settle: true });
    expect(outcomes).toMatchObject([{ reason: { code: 'PARJOB_ERR_CANCELLED' } }, { value: 'meanwhile' }]);
    expect(task.attempts).toBe(1);
  });
});

describe('retry_if', () => {
  it('decides which failures are worth another run', async () => {
    const asked: unknown[] = [];
    const retry_if = (error: Error) => {
      asked.push((error as RemoteError).remote_message);
      return (error as RemoteError).remote_message === 'for now';
    };
    const job = unit_job<unknown>(1, { retries: 1, retry_delay: 1, retry_if });
    const [now, ever] = [job.queue_task(fail('for now')), job.queue_task(fail('for ever'))];
    await job.run_all_tasks({ settle: true });
    expect([now.attempts, ever.attempts]).toEqual([2, 1]);
    // not asked when no retry is left
    expect(asked.toSorted()).toEqual(['for ever', 'for now']);
  });

  it('that throws, or says anything but true, means no', async () => {
    const job = unit_job<unknown>(1, { retries: 1, retry_delay: 1 });
    const retry_if = () => {
      throw new Error('a bug in it');
    };
    const thrown = job.queue_task(fail('a'), { retry_if });
    const odd = job.queue_task(fail('b'), { retry_if: (() => 'yes') as never });
    const outcomes = await job.run_all_tasks({ settle: true });
    expect([thrown.attempts, odd.attempts]).toEqual([1, 1]);
    expect(outcomes).toMatchObject([
      { reason: { remote_message: 'a' } },
      { reason: { remote_message: 'b' } },
    ]);
  });
});

describe('attempts', () => {
  it('are the runs of a task whose slaves die', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const result = rejection<SlaveDiedError>(job.run_task(forever(), { attempts: 1 }));
    (await slave.busy(1)).end({ signal: 'SIGSEGV' });
    expect((await result).attempts).toHaveLength(1);
    const longer = rejection<SlaveDiedError>(job.run_task(forever(), { attempts: 3 }));
    for (const launch of [2, 3, 4]) (await slave.busy(launch)).end({ signal: 'SIGBUS' });
    expect((await longer).attempts.map(({ signal }) => signal)).toEqual(['SIGBUS', 'SIGBUS', 'SIGBUS']);
  });

  it('and retries have a limit each', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { attempts: 2, retries: 1, retry_delay: 1 });
    const retried: string[] = [];
    job.on('task_retried', ({ error }) => retried.push((error as RemoteError).code));
    const result = rejection<RemoteError>(job.run_task(tasks.wait_then_fail('both')));
    (await slave.busy(1)).end({ signal: 'SIGSEGV' });
    for (const _ of [1, 2]) {
      await slave.busy(2);
      await let_go('both');
    }
    expect((await result).remote_message).toBe('both');
    expect(retried).toEqual(['PARJOB_ERR_NETWORK', 'PARJOB_ERR_REMOTE']);
  });
});
