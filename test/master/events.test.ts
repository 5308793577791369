import { describe, expect, it } from 'vitest';
import { Log } from '../../src/base/log.js';
import { Events } from '../../src/master/events.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';
import { ReportProgress } from '../tasks/task_classes.js';

const { echo, fail } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** A logger that keeps its lines. */
function kept_log() {
  const lines: { fields: Record<string, unknown>; text: string }[] = [];
  const write = (fields: Record<string, unknown>, text: string) => void lines.push({ fields, text });
  const logger = { debug: write, info: write, warn: write, error: write } as never;
  return { lines, logger };
}

describe('Events', () => {
  it('are told to every listener, in their order', () => {
    const events = new Events(new Log({ level: 'silent' }));
    const seen: string[] = [];
    events.on('slave_connected', () => seen.push('a'));
    events.on('slave_connected', () => seen.push('b'));
    events.emit('slave_connected', { slave: new FakeSlave() });
    expect(seen).toEqual(['a', 'b']);
  });

  it('are not told to a listener that was taken out', () => {
    const events = new Events(new Log({ level: 'silent' }));
    const seen: unknown[] = [];
    const listener = (event: unknown) => seen.push(event);
    events.on('slave_connected', listener);
    expect(events.has_listeners('slave_connected')).toBe(true);
    events.off('slave_connected', listener);
    expect(events.has_listeners('slave_connected')).toBe(false);
    events.emit('slave_connected', { slave: new FakeSlave() });
    expect(seen).toEqual([]);
  });

  it('reach the others when one listener throws, which is logged', () => {
    const { lines, logger } = kept_log();
    const events = new Events(new Log({ logger }));
    const seen: string[] = [];
    events.on('slave_connected', () => {
      throw new Error('bad listener');
    });
    events.on('slave_connected', () => seen.push('b'));
    events.emit('slave_connected', { slave: new FakeSlave() });
    expect(seen).toEqual(['b']);
    expect(lines).toMatchObject([
      {
        fields: { err: { message: 'bad listener' }, event: 'slave_connected' },
        text: 'a listener of the job threw',
      },
    ]);
  });
});

describe('a listener', () => {
  it('must be a function, of an event that there is', () => {
    const job = unit_job([]);
    const listen = (name: string, listener: unknown) => () => job.on(name as never, listener as never);
    expect(listen('slave_conected', () => {})).toThrow(
      /there is no event 'slave_conected'; there are slave_started, slave_connected, /,
    );
    expect(listen('task_done', 'print')).toThrow("the listener of task_done must be a function, got 'print'");
  });
});

describe('a Job', () => {
  it('tells of its slaves from their start to their end', async () => {
    const seen: unknown[] = [];
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    job
      .on('slave_started', ({ pid, command }) => seen.push(['started', pid === slave.process.pid, command]))
      .on('slave_connected', (event) => seen.push(['connected', event.slave === slave]))
      .on('slave_stopped', (event) => seen.push(['stopped', event.slave === slave]));
    await job.start();
    await job.stop();
    expect(seen).toEqual([
      ['started', true, ['fake', 'slave']],
      ['connected', true],
      ['stopped', true],
    ]);
  });

  it('tells of its tasks', async () => {
    const seen: unknown[] = [];
    const job = unit_job<unknown>(1, { prefetch: 1 });
    const done = (event: { task: { index: number } }) => seen.push(['done', event.task.index]);
    job.on('task_done', done);
    job.on('task_failed', ({ task, error }) => seen.push(['failed', task.index, error.message]));
    job.queue_task(echo(1));
    job.queue_task(fail('no'));
    await job.run_all_tasks({ settle: true });
    job.off('task_done', done);
    job.queue_task(echo(2));
    await job.run_all_tasks();
    expect(seen).toEqual([
      ['done', 0],
      ['failed', 1, 'TypeError: no, from unit.slave0 in task 1 (fail)'],
    ]);
  });

  it('tells how far a task is', async () => {
    const seen: unknown[] = [];
    const job = unit_job<unknown>(1);
    job.on('task_progress', ({ task, done, total, note }) => seen.push([task.index, done, total, note]));
    job.queue_task(new ReportProgress(2));
    await job.run_all_tasks();
    expect(seen).toEqual([
      [0, 1, 2, undefined],
      [0, 2, 2, undefined],
    ]);
  });

  it('tells of errors on a slave that nobody caught', async () => {
    const seen: string[] = [];
    const slave = new FakeSlave();
    const job = unit_job([slave]);
    job.on('stray_error', ({ error }) => seen.push(error.message));
    await job.start();
    await wait_until(() => slave.process.runner !== undefined, 'the welcome');
    slave.process.runner?.report_stray_error(new Error('a timer threw'));
    await wait_until(() => seen.length > 0, 'the event');
    expect(seen).toEqual(['Error: a timer threw, from unit.slave0 in no task (a stray promise or callback)']);
  });

  it('goes on when a listener throws', async () => {
    const { lines, logger } = kept_log();
    const job = unit_job<unknown>(1, { logger });
    for (const name of ['slave_started', 'slave_connected', 'task_done'] as const) {
      job.on(name, () => {
        throw new Error(`bad listener of ${name}`);
      });
    }
    job.queue_task(echo(1));
    expect(await job.run_all_tasks()).toEqual([1]);
    const logged = lines.filter(({ text }) => text === 'a listener of the job threw');
    expect(logged.map(({ fields }) => fields['event'])).toEqual([
      'slave_started',
      'slave_connected',
      'task_done',
    ]);
  });
});
