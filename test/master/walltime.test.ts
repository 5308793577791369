/** What users say of how long tasks take. */
import { expect, it } from 'vitest';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';

const { echo } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

it('expected_time may be given for the job and for a task', async () => {
  const job = unit_job<unknown>([new FakeSlave()], { expected_time: 60_000 });
  job.queue_task(echo(1));
  job.queue_task(echo(2), { expected_time: 1 });
  expect(await job.run_all_tasks()).toEqual([1, 2]);
  expect(await job.run_task(echo(3), { expected_time: 10 ** 9 })).toBe(3);
});

it('expected_time of a task must be a time', async () => {
  const job = unit_job<unknown>([new FakeSlave()]);
  expect(() => job.queue_task(echo(1), { expected_time: 0 })).toThrow(/expected_time/);
  expect((await rejection(job.run_task(echo(1), { expected_time: Number.NaN }))).message).toMatch(
    /expected_time/,
  );
});
