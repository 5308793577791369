import { describe, expect, it } from 'vitest';
import type { Channel } from '../../src/net/channel.js';
import { tasks_from } from '../../src/task.js';
import { report } from '../../src/wire/messages.js';
import { encode_value } from '../../src/wire/value.js';
import { FakeSlave, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { keep_and_wait } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

function watched(options: Parameters<typeof unit_job>[1] = {}) {
  const slave = new FakeSlave();
  const job = unit_job<unknown>([slave], options);
  const kept: unknown[] = [];
  job.on('task_checkpoint', ({ task, slave: { name }, value }) => kept.push([task.index, name, value]));
  return { slave, job, kept };
}

describe('a checkpoint', () => {
  it('is told, and comes with the next attempt after the death of the slave', async () => {
    const { slave, job, kept } = watched();
    job.queue_task(keep_and_wait({ step: new Set([1, 2]) }, 'death'));
    const results = job.run_all_tasks();
    const process = await slave.busy(1);
    await wait_until(() => kept.length === 1, 'the checkpoint');
    expect(kept).toEqual([[0, 'unit.slave0', { step: new Set([1, 2]) }]]);
    process.end({ signal: 'SIGKILL' });
    await slave.busy(2);
    await let_go('death');
    expect(await results).toEqual([{ step: new Set([1, 2]) }]);
  });

  it('comes with the next attempt after a failure', async () => {
    const { job } = watched({ retries: 1, retry_delay: 1 });
    const result = job.run_task(keep_and_wait('kept', 'failure'));
    await let_go('failure', new Error('not yet'));
    await let_go('failure');
    expect(await result).toBe('kept');
  });

  it('is that of its own task only, and of no task that was run before', async () => {
    const { job } = watched();
    const first = job.run_task(keep_and_wait('of the first', 'first'));
    await let_go('first');
    expect(await first).toBeUndefined();
    const second = job.run_task(keep_and_wait('of the second', 'second'));
    await let_go('second');
    expect(await second).toBeUndefined();
  });

  it('may be undefined, which is none', async () => {
    const { job } = watched({ retries: 1, retry_delay: 1 });
    const result = job.run_task(keep_and_wait(undefined, 'nothing'));
    await let_go('nothing', new Error('again'));
    await let_go('nothing');
    expect(await result).toBeUndefined();
  });

  it('of a task that was cancelled, or of another attempt, is told no more', async () => {
    const { slave, job, kept } = watched();
    const controller = new AbortController();
    const result = job.run_task(keep_and_wait('in time', 'cancelled'), { signal: controller.signal });
    result.catch(() => {});
    const { main, runner } = await slave.busy(1);
    await wait_until(() => kept.length === 1, 'the checkpoint');
    const keep_late = (attempt: number) => {
      const { writer } = main as Channel;
      report.checkpoint(
        writer,
        runner?.running_task_id as number,
        attempt,
        encode_value('late', 'checkpoint'),
      );
      main?.flush();
    };
    keep_late(2);
    controller.abort();
    keep_late(1);
    await let_go('cancelled');
    const next = job.run_task(keep_and_wait('of the next', 'next'));
    await let_go('next');
    await next;
    expect(kept.map((facts) => (facts as unknown[])[2])).toEqual(['in time', 'of the next']);
  });
});
