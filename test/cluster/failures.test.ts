/** What goes wrong in a task on a real slave: each failure has its own clear outcome, and the other tasks are unaffected. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalSlave, type Outcome, RemoteError, SlaveDiedError, tasks_from } from '../../src/index.js';
import { cluster_job, next_event, test_folder } from '../kit/cluster.js';
import { wait_until } from '../kit/wait_until.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);

/** Runs `bad` among good tasks and gives its outcome; the good ones must have theirs. */
async function outcome_among_others(
  job: ReturnType<typeof cluster_job>,
  bad: Parameters<typeof job.queue_task>[0],
): Promise<Outcome> {
  for (let i = 0; i < 5; i++) job.queue_task(tasks.add(i, 1));
  const queued = job.queue_task(bad);
  for (let i = 5; i < 10; i++) job.queue_task(tasks.add(i, 1));
  const outcomes = await job.run_all_tasks({ settle: true });
  const others = outcomes.filter((outcome) => outcome.index !== queued.index);
  expect(others.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))).toEqual(
    Array.from({ length: 10 }, (_, i) => i + 1),
  );
  return outcomes[queued.index] as Outcome;
}

function reason_of(outcome: Outcome): Error {
  expect(outcome.status).toBe('rejected');
  return outcome.status === 'rejected' ? outcome.reason : new Error('no reason');
}

describe('a task that throws', () => {
  it('gives a RemoteError with name, message, remote stack, cause chain and own fields', async () => {
    const reason = reason_of(
      await outcome_among_others(cluster_job(2), tasks.throw_rich_error()),
    ) as RemoteError;
    expect(reason).toBeInstanceOf(RemoteError);
    expect(reason).toMatchObject({
      code: 'PARJOB_ERR_REMOTE',
      remote_name: 'TypeError',
      remote_message: 'no good',
      fields: { code: 'E_GOOD', data: [1] },
      index: 5,
      what: 'task 5 (throw_rich_error)',
    });
    expect(reason.slave).toMatch(/^test\.slave[01]$/);
    expect(reason.remote_stack).toContain('process.js');
    expect(((reason.cause as Error).cause as Error).message).toBe('deep down');
  });

  it('may throw undefined', async () => {
    const reason = reason_of(await outcome_among_others(cluster_job(1), tasks.throw_undefined()));
    expect(reason).toMatchObject({ remote_name: 'undefined', cause: undefined });
  });

  it('overflows the stack and gets a RangeError, and the slave lives on', async () => {
    const job = cluster_job<unknown>(1);
    const before = await job.run_task(tasks.pid());
    expect(reason_of(await outcome_among_others(job, tasks.overflow_stack()))).toMatchObject({
      remote_name: 'RangeError',
    });
    expect(await job.run_task(tasks.pid())).toBe(before);
  });

  it('returns what cannot be sent, and is told the path to it', async () => {
    const reason = reason_of(await outcome_among_others(cluster_job(1), tasks.return_function()));
    expect(reason.message).toContain('result.on_done is a function');
  });

  it('returns more than max_frame_bytes, and is told both sizes', async () => {
    const job = cluster_job(1, { max_frame_bytes: 2 ** 20 });
    const reason = reason_of(await outcome_among_others(job, tasks.return_megabytes(3)));
    expect(reason.message).toMatch(/3145\d+ bytes, but max_frame_bytes is 1048576/);
  });

  it('throws in a timer of its own, and fails with that error', async () => {
    const reason = reason_of(await outcome_among_others(cluster_job(2), tasks.throw_in_timer()));
    expect(reason).toMatchObject({ remote_message: 'thrown in a timer' });
  });

  it('leaves a promise that rejects later: it is told as stray_error, the task and the others keep their results', async () => {
    const job = cluster_job<unknown>(1);
    const stray = next_event(job, 'stray_error');
    expect(await outcome_among_others(job, tasks.reject_later())).toMatchObject({
      status: 'fulfilled',
      value: 'returned',
    });
    expect((await stray).error).toMatchObject({ remote_message: 'stray' });
  });
});

describe('a slave that dies in a task', () => {
  it('is relaunched, and the task is run again', async () => {
    const job = cluster_job<unknown>(2);
    const mark = join(test_folder(), 'mark');
    expect(await outcome_among_others(job, tasks.die_once(mark))).toMatchObject({ value: 'second run' });
    await job.start();
    expect(job.map((slave) => slave.state)).toEqual(['connected', 'connected']);
  });

  it('by process.exit twice: the task is given up after two runs, with exit code and log of each', async () => {
    const mark = join(test_folder(), 'mark');
    const reason = reason_of(
      await outcome_among_others(cluster_job(2), tasks.mark_and_exit(mark, 3)),
    ) as SlaveDiedError;
    expect(reason).toBeInstanceOf(SlaveDiedError);
    expect(reason).toMatchObject({ code: 'PARJOB_ERR_SLAVE_DIED', index: 5 });
    expect(reason.attempts.map((attempt) => attempt.exit_code)).toEqual([3, 3]);
    expect(readFileSync(mark, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('by SIGKILL, alone on its slave: the task runs twice in all', async () => {
    const job = cluster_job<unknown>(2);
    const mark = join(test_folder(), 'mark');
    await expect(job.run_task(tasks.mark_and_kill(mark))).rejects.toMatchObject({
      attempts: [{ signal: 'SIGKILL' }, { signal: 'SIGKILL' }],
    });
    expect(readFileSync(mark, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('for want of heap: the task is given up and the reason says so', async () => {
    const job = cluster_job<unknown>([new LocalSlave({ node_flags: ['--max-old-space-size=40'] })]);
    const reason = reason_of(await outcome_among_others(job, tasks.exhaust_heap())) as SlaveDiedError;
    expect(reason.attempts[0]?.reason).toContain('ran out of memory');
    expect(reason.message).toContain('--max-old-space-size');
  });

  it('takes its children with it', async () => {
    const job = cluster_job<number | undefined>(1);
    const child = (await job.run_task(tasks.leave_child())) as number;
    const lost = next_event(job, 'slave_lost');
    process.kill(job[0]?.pid as number, 'SIGKILL');
    await lost;
    const { wait_gone } = await import('../kit/processes.js');
    await wait_gone([child]);
  });
});

describe('busy is not dead', () => {
  it('a task that blocks the event loop for longer than heartbeat_timeout is not lost', async () => {
    const job = cluster_job<number>(2, { heartbeat_interval: 100, heartbeat_timeout: 1500 });
    const lost: unknown[] = [];
    job.on('slave_lost', (event) => lost.push(event));
    job.queue_task(tasks.spin_for(4000));
    expect(await job.run_all_tasks()).toEqual([4000]);
    expect(lost).toEqual([]);
  });

  it('a slave that is stopped by SIGSTOP is lost, and its task goes elsewhere', async () => {
    const job = cluster_job<unknown>(2, { heartbeat_interval: 100, heartbeat_timeout: 1000 });
    // without a pulse it would be judged by start_timeout
    const beating = new Set<unknown>();
    job.on('heartbeat', ({ slave }) => beating.add(slave));
    await job.start();
    await wait_until(() => beating.has(job[0]), 'the pulse of the slave');
    const frozen = job[0]?.pid as number;
    process.kill(frozen, 'SIGSTOP');
    for (let i = 0; i < 4; i++) job.queue_task(tasks.pid());
    const lost = next_event(job, 'slave_lost');
    const results = await job.run_all_tasks();
    expect(results).toHaveLength(4);
    expect(results).not.toContain(frozen);
    expect((await lost).error.message).toContain('no sign of life for 1000 ms');
  });

  it('tasks that wait behind a long one are taken back and run elsewhere', async () => {
    const job = cluster_job<number>(2);
    for (let i = 0; i < 40; i++) job.queue_task(tasks.spin_for(1));
    await job.run_all_tasks();
    job.queue_task(tasks.spin_for(1500));
    for (let i = 0; i < 60; i++) job.queue_task(tasks.spin_for(1));
    let before_the_long_one = 0;
    for await (const ms of job.yield_tasks_unordered()) {
      if (ms === 1500) break;
      before_the_long_one++;
    }
    expect(before_the_long_one).toBe(60);
  });
});

describe('a task that slaves cannot load', () => {
  it('names the exports that the module has', async () => {
    const { nothing } = tasks_from<{ nothing(): void }>(new URL('../tasks/process.js', import.meta.url));
    const reason = reason_of(await outcome_among_others(cluster_job(1), nothing()));
    expect(reason.message).toMatch(/exports no function or class 'nothing'; it exports .*add/);
  });

  it('says what its module threw', async () => {
    const { anything } = tasks_from<typeof import('../tasks/broken_module.js')>(
      new URL('../tasks/broken_module.js', import.meta.url),
    );
    const reason = reason_of(await outcome_among_others(cluster_job(1), anything()));
    expect(reason.message).toContain('this module is broken');
  });

  it('is told to move its tasks when its module makes a Job', async () => {
    const { answer } = tasks_from<typeof import('../tasks/makes_job.js')>(
      new URL('../tasks/makes_job.js', import.meta.url),
    );
    const reason = reason_of(await outcome_among_others(cluster_job(1), answer()));
    expect(reason.message).toContain('a Job was made on a slave');
    expect(reason.message).toContain('module of their own');
  });
});
