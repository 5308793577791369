import { describe, expect, it, vi } from 'vitest';
import { CancelledError } from '../../src/errors.js';
import type { Job } from '../../src/master/job.js';
import type { QueuedTask } from '../../src/master/queued_task.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';
import { UntilAborted } from '../tasks/task_classes.js';

const { echo, forever, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** Index of each task that the job says was cancelled. */
function watch_cancelled<R>(job: Job<R>): (number | undefined)[] {
  const seen: (number | undefined)[] = [];
  job.on('task_cancelled', ({ task }) => seen.push(task.index));
  return seen;
}

describe('a task of the queue that is cancelled', () => {
  it('before the run is never sent, and the run reports it in its place', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const cancelled = watch_cancelled(job);
    const tasks = [1, 2, 3].map((n) => job.queue_task(echo(n)));
    const reason = new Error('not that one');
    expect(tasks[1]?.cancel(reason)).toBe(true);
    expect(tasks[1]?.state).toBe('cancelled');
    const outcomes = await job.run_all_tasks({ settle: true });
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', index: 1, reason: { code: 'PARJOB_ERR_CANCELLED', cause: reason } },
      { status: 'fulfilled', value: 3 },
    ]);
    expect(cancelled).toEqual([1]);
    expect(tasks.map(({ attempts }) => attempts)).toEqual([1, 0, 1]);
    expect(await rejection(tasks[1]?.result as Promise<unknown>)).toBeInstanceOf(CancelledError);
  });

  it('ends a run that does not settle, like any failure', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    job.queue_task(echo('first'));
    const task = job.queue_task(forever());
    job.queue_task(echo('left'));
    job.on('task_done', () => task.cancel());
    const error = await rejection<CancelledError>(job.run_all_tasks());
    expect(error).toMatchObject({
      code: 'PARJOB_ERR_CANCELLED',
      index: 1,
      message: 'task 1 (forever) was cancelled',
    });
    expect(error.finished).toMatchObject([{ value: 'first' }]);
  });

  it('while it runs rejects at once, and its slave sees the signal and goes on', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const lost: unknown[] = [];
    job.on('slave_lost', (event) => lost.push(event));
    const task = job.queue_task(new UntilAborted());
    job.queue_task(echo('behind it'));
    const outcomes = job.run_all_tasks({ settle: true });
    await slave.busy(1);
    expect(task.cancel('enough')).toBe(true);
    expect(await rejection(task.result)).toMatchObject({ cause: 'enough' });
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { value: 'behind it' }]);
    expect(lost).toEqual([]);
    expect(slave.launcher.processes).toHaveLength(1);
  });

  it('and does not end has its slave killed after cancel_grace, and no other task pays for it', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { cancel_grace: 20 });
    const lost: unknown[] = [];
    job.on('slave_lost', ({ why }) => lost.push(why));
    const retried = vi.fn();
    job.on('task_retried', retried);
    const task = job.queue_task(forever());
    for (let i = 1; i < 5; i++) job.queue_task(echo(i));
    const outcomes = job.run_all_tasks({ settle: true });
    const process = await slave.busy(1);
    await wait_until(() => process.pulse !== undefined, 'its pulse');
    task.cancel();
    expect((await outcomes).slice(1)).toMatchObject([1, 2, 3, 4].map((value) => ({ value })));
    expect(process.pulse_orders).toContainEqual({ kind: 'kill', seq: 0 });
    expect(lost).toEqual(['cancelled']);
    expect(job.failures).toMatchObject({ cancelled: 1, died: 0 });
    expect(retried).not.toHaveBeenCalled();
    expect(slave.launcher.processes).toHaveLength(2);
  });

  it('cannot be cancelled again, nor when it has an outcome', async () => {
    const job = unit_job<unknown>(1);
    const cancelled = watch_cancelled(job);
    const [gone, done] = [job.queue_task(echo(1)), job.queue_task(echo(2))];
    expect(gone.cancel()).toBe(true);
    expect(gone.cancel()).toBe(false);
    await job.run_all_tasks({ settle: true });
    expect(done.cancel()).toBe(false);
    expect(done.state).toBe('done');
    expect(cancelled).toEqual([0]);
  });

  it('may be the last that a run waits for', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const task = job.queue_task(new UntilAborted());
    const run = job.run_all_tasks({ settle: true });
    await slave.busy(1);
    task.cancel();
    expect(await run).toMatchObject([{ status: 'rejected', reason: { code: 'PARJOB_ERR_CANCELLED' } }]);
    job.queue_task(echo('next run'));
    expect(await job.run_all_tasks()).toEqual(['next run']);
  });
});

describe('the signal of a task of the queue', () => {
  it('cancels it, with its reason', async () => {
    const controller = new AbortController();
    const job = unit_job<unknown>(1);
    const task = job.queue_task(echo(1), { signal: controller.signal });
    job.queue_task(echo(2));
    const reason = new Error('no more');
    controller.abort(reason);
    expect(task.state).toBe('cancelled');
    const [cancelled, other] = await job.run_all_tasks({ settle: true });
    expect(cancelled).toMatchObject({ reason: { cause: reason } });
    expect(other).toMatchObject({ value: 2 });
  });

  it('that is aborted already leaves it out from the start', async () => {
    const job = unit_job<unknown>(1);
    const task = job.queue_task(echo(1), { signal: AbortSignal.abort(new Error('too late')) });
    expect(task.state).toBe('cancelled');
    expect(await rejection(task.result)).toMatchObject({ cause: { message: 'too late' } });
    expect(await job.run_all_tasks({ settle: true })).toMatchObject([{ status: 'rejected' }]);
  });

  it('that is aborted after the end changes nothing', async () => {
    const controller = new AbortController();
    const job = unit_job<unknown>(1);
    const cancelled = watch_cancelled(job);
    const task = job.queue_task(echo(1), { signal: controller.signal });
    await job.run_all_tasks();
    controller.abort();
    expect(task.state).toBe('done');
    expect(cancelled).toEqual([]);
  });

  it('of queue_tasks cancels all that have no outcome', async () => {
    const controller = new AbortController();
    const job = unit_job<unknown>(1, { prefetch: 1 });
    function* tasks() {
      yield wait_for('the first of many');
      for (let i = 0; i < 5; i++) yield echo(i);
    }
    job.queue_tasks(tasks(), { signal: controller.signal });
    job.on('task_done', () => controller.abort());
    const run = job.run_all_tasks({ settle: true });
    await let_go('the first of many');
    const outcomes = await run;
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...Array(5).fill('rejected')]);
  });
});

describe('the signal of a run', () => {
  it('ends it with its reason, and cancels all of the queue', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { prefetch: 1 });
    const cancelled = watch_cancelled(job);
    const tasks: QueuedTask[] = [new UntilAborted(), echo(1), echo(2)].map((task) => job.queue_task(task));
    const controller = new AbortController();
    const run = rejection(job.run_all_tasks({ signal: controller.signal }));
    await slave.busy(1);
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    expect(await run).toBe(reason);
    expect(tasks.map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(cancelled.toSorted()).toEqual([0, 1, 2]);
    for (const task of tasks) expect(await rejection(task.result)).toMatchObject({ cause: reason });
    job.queue_task(echo('next'));
    expect(await job.run_all_tasks()).toEqual(['next']);
  });

  it('that is aborted already begins none, and leaves the queue as it is', async () => {
    const job = unit_job<unknown>(1);
    job.queue_task(echo(1));
    const signal = AbortSignal.abort(new Error('no'));
    expect((await rejection(job.run_all_tasks({ signal }))).message).toBe('no');
    expect(await job.run_all_tasks()).toEqual([1]);
  });

  it('takes nothing more from iterables', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    const controller = new AbortController();
    let has_ended = false;
    function* endless() {
      try {
        for (;;) yield echo(1);
      } finally {
        has_ended = true;
      }
    }
    job.queue_tasks(endless());
    const seen: unknown[] = [];
    const read = async () => {
      for await (const value of job.yield_tasks_unordered({ signal: controller.signal })) {
        seen.push(value);
        if (seen.length === 3) controller.abort(new Error('three are enough'));
      }
    };
    expect((await rejection(read())).message).toBe('three are enough');
    await wait_until(() => has_ended, 'the end of the iterable');
    expect(await job.run_all_tasks()).toEqual([]);
  });

  it('that is aborted after the run cancels nothing', async () => {
    const job = unit_job<unknown>(1);
    const controller = new AbortController();
    job.queue_task(echo(1));
    await job.run_all_tasks({ signal: controller.signal });
    const task = job.queue_task(echo(2));
    controller.abort();
    expect(task.state).toBe('queued');
    expect(await job.run_all_tasks()).toEqual([2]);
  });
});
