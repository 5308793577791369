import { describe, expect, it } from 'vitest';
import { RemoteError, type StateError } from '../../src/errors.js';
import type { Outcome } from '../../src/master/queued_task.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { turn } from '../kit/wait_until.js';
import { Square } from '../tasks/task_classes.js';

const { square, echo, fail, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

describe('run_all_tasks', () => {
  it('resolves to the results in the order of queue_task, of functions and of classes', async () => {
    const job = unit_job<number>(3);
    for (let i = 0; i < 40; i++) job.queue_task(i % 2 === 0 ? square(i) : new Square(i));
    expect(await job.run_all_tasks()).toEqual(Array.from({ length: 40 }, (_, i) => i * i));
  });

  it('resolves to them in that order also when they end in another', async () => {
    const job = unit_job(2, { prefetch: 1 });
    job.queue_task(wait_for('first'));
    job.queue_task(echo('second'));
    job.queue_task(echo('third'));
    const results = job.run_all_tasks();
    job.on('task_done', ({ task }) => task.index === 2 && void let_go('first'));
    expect(await results).toEqual(['first', 'second', 'third']);
  });

  it('resolves to nothing when nothing is queued, and launches nobody', async () => {
    const slave = new FakeSlave();
    expect(await unit_job([slave]).run_all_tasks()).toEqual([]);
    expect(slave.launcher.processes).toEqual([]);
    expect(await unit_job([]).run_all_tasks()).toEqual([]);
  });

  it('may be called again, for what was queued since', async () => {
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    job.queue_task(square(2));
    expect(await job.run_all_tasks()).toEqual([4]);
    expect(await job.run_all_tasks()).toEqual([]);
    const task = job.queue_task(square(3));
    expect(await job.run_all_tasks()).toEqual([9]);
    expect(task.index).toBe(1);
    expect(slave.launcher.processes.length).toBe(1);
  });

  it('takes tasks that are queued while it runs', async () => {
    const job = unit_job<unknown>(1);
    job.queue_task(echo(1));
    let is_first = true;
    job.on('task_done', () => {
      if (is_first) job.queue_task(echo(2));
      is_first = false;
    });
    expect(await job.run_all_tasks()).toEqual([1, 2]);
  });

  it('is refused while another run goes on', async () => {
    const job = unit_job(1);
    job.queue_task(wait_for('go'));
    const first = job.run_all_tasks();
    const error = await rejection<StateError>(job.run_all_tasks());
    expect(error.code).toBe('PARJOB_ERR_STATE');
    expect(error.message).toContain('another run of this job is going on');
    const second = await rejection<StateError>(job.yield_tasks_unordered().next());
    expect(second.message).toMatch(/^yield_tasks_unordered: another run/);
    await let_go('go');
    expect(await first).toEqual(['go']);
  });

  it('refuses options that it does not have', async () => {
    const job = unit_job(1);
    const run = job.run_all_tasks({ setle: true } as object);
    expect((await rejection(run)).message).toBe(
      "run_all_tasks has no option 'setle': did you mean 'settle'?",
    );
  });
});

describe('the result of a queued task', () => {
  it('can be awaited beside the run', async () => {
    const job = unit_job<unknown>(1);
    const [good, bad] = [job.queue_task(square(3)), job.queue_task(fail('no'))];
    const run = job.run_all_tasks({ settle: true });
    expect(await good.result).toBe(9);
    expect(await rejection(bad.result)).toBeInstanceOf(RemoteError);
    expect(await run).toMatchObject([{ value: 9 }, { status: 'rejected' }]);
    expect([good.state, bad.state, good.attempts]).toEqual(['done', 'failed', 1]);
  });

  it('can be asked for before and after the run, and one that nobody asks for disturbs nobody', async () => {
    const rejections: unknown[] = [];
    const listener = (error: unknown) => rejections.push(error);
    process.on('unhandledRejection', listener);
    const job = unit_job<unknown>(1);
    const [asked, later] = [job.queue_task(fail('asked')), job.queue_task(fail('later'))];
    const { result } = asked;
    await job.run_all_tasks({ settle: true });
    expect((await rejection(later.result)).message).toContain('later');
    await turn();
    await turn();
    process.off('unhandledRejection', listener);
    expect(rejections).toEqual([]);
    expect((await rejection(result)).message).toContain('asked');
  });
});

describe('a task that fails', () => {
  it('makes the run throw what it threw, with what had finished, and keeps the rest', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    job.queue_task(echo('a'));
    job.queue_task(fail('broken'));
    job.queue_task(echo('b'));
    job.queue_task(echo('c'));
    const error = await rejection<RemoteError>(job.run_all_tasks());
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      code: 'PARJOB_ERR_REMOTE',
      remote_name: 'TypeError',
      remote_message: 'broken',
      slave: 'unit.slave0',
      what: 'task 1 (fail)',
      index: 1,
    });
    expect(error.message).toBe('TypeError: broken, from unit.slave0 in task 1 (fail)');
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.finished).toMatchObject([{ index: 0, status: 'fulfilled', value: 'a' }]);
    expect(await job.run_all_tasks()).toEqual(['b', 'c']);
  });

  it('that finished before what failed is on error.finished in the order of the queue', async () => {
    const job = unit_job<unknown>(3, { prefetch: 1 });
    job.queue_task(wait_for('slow'));
    job.queue_task(wait_for('failing'));
    job.queue_task(echo('quick'));
    job.queue_task(fail('at last'));
    job.on('task_done', ({ task }) => {
      if (task.index === 2) void let_go('slow');
    });
    const run = job.run_all_tasks();
    const error = await rejection<RemoteError>(run);
    await let_go('failing');
    const finished = error.finished as Outcome[];
    expect(finished.map(({ index }) => index)).toEqual(finished.map(({ index }) => index).toSorted());
    const rest = await job.run_all_tasks();
    expect([...finished.map((outcome) => 'value' in outcome && outcome.value), ...rest].toSorted()).toEqual([
      'failing',
      'quick',
      'slow',
    ]);
  });

  it('is an outcome among others when the run is to settle', async () => {
    const job = unit_job<unknown>(2);
    job.queue_task(echo('fine'));
    job.queue_task(fail('broken'));
    const outcomes = await job.run_all_tasks({ settle: true });
    expect(outcomes).toMatchObject([
      { index: 0, status: 'fulfilled', value: 'fine', task: { index: 0, name: 'echo' } },
      { index: 1, status: 'rejected', reason: { remote_message: 'broken' }, task: { state: 'failed' } },
    ]);
  });

  it('may have failed because its module or its export is not there', async () => {
    const job = unit_job(1);
    const url = new URL('../tasks/basic.js', import.meta.url).href;
    job.queue_task(tasks_from<{ nothing: () => number }>(url).nothing());
    const error = await rejection<RemoteError>(job.run_all_tasks());
    expect(error.remote_message).toContain("exports no function or class 'nothing'; it exports square,");
  });

  it('may have failed because its result cannot be sent', async () => {
    const job = unit_job(1, { max_frame_bytes: 2 ** 20 });
    const { large } = tasks_from<typeof import('../tasks/basic.js')>(
      new URL('../tasks/basic.js', import.meta.url),
    );
    job.queue_task(large(2 ** 20));
    const error = await rejection<RemoteError>(job.run_all_tasks());
    expect(error.remote_message).toMatch(/the result takes .* raise that option of the Job/);
  });
});

describe('arguments', () => {
  it('arrive as they were when the task was queued', async () => {
    const job = unit_job<unknown>(1);
    const list = [1, 2, 3];
    job.queue_task(echo(list));
    list.push(4);
    expect(await job.run_all_tasks()).toEqual([[1, 2, 3]]);
  });

  it('that cannot be sent are refused when the task is queued', () => {
    const job = unit_job(1);
    expect(() => job.queue_task(echo({ on_done: () => {} }))).toThrow('args[0].on_done is a function');
  });

  it('that are too large for a frame are refused when the task is queued', () => {
    const job = unit_job(1, { max_frame_bytes: 2 ** 20 });
    expect(() => job.queue_task(echo(new Uint8Array(2 ** 20)))).toThrow(
      /arguments of echo takes? \d+ bytes, but max_frame_bytes is 1048576: raise that option/,
    );
  });

  it('are taken for what is no task at all', () => {
    const job = unit_job(1);
    expect(() => job.queue_task({ run: 3 } as never)).toThrow('expected a task, got { run: 3 }');
    expect(() => job.queue_task(undefined as never)).toThrow('expected a task, got undefined');
  });
});

it('refuses a class that its module does not export, when the run begins', async () => {
  const { make_not_exported } = await import('../tasks/task_classes.js');
  const job = unit_job(1);
  job.queue_task(make_not_exported());
  const error = await rejection(job.run_all_tasks());
  expect(error.message).toMatch(/^class NotExported is not exported under its name by .*task_classes\.js/);
  // the run that was refused is over
  expect((await rejection(job.run_all_tasks())).message).toBe(error.message);
});
