/** Limits of time and memory, and what becomes of tasks that are cancelled, on real slaves. */
import { describe, expect, it } from 'vitest';
import { type SlaveDiedError, type TaskTimeoutError, tasks_from } from '../../src/index.js';
import { cluster_job, next_event } from '../kit/cluster.js';
import { rejection } from '../kit/fake_slave.js';
import { is_alive, wait_gone } from '../kit/processes.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);

describe('a task that takes longer than its timeout', () => {
  it('and listens to its signal ends there, and its slave goes on', async () => {
    const job = cluster_job<unknown>(1);
    const before = await job.run_task(tasks.pid());
    const error = await rejection<TaskTimeoutError>(job.run_task(tasks.until_aborted(), { timeout: 50 }));
    expect(error).toMatchObject({ code: 'PARJOB_ERR_TIMEOUT', timeout: 50 });
    expect(error.message).toContain('it ended when that time was over');
    expect(await job.run_task(tasks.pid())).toBe(before);
  });

  it.each([
    ['waits for ever', tasks.sleep_for(600_000)],
    ['blocks its thread', tasks.spin_for(600_000)],
  ])('and %s is killed with its slave, which is replaced', async (_what, task) => {
    const job = cluster_job<unknown>(1, { cancel_grace: 100 });
    const before = (await job.run_task(tasks.pid())) as number;
    const lost = next_event(job, 'slave_lost');
    const error = await rejection<TaskTimeoutError>(job.run_task(task, { timeout: 50 }));
    expect(error).toMatchObject({ code: 'PARJOB_ERR_TIMEOUT', timeout: 50, slave: 'test.slave0' });
    expect(error.message).toContain('its slave was killed and replaced');
    expect((await lost).why).toBe('timed_out');
    expect(await job.run_task(tasks.pid())).not.toBe(before);
    await wait_gone([before]);
    expect(job.failures).toMatchObject({ timed_out: 1, died: 0 });
  });
});

describe('a running task that is cancelled', () => {
  it('and does not end is killed with all that it has started, and the others have their results', async () => {
    const job = cluster_job<unknown>(1, { cancel_grace: 100 });
    const started = next_event(job, 'task_progress');
    const lost = next_event(job, 'slave_lost');
    const task = job.queue_task(tasks.run_child());
    for (let i = 0; i < 3; i++) job.queue_task(tasks.add(i, 1));
    const run = job.run_all_tasks({ settle: true });
    const child = (await started).done;
    const slave = job[0]?.pid as number;
    expect([child, slave].every(is_alive)).toBe(true);
    expect(task.cancel()).toBe(true);
    expect(await rejection(task.result)).toMatchObject({ code: 'PARJOB_ERR_CANCELLED' });
    expect((await run).slice(1)).toMatchObject([{ value: 1 }, { value: 2 }, { value: 3 }]);
    expect((await lost).why).toBe('cancelled');
    await wait_gone([child, slave]);
  });

  it('and blocks its thread is killed as well', async () => {
    const job = cluster_job<unknown>(1, { cancel_grace: 100, heartbeat_interval: 100 });
    await job.start();
    const slave = job[0]?.pid as number;
    const controller = new AbortController();
    const result = rejection(job.run_task(tasks.spin_for(600_000), { signal: controller.signal }));
    // a heartbeat may be of a time before the task began
    while ((await next_event(job, 'heartbeat')).vitals.stalled < 1000);
    controller.abort(new Error('enough'));
    expect((await result).message).toBe('enough');
    expect(await job.run_task(tasks.add(1, 2))).toBe(3);
    await wait_gone([slave]);
  });
});

it('max_tasks_per_slave: the process after so many tasks is another one', async () => {
  const job = cluster_job<number>(1, { max_tasks_per_slave: 2 });
  for (let i = 0; i < 6; i++) job.queue_task(tasks.pid());
  const pids = await job.run_all_tasks();
  expect(pids.filter((pid, i) => pids.indexOf(pid) === i)).toHaveLength(3);
  expect(pids.map((pid) => pids.filter((other) => other === pid).length)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(job.failures).toMatchObject({ died: 0, lost: 0 });
});

it('kill_slave_memory: a task that takes too much is ended, and that is the reason that it is given', async () => {
  const limit = 350 * 2 ** 20;
  const job = cluster_job<unknown>(1, { kill_slave_memory: limit, attempts: 1 });
  const error = await rejection<SlaveDiedError>(job.run_task(tasks.grow(500)));
  expect(error.attempts).toMatchObject([
    { why: 'too_large', reason: expect.stringContaining('kill_slave_memory'), signal: 'SIGKILL' },
  ]);
  expect(error.attempts[0]?.peak_memory).toBeGreaterThan(limit);
  expect(await job.run_task(tasks.add(1, 2))).toBe(3);
});

it('a checkpoint outlives the slave that made it, though that was killed at once', async () => {
  const job = cluster_job<unknown>(1);
  expect(await job.run_task(tasks.keep_and_be_killed())).toEqual({
    attempt: 2,
    kept: { step: 2, seen: new Set(['a']) },
  });
});
