import { describe, expect, it } from 'vitest';
import { RemoteError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';

const { echo, fail_large, large } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

const MEBIBYTE = 2 ** 20;
const KIBIBYTE = 1024;

describe('max_frame_bytes', () => {
  it('is not exceeded by results that leave together', async () => {
    const slave = new FakeSlave();
    const job = unit_job<Uint8Array>([slave], { max_frame_bytes: MEBIBYTE });
    for (let i = 0; i < 10; i++) {
      job.queue_task(large(100 * KIBIBYTE));
      job.queue_task(large(1000 * KIBIBYTE));
    }
    const results = await job.run_all_tasks();
    expect(results.map(({ length }) => length / KIBIBYTE)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 100 : 1000)),
    );
    expect(slave.launcher.processes.length).toBe(1);
  });

  it('is not exceeded by what a task throws', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave], { max_frame_bytes: MEBIBYTE });
    job.queue_task(fail_large(2 * MEBIBYTE));
    const error = await rejection<RemoteError>(job.run_all_tasks());
    expect(error).toBeInstanceOf(RemoteError);
    expect(slave.launcher.processes.length).toBe(1);
  });

  it('is not exceeded by what a command throws', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave], { max_frame_bytes: MEBIBYTE });
    await job.start();
    await slave.run_cmd("throw Object.assign(new Error('no'), { dump: new Uint8Array(2 ** 21) })");
    expect(await rejection(slave.get_data())).toBeInstanceOf(RemoteError);
    expect(slave.launcher.processes.length).toBe(1);
  });

  it('is not exceeded by what an error that nobody caught carries', async () => {
    const slave = new FakeSlave();
    const job = unit_job<unknown>([slave], { max_frame_bytes: MEBIBYTE });
    expect(await job.run_task(echo(1))).toBe(1);
    const stray = new Promise((resolve) => job.on('stray_error', ({ error }) => resolve(error)));
    const lost = new Promise((resolve) => job.on('slave_lost', ({ error }) => resolve(error)));
    slave.process.runner?.report_stray_error(
      Object.assign(new Error('stray'), { dump: new Uint8Array(2 * MEBIBYTE) }),
    );
    expect(await Promise.race([stray, lost])).toBeInstanceOf(RemoteError);
  });

  it('is not exceeded by messages to a slave', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave], { max_frame_bytes: MEBIBYTE });
    await job.start();
    const error = await rejection(slave.send_data(new Uint8Array(2 * MEBIBYTE)));
    expect(error).toMatchObject({ code: 'PARJOB_ERR_USAGE' });
    expect(error.message).toContain('max_frame_bytes');
  });

  it('holds for each task: what is just below it passes', async () => {
    const job = unit_job<unknown>(1, { max_frame_bytes: MEBIBYTE });
    const array = new Uint8Array(MEBIBYTE - 2 * KIBIBYTE).fill(7);
    for (let i = 0; i < 5; i++) job.queue_task(echo(array));
    const echoes = (await job.run_all_tasks()) as Uint8Array[];
    expect(echoes.map((echoed) => Buffer.compare(echoed, array))).toEqual(Array(5).fill(0));
  });
});
