import { describe, expect, it } from 'vitest';
import { TaskTimeoutError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, forever, take_turns, until_aborted } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

describe('a task that takes longer than its timeout', () => {
  it('and ends when it is told to fails so, and its slave lives on', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { timeout: 5 });
    const task = job.queue_task(until_aborted());
    job.queue_task(echo('behind it'));
    const [late, other] = await job.run_all_tasks({ settle: true });
    expect(late).toMatchObject({
      status: 'rejected',
      reason: { code: 'PARJOB_ERR_TIMEOUT', timeout: 5, slave: 'unit.slave0', index: 0 },
    });
    expect((late as { reason: Error }).reason.message).toMatch(
      /^task 0 \(until_aborted\) took longer than its timeout of 5 ms on unit\.slave0; it ended when/,
    );
    expect(other).toMatchObject({ value: 'behind it' });
    expect(task.attempts).toBe(1);
    expect(job.failures).toMatchObject({ timed_out: 1, threw: 0 });
    expect(slave.launcher.processes).toHaveLength(1);
  });

  it('and does not end is ended with its slave, which is replaced', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const lost: unknown[] = [];
    job.on('slave_lost', ({ why }) => lost.push(why));
    const result = rejection<TaskTimeoutError>(job.run_task(forever(), { timeout: 70_000 }));
    const process = await slave.busy(1);
    await wait_until(() => process.pulse !== undefined, 'its pulse');
    await process.die_of('timed_out');
    const error = await result;
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(error).toMatchObject({ timeout: 70_000, slave: 'unit.slave0', index: undefined });
    expect(error.message).toContain('so its slave was killed and replaced');
    expect(lost).toEqual(['timed_out']);
    expect(await job.run_task(echo(1))).toBe(1);
    expect(job.failures).toMatchObject({ timed_out: 1, died: 0 });
  });

  it('is run again as retries says, after either end', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { retries: 2, retry_delay: 1, timeout: 20 });
    const retried: unknown[] = [];
    job.on('task_retried', ({ error, delay_ms }) => retried.push([error.constructor.name, delay_ms]));
    const result = rejection<TaskTimeoutError>(job.run_task(until_aborted()));
    expect(await result).toMatchObject({ code: 'PARJOB_ERR_TIMEOUT' });
    expect(retried).toEqual([
      ['TaskTimeoutError', 1],
      ['TaskTimeoutError', 2],
    ]);
    const killed = rejection<TaskTimeoutError>(job.run_task(forever(), { retries: 1 }));
    for (const launch of [1, 2]) {
      const process = await slave.busy(launch);
      await wait_until(() => process.pulse !== undefined, 'its pulse');
      await process.die_of('timed_out');
    }
    expect((await killed).message).toContain('killed');
    expect(retried.at(-1)).toEqual(['SlaveLostError', 1]);
    expect(job.failures.timed_out).toBe(5);
  });
});

describe('a timeout', () => {
  it('of its own comes before that of the job, also one without end', async () => {
    const job = unit_job<unknown>(1, { timeout: 1 });
    const turns = 5000;
    const [own, endless] = [
      job.queue_task(take_turns(turns), { timeout: 600_000 }),
      job.queue_task(take_turns(turns), { timeout: Infinity }),
    ];
    await job.run_all_tasks({ settle: true });
    expect([own.state, endless.state]).toEqual(['done', 'done']);
  });

  it('does not count the time in the queue', async () => {
    const job = unit_job<unknown>(1, { prefetch: 4 });
    const long = job.queue_task(until_aborted(), { timeout: 400 });
    const short = job.queue_task(echo(1), { timeout: 300 });
    await job.run_all_tasks({ settle: true });
    expect([long.state, short.state]).toEqual(['failed', 'done']);
  });
});
