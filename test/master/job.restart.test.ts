/** Jobs that go on where an earlier run of the program stopped. Each run is a Job of its own on the same status file. */
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StatusFileError } from '../../src/errors.js';
import type { JobOptions } from '../../src/master/job_options.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_folder, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, fail, forever, keep_and_wait, large } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

let log_dir: string;
beforeEach(() => {
  log_dir = unit_folder();
});

/** A job with a status file, and what was run in it. */
function recorded(options: JobOptions = {}, slave = new FakeSlave()) {
  const job = unit_job<unknown>([slave], {
    log_dir,
    status_file: true,
    fsync: 'never',
    prefetch: 1,
    ...options,
  });
  const ran: number[] = [];
  job.on('task_done', ({ task }) => ran.push(task.index));
  return { job, ran, slave };
}

describe('a run that is restarted', () => {
  it('runs what had not returned, and has the results of the rest', async () => {
    const first = recorded();
    for (let i = 0; i < 5; i++) first.job.queue_task(echo(i));
    const stuck = first.job.queue_task(forever());
    const run = rejection(first.job.run_all_tasks());
    await wait_until(() => stuck.state === 'assigned', 'the last task');
    await first.job.stop();
    await run;
    const second = recorded({ restart: true });
    for (let i = 0; i < 5; i++) second.job.queue_task(echo(i));
    const added = second.job.queue_task(echo('in the place of the last'));
    expect(await second.job.run_all_tasks()).toEqual([0, 1, 2, 3, 4, 'in the place of the last']);
    expect(second.ran).toEqual([added.index]);
  });

  it('launches nobody when all is done', async () => {
    const { job } = recorded();
    job.queue_task(echo({ a: [1n] }));
    await job.run_all_tasks();
    await job.stop();
    const { job: again, slave } = recorded({ restart: true });
    const task = again.queue_task(echo({ a: [1n] }));
    expect(await again.run_all_tasks()).toEqual([{ a: [1n] }]);
    expect(task).toMatchObject({ state: 'done', attempts: 0 });
    expect(await task.result).toEqual({ a: [1n] });
    expect(slave.launcher.processes).toEqual([]);
  });

  it('runs a task again that failed', async () => {
    const { job } = recorded();
    job.queue_task(fail('no'));
    job.queue_task(echo(1));
    await job.run_all_tasks({ settle: true });
    await job.stop();
    const { job: again, ran } = recorded({ restart: true });
    again.queue_task(fail('no'));
    again.queue_task(echo(1));
    const outcomes = await again.run_all_tasks({ settle: true });
    expect(outcomes).toMatchObject([{ reason: { remote_message: 'no' } }, { value: 1 }]);
    expect(ran).toEqual([]);
    expect(again.failures.threw).toBe(1);
  });

  it('takes tasks from iterables, and those queued in mid-run, from the file too', async () => {
    const { job } = recorded();
    job.queue_tasks([1, 2, 3].map((n) => echo(n)));
    await job.run_all_tasks();
    await job.stop();
    const { job: again, ran } = recorded({ restart: true });
    again.queue_tasks([1, 2, 3, 4].map((n) => echo(n)));
    again.on('task_done', ({ task }) => task.index === 3 && again.queue_task(echo(2)));
    expect(await again.run_all_tasks()).toEqual([1, 2, 3, 4, 2]);
    // the second task of the same arguments is another one
    expect(ran).toEqual([3, 4]);
  });

  it('yields results from the file as well', async () => {
    const { job } = recorded();
    for (let i = 0; i < 3; i++) job.queue_task(echo(i));
    await job.run_all_tasks();
    await job.stop();
    const { job: again } = recorded({ restart: true });
    for (let i = 0; i < 4; i++) again.queue_task(echo(i));
    const seen: unknown[] = [];
    for await (const value of again.yield_tasks_unordered()) seen.push(value);
    expect(seen.toSorted()).toEqual([0, 1, 2, 3]);
  });

  it('gives a task its last checkpoint, and the number of its attempt', async () => {
    const first = recorded();
    first.job.queue_task(keep_and_wait({ step: 7 }, 'killed'));
    const kept: unknown[] = [];
    first.job.on('task_checkpoint', ({ value }) => kept.push(value));
    const run = rejection(first.job.run_all_tasks());
    await wait_until(() => kept.length === 1, 'the checkpoint');
    await first.job.stop();
    await run;
    const second = recorded({ restart: true });
    second.job.queue_task(keep_and_wait({ step: 7 }, 'killed'));
    const results = second.job.run_all_tasks();
    await second.slave.busy(1);
    await let_go('killed');
    expect(await results).toEqual([{ step: 7 }]);
  });

  it('runs a task again whose result was lost beside the file', async () => {
    const { job } = recorded();
    job.queue_task(large(2 ** 20));
    await job.run_all_tasks();
    await job.stop();
    const beside = readdirSync(log_dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(beside).toHaveLength(1);
    rmSync(join(log_dir, beside[0]?.name as string), { recursive: true });
    const { job: again, ran } = recorded({ restart: true });
    again.queue_task(large(2 ** 20));
    const [result] = (await again.run_all_tasks()) as [Uint8Array];
    expect(result.byteLength).toBe(2 ** 20);
    expect(ran).toEqual([0]);
  });

  it('begins a file when there is none', async () => {
    const { job } = recorded({ restart: true, status_file: undefined });
    job.queue_task(echo(1));
    expect(await job.run_all_tasks()).toEqual([1]);
    expect(readFileSync(join(log_dir, 'unit.status'), 'utf8')).toContain('unit');
  });
});

describe('a status file', () => {
  it('is opened with the first run, and not before', async () => {
    const { job } = recorded();
    job.queue_task(echo(1));
    expect(readdirSync(log_dir)).not.toContain('unit.status');
    await job.run_all_tasks();
    expect(readdirSync(log_dir)).toContain('unit.status');
  });

  it('holds what the user was told, at the moment when he is told', async () => {
    const { job } = recorded();
    const held: boolean[] = [];
    job.on('task_done', ({ task }) => {
      held.push(readFileSync(join(log_dir, 'unit.status'), 'utf8').includes(`result ${task.index}`));
    });
    for (let i = 0; i < 3; i++) job.queue_task(echo(`result ${i}`));
    await job.run_all_tasks();
    expect(held).toEqual([true, true, true]);
  });

  it('knows nothing of run_task', async () => {
    const { job } = recorded();
    job.queue_task(echo('of the queue'));
    await job.run_all_tasks();
    expect(await job.run_task(echo('beside it'))).toBe('beside it');
    const text = readFileSync(join(log_dir, 'unit.status'), 'utf8');
    expect(text).toContain('of the queue');
    expect(text).not.toContain('beside it');
  });

  it('that another master has open makes the run fail, and a later run may have it', async () => {
    const [holder, second] = [recorded(), recorded({ restart: true })];
    holder.job.queue_task(echo(1));
    await holder.job.run_all_tasks();
    second.job.queue_task(echo(1));
    const error = await rejection<StatusFileError>(second.job.run_all_tasks());
    expect(error).toMatchObject({ code: 'PARJOB_ERR_STATUS_FILE', problem: 'locked' });
    await holder.job.stop();
    expect(await second.job.run_all_tasks()).toEqual([1]);
    expect(second.ran).toEqual([]);
  });

  it('of a job whose tasks are others is refused, with both', async () => {
    const { job } = recorded();
    job.queue_task(echo(1));
    await job.run_all_tasks();
    await job.stop();
    const { job: other } = recorded({ restart: true });
    other.queue_task(large(3));
    const error = await rejection<StatusFileError>(other.run_all_tasks());
    expect(error.problem).toBe('other_program');
    expect(error.message).toContain('echo');
    expect(error.message).toContain('large');
  });

  it('with a torn last line is read up to there', async () => {
    const { job } = recorded();
    for (let i = 0; i < 3; i++) job.queue_task(echo(i));
    await job.run_all_tasks();
    await job.stop();
    appendFileSync(join(log_dir, 'unit.status'), '{"done":');
    const { job: again, ran } = recorded({ restart: true });
    for (let i = 0; i < 3; i++) again.queue_task(echo(i));
    expect(await again.run_all_tasks()).toEqual([0, 1, 2]);
    expect(ran).toEqual([]);
  });

  it('that is no status file is refused and not touched', async () => {
    const file = join(log_dir, 'unit.status');
    writeFileSync(file, 'my thesis\n');
    const { job } = recorded({ restart: true });
    job.queue_task(echo(1));
    expect(await rejection<StatusFileError>(job.run_all_tasks())).toMatchObject({
      problem: 'not_a_status_file',
    });
    expect(readFileSync(file, 'utf8')).toBe('my thesis\n');
  });
});

describe('a key', () => {
  it('is made from the task, and shown by its handle', async () => {
    const { job } = recorded();
    const tasks = [echo(1), echo(1), echo(2)].map((task) => job.queue_task(task));
    const named = job.queue_task(echo(3), { key: 'the third' });
    await job.run_all_tasks();
    expect(new Set(tasks.map(({ key }) => key)).size).toBe(3);
    expect(named.key).toBe('the third');
  });

  it('that is given is what counts, whatever the arguments are', async () => {
    const { job } = recorded();
    job.queue_task(echo('old'), { key: 'model' });
    await job.run_all_tasks();
    await job.stop();
    const { job: again } = recorded({ restart: true });
    again.queue_task(echo('new'), { key: 'model' });
    expect(await again.run_all_tasks()).toEqual(['old']);
  });
});

it('a task that is cancelled before the file is opened is cancelled all the same', async () => {
  const { job, ran } = recorded();
  const task = job.queue_task(echo(1));
  job.queue_task(echo(2));
  expect(task.cancel()).toBe(true);
  expect(task.cancel()).toBe(false);
  const outcomes = await job.run_all_tasks({ settle: true });
  expect(outcomes).toMatchObject([{ reason: { code: 'PARJOB_ERR_CANCELLED' } }, { value: 2 }]);
  expect(ran).toEqual([1]);
});
