import { afterEach, describe, expect, it, vi } from 'vitest';
import { StateError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, fake_slaves, rejection, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, forever } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

afterEach(() => {
  vi.useRealTimers();
});

describe('stop', () => {
  it('resolves when all slaves have ended', async () => {
    const slaves = fake_slaves(3);
    const job = unit_job(slaves);
    await job.start();
    await job.stop();
    expect(slaves.map((slave) => slave.process.has_ended)).toEqual([true, true, true]);
    expect(slaves.map((slave) => slave.state)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  it('may be called again, and before anything was started', async () => {
    const job = unit_job(2);
    const first = job.stop();
    expect(job.stop()).toBe(first);
    await first;
    await job[Symbol.asyncDispose]();
  });

  it('rejects a run that goes on, and every run_task', async () => {
    const job = unit_job(1, { prefetch: 1 });
    job.queue_task(forever());
    const run = rejection<StateError>(job.run_all_tasks());
    const task = rejection<StateError>(job.run_task(echo(1)));
    const task_on_slave = rejection<StateError>(job.run_task(forever()));
    await wait_until(() => job[0]?.state === 'running_task', 'a running task');
    await job.stop();
    for (const error of [await run, await task, await task_on_slave]) {
      expect(error).toMatchObject({ code: 'PARJOB_ERR_STATE', message: 'the job was stopped' });
    }
  });

  it('has results that had come before on the error of the run', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    job.queue_task(echo('done'));
    job.queue_task(forever());
    const run = rejection<StateError & { finished: unknown }>(job.run_all_tasks());
    let done = 0;
    job.on('task_done', () => done++);
    await wait_until(() => done === 1 && job[0]?.state === 'running_task', 'the second task');
    await job.stop();
    expect((await run).finished).toMatchObject([{ value: 'done' }]);
  });

  it('rejects a start that goes on', async () => {
    const slave = new FakeSlave('hang');
    const job = unit_job([slave]);
    const start = job.start();
    start.catch(() => {});
    await wait_until(() => slave.launcher.processes.length === 1, 'the launch');
    await job.stop();
    expect(slave.process.has_ended).toBe(true);
    expect((await rejection<StateError>(start)).code).toBe('PARJOB_ERR_STATE');
  });

  it('ends slaves that are about to be launched', async () => {
    const slaves = fake_slaves(30);
    const job = unit_job(slaves);
    job.queue_task(echo(1));
    const run = rejection(job.run_all_tasks());
    await wait_until(() => slaves.some((slave) => slave.launcher.processes.length > 0), 'the first launches');
    await job.stop();
    await run;
    for (const { launcher } of slaves) {
      expect(launcher.processes.every((process) => process.has_ended)).toBe(true);
    }
  });

  it('ends slaves that do not listen', async () => {
    const slave = new FakeSlave('ignore_stop');
    const job = unit_job([slave]);
    await job.start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stopped = job.stop();
    vi.advanceTimersByTime(1499);
    expect(slave.process.has_ended).toBe(false);
    vi.advanceTimersByTime(1);
    await stopped;
    expect(slave.process.has_ended).toBe(true);
  });

  it('ends what waits for messages', async () => {
    const job = unit_job(1);
    await job.start();
    const data = rejection(job[0]?.get_data({ wait_idle: true }) as Promise<unknown>);
    await job.stop();
    expect((await data).message).toBe('unit.slave0 was stopped');
  });

  it('comes with the end of a block that uses the job', async () => {
    const slave = new FakeSlave();
    {
      await using job = unit_job([slave]);
      await job.start();
    }
    expect(slave.process.has_ended).toBe(true);
  });
});

describe('after a stop', () => {
  it('every call says that the job was stopped', async () => {
    const job = unit_job(1);
    await job.stop();
    const message = (method: string) =>
      `${method}: this job was stopped: make a new Job, or await what is to run before the job stops`;
    expect(() => job.queue_task(echo(1))).toThrow(message('queue_task'));
    expect(() => job.queue_tasks([echo(1)])).toThrow(message('queue_tasks'));
    expect((await rejection(job.run_all_tasks())).message).toBe(message('run_all_tasks'));
    expect((await rejection(job.yield_tasks_unordered().next())).message).toBe(
      message('yield_tasks_unordered'),
    );
    expect((await rejection(job.run_task(echo(1)))).message).toBe(message('run_task'));
    expect((await rejection<StateError>(job.start())).code).toBe('PARJOB_ERR_STATE');
  });

  it('its slaves talk no more', async () => {
    const job = unit_job(1);
    await job.start();
    const [slave] = job;
    await job.stop();
    for (const call of [slave?.get_data(), slave?.send_data(1), slave?.run_cmd('1')]) {
      expect((await rejection<StateError>(call as Promise<unknown>)).code).toBe('PARJOB_ERR_STATE');
    }
  });

  it('no slave is taken in, and those that are there can be taken out', async () => {
    const job = unit_job(1);
    await job.stop();
    const late = new FakeSlave();
    expect(() => job.push(late)).toThrow('push: this job was stopped: make a new Job');
    expect(() => job.unshift(late)).toThrow(StateError);
    expect(() => job.splice(0, 0, late)).toThrow(StateError);
    expect(job.pop()).toBeDefined();
    expect(job).toHaveLength(0);
    expect(late.launcher.processes).toEqual([]);
  });
});
