import { expect, it } from 'vitest';
import { no_failures } from '../../src/master/failure_counts.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, fail, forever, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

it('a job without failures has none of any kind', () => {
  const job = unit_job(1);
  expect(job.failures).toEqual(no_failures());
  expect(new Set(Object.values(job.failures))).toEqual(new Set([0]));
});

it('each failure of a task is counted, also when the task is run again', async () => {
  const job = unit_job<unknown>(1, { retries: 2, retry_delay: 1 });
  job.queue_task(fail('no'));
  job.queue_task(echo(1));
  await job.run_all_tasks({ settle: true });
  expect(job.failures).toEqual({ ...no_failures(), threw: 3 });
});

it('each launch that failed is counted', async () => {
  const job = unit_job<unknown>([new FakeSlave({ exit_code: 1 }, 'serve'), new FakeSlave()]);
  await job.start();
  expect(job.failures).toEqual({ ...no_failures(), cannot_start: 1 });
});

it('each loss of a slave is counted under its kind', async () => {
  const slave = new FakeSlave();
  const job = unit_job<unknown>([slave]);
  const before = job.failures;
  const first = job.run_task(wait_for('a second life'));
  (await slave.busy(1)).end({ signal: 'SIGKILL' });
  await slave.busy(2);
  await let_go('a second life');
  await first;
  const large = job.run_task(forever()).catch((error: Error) => error.message);
  for (const launch of [2, 3]) {
    const process = await slave.busy(launch);
    await wait_until(() => process.pulse !== undefined, 'its pulse');
    await process.die_of('too_large');
  }
  expect(await large).toContain('it took more memory than kill_slave_memory allows');
  expect(job.failures).toEqual({ ...no_failures(), died: 1, too_large: 2 });
  // what a user holds does not change under him
  expect(before).toEqual(no_failures());
});
