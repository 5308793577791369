import { appendFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SlaveDiedError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_folder, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';
import { WhoAmI } from '../tasks/task_classes.js';

const { echo, forever, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

afterEach(() => {
  vi.useRealTimers();
});

describe('a slave that dies while it runs a task', () => {
  it('is started again, and the task is run again', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { prefetch: 1 });
    const retried: unknown[] = [];
    job.on('task_retried', ({ task, error }) => retried.push([task.index, error.message]));
    job.queue_task(wait_for('again'));
    const task = job.queue_task(new WhoAmI());
    const results = job.run_all_tasks();
    (await slave.busy(1)).end({ signal: 'SIGSEGV' });
    await slave.busy(2);
    await let_go('again');
    expect(await results).toEqual(['again', { index: 1, attempt: 1, slave: 'unit.slave0' }]);
    expect(retried).toEqual([[0, 'unit.slave0 was ended by SIGSEGV']]);
    expect(task.attempts).toBe(1);
  });

  it('twice makes the task fail, with the log of each, and the others go on', async () => {
    const slave = new FakeSlave();
    const log_dir = unit_folder();
    const job = unit_job<unknown>([slave], { prefetch: 1, log_dir });
    const task = job.queue_task(forever());
    job.queue_task(echo('fine'));
    const run = job.run_all_tasks({ settle: true });
    for (const launch of [1, 2]) {
      const process = await slave.busy(launch);
      appendFileSync(process.order.log_file, `last words of ${launch}\n`);
      process.end({ exit_code: 3 });
    }
    const [died, fine] = await run;
    expect(fine).toMatchObject({ status: 'fulfilled', value: 'fine' });
    const error =
      died?.status === 'rejected' ? (died.reason as SlaveDiedError) : expect.fail('it did not fail');
    expect(error).toMatchObject({ code: 'PARJOB_ERR_SLAVE_DIED', index: 0 });
    expect(error.attempts).toMatchObject([
      {
        why: 'died',
        slave: 'unit.slave0',
        host: 'fake.host',
        reason: 'exited with code 3',
        exit_code: 3,
        log_tail: 'last words of 1',
        run_ms: expect.any(Number),
      },
      { log_tail: 'last words of 2' },
    ]);
    expect(error.message).toContain('task 0 (forever) was given up: each of its 2 attempts ended');
    expect(task).toMatchObject({ state: 'failed', attempts: 2 });
  });

  it('because the task exits is charged to that task, also when others wait behind it', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { prefetch: 10 });
    const failures: unknown[] = [];
    job.on('task_retried', ({ task }) => failures.push(task.index));
    job.queue_task(wait_for('exits'));
    for (let i = 1; i < 20; i++) job.queue_task(echo(i));
    const results = job.run_all_tasks();
    await (await slave.busy(1)).exit(3);
    await slave.busy(2);
    await let_go('exits', 0);
    expect(await results).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(failures).toEqual([0]);
  });

  it('for an unknown reason is charged to none of several tasks before that is proven', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const retried: unknown[] = [];
    job.on('task_retried', ({ task }) => retried.push(task.index));
    for (let i = 0; i < 10; i++) job.queue_task(wait_for(`suspect ${i}`));
    const results = job.run_all_tasks();
    (await slave.busy(1)).end({ signal: 'SIGKILL' });
    await slave.busy(2);
    for (let i = 0; i < 10; i++) await let_go(`suspect ${i}`);
    expect((await results).length).toBe(10);
    expect(retried).toEqual([]);
  });

  it('that was cancelled lives on without it', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave]);
    const controller = new AbortController();
    const result = rejection(job.run_task(forever(), { signal: controller.signal }));
    const process = await slave.busy(1);
    controller.abort(new Error('enough'));
    process.end({ signal: 'SIGKILL' });
    expect((await result).message).toBe('enough');
    expect(await job.run_task(echo(1))).toBe(1);
  });
});

describe('an idle slave that is lost', () => {
  it('is no more to be talked with', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    await job.start();
    const data = rejection(slave.get_data({ wait_idle: true }));
    slave.process.end({ exit_code: 9 });
    expect((await data).message).toBe('unit.slave0 exited with code 9');
    expect((await rejection(slave.send_data(1))).message).toBe('unit.slave0 exited with code 9');
  });

  it('when its link is cut and not made anew in time has its process ended', async () => {
    const slave = new FakeSlave('ignore_break');
    const job = unit_job([slave], { reconnect_timeout: 4000 });
    const lost: unknown[] = [];
    job.on('slave_lost', ({ why, error }) => lost.push([why, error.message]));
    await job.start();
    const { process } = slave;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    process.main?.link.destroy();
    await wait_until(() => vi.getTimerCount() > 0, 'the news of the cut');
    vi.advanceTimersByTime(3999);
    expect(process.has_ended).toBe(false);
    vi.advanceTimersByTime(1);
    expect(process.has_ended).toBe(true);
    await wait_until(() => slave.state === 'created', 'the loss of the slave');
    expect(lost).toEqual([['lost', expect.stringContaining('within 4000 ms (reconnect_timeout)')]]);
    expect(job.failures.lost).toBe(1);
  });
});
