import { describe, expect, it } from 'vitest';
import { NoMoreSlavesError, RemoteError, type SlaveDiedError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { turn, wait_until } from '../kit/wait_until.js';
import { make_not_exported, Square, UntilAborted, WhoAmI } from '../tasks/task_classes.js';

const { echo, fail, forever, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

describe('run_task', () => {
  it('resolves to the result, and needs no run', async () => {
    const job = unit_job(1);
    expect(await job.run_task(echo({ a: 1 }))).toEqual({ a: 1 });
    expect(await job.run_task(new Square(4))).toBe(16);
  });

  it('runs any number at the same time', async () => {
    const job = unit_job(3);
    const results = Promise.all(Array.from({ length: 500 }, (_, i) => job.run_task(new Square(i))));
    expect(await results).toEqual(Array.from({ length: 500 }, (_, i) => i * i));
  });

  it('goes ahead of the queue, and is no part of the run', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    const order: string[] = [];
    job.on('task_done', ({ task }) => order.push(`${task.name} ${task.index}`));
    job.queue_task(wait_for('first'));
    job.queue_task(echo('second'));
    const run = job.run_all_tasks();
    await wait_until(() => job[0]?.state === 'running_task', 'the first task');
    const urgent = job.run_task(new WhoAmI());
    await let_go('first', 1);
    expect(await urgent).toEqual({ index: undefined, attempt: 1, slave: 'unit.slave0' });
    expect(await run).toEqual([1, 'second']);
    expect(order).toEqual(['wait_for 0', 'WhoAmI undefined', 'echo 1']);
  });

  it('rejects with what the task threw', async () => {
    const error = await rejection<RemoteError>(unit_job(1).run_task(fail('no')));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ remote_message: 'no', what: 'run_task(fail)', index: undefined });
  });

  it('rejects when its slaves die of it, with what became of each', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    const result = rejection<SlaveDiedError>(job.run_task(forever()));
    (await slave.busy(1)).end({ signal: 'SIGSEGV' });
    (await slave.busy(2)).end({ signal: 'SIGBUS' });
    expect(await result).toMatchObject({
      code: 'PARJOB_ERR_SLAVE_DIED',
      attempts: [
        { slave: 'unit.slave0', signal: 'SIGSEGV', reason: 'was ended by SIGSEGV' },
        { slave: 'unit.slave0', signal: 'SIGBUS' },
      ],
    });
  });

  it('rejects when no slave can be had', async () => {
    const none = await rejection<NoMoreSlavesError>(unit_job(0).run_task(echo(1)));
    expect(none).toBeInstanceOf(NoMoreSlavesError);
    expect(none.message).toBe(
      '1 task waits and the job has no slaves: push some first, such as job.push(...local_slaves())',
    );
    const failing = await rejection(unit_job([new FakeSlave({ exit_code: 81 })]).run_task(echo(1)));
    expect(failing).toBeInstanceOf(NoMoreSlavesError);
  });

  it('rejects, and throws nothing, when the task cannot be sent', async () => {
    const job = unit_job(1);
    expect((await rejection(job.run_task(echo(() => {})))).message).toContain('args[0] is a function');
    expect((await rejection(job.run_task('square' as never))).message).toContain('expected a task');
    expect((await rejection(job.run_task(make_not_exported()))).message).toContain('is not exported');
    // and when that is known already
    expect((await rejection(job.run_task(make_not_exported()))).message).toContain('is not exported');
  });
});

describe('run_task with a signal', () => {
  it('that is aborted already sends nothing', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    const signal = AbortSignal.abort(new Error('too late'));
    expect((await rejection(job.run_task(echo(1), { signal }))).message).toBe('too late');
    expect(slave.launcher.processes).toEqual([]);
  });

  it('that is aborted while the class is checked sends nothing', async () => {
    const job = unit_job(1);
    const controller = new AbortController();
    const result = rejection(job.run_task(new Square(1), { signal: controller.signal }));
    controller.abort(new Error('changed my mind'));
    expect((await result).message).toBe('changed my mind');
    expect(job[0]?.state).toBe('created');
  });

  it('that is aborted in the queue takes the task out', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    const running = job.run_task(wait_for('first'));
    const controller = new AbortController();
    const queued = rejection(job.run_task(fail('this must not run'), { signal: controller.signal }));
    await wait_until(() => job[0]?.state === 'running_task', 'the first task');
    let failures = 0;
    job.on('task_failed', () => failures++);
    controller.abort(new Error('changed my mind'));
    expect((await queued).message).toBe('changed my mind');
    await let_go('first', 1);
    expect(await running).toBe(1);
    expect(await job.run_task(echo(2))).toBe(2);
    expect(failures).toBe(0);
  });

  it('that is aborted in mid-run rejects at once, and aborts the task on its slave', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave], { prefetch: 1 });
    const controller = new AbortController();
    const result = rejection(job.run_task(new UntilAborted(), { signal: controller.signal }));
    await slave.busy();
    controller.abort(new Error('changed my mind'));
    expect((await result).message).toBe('changed my mind');
    expect(await job.run_task(echo('the slave is free again'))).toBe('the slave is free again');
    expect(slave.launcher.processes.length).toBe(1);
  });

  it('that is aborted after the end changes nothing', async () => {
    const job = unit_job(1);
    const controller = new AbortController();
    expect(await job.run_task(echo(1), { signal: controller.signal })).toBe(1);
    controller.abort();
    await turn();
    expect(await job.run_task(echo(2))).toBe(2);
  });

  it('that is aborted by a listener while the task is being sent does not upset its slave', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave], { prefetch: 1 });
    const controller = new AbortController();
    job.on('task_done', () => controller.abort(new Error('one is enough')));
    const first = job.run_task(wait_for('first'));
    const second = rejection(job.run_task(echo('second'), { signal: controller.signal }));
    await let_go('first', 1);
    expect(await first).toBe(1);
    expect((await second).message).toBe('one is enough');
    const third = job.run_task(echo('third'));
    await wait_until(() => slave.launcher.processes.length > 1 || job[0]?.state === 'connected', 'the third');
    expect(await third).toBe('third');
    expect(slave.launcher.processes.length).toBe(1);
  });
});
