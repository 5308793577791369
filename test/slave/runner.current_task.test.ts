import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { current_task } from '../../src/task.js';
import { RunnerBench } from '../kit/runner_bench.js';
import { reset_telemetry } from '../kit/telemetry.js';
import { turn } from '../kit/wait_until.js';

describe('current_task()', () => {
  it('says what runs, where, and how often it was tried', async () => {
    const bench = new RunnerBench({
      task() {
        const { index, attempt, slave, signal } = current_task();
        return { index, attempt, slave, aborted: signal.aborted };
      },
    });
    bench.run('task');
    bench.run('task');
    expect((await bench.ended(2)).map(({ value }) => value)).toEqual([
      { index: 0, attempt: 1, slave: 'test.slave0', aborted: false },
      { index: 1, attempt: 1, slave: 'test.slave0', aborted: false },
    ]);
  });

  it('throws outside of a task', async () => {
    const bench = new RunnerBench({
      good: () => current_task().index,
      bad() {
        throw new Error('bad');
      },
    });
    const outside = 'current_task() was called outside of a task';
    expect(() => current_task()).toThrow(outside);
    bench.run('good');
    bench.run('bad');
    await bench.ended(2);
    expect(() => current_task()).toThrow(outside);
    bench.command('current_task()');
    expect(await bench.commands_ended(1)).toMatchObject([{ kind: 'cmd_failed' }]);
  });
});

describe('report_progress', () => {
  it('reaches the master before the task ends', async () => {
    let finish = () => {};
    const bench = new RunnerBench({
      async task() {
        current_task().report_progress(1, 3, 'reading');
        current_task().report_progress(2);
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
    });
    bench.run('task');
    while (bench.reports.length < 2) await turn();
    expect(bench.reports).toMatchObject([
      { kind: 'progress', task_id: 100, attempt: 1, progress: { done: 1, total: 3, note: 'reading' } },
      { kind: 'progress', task_id: 100, progress: { done: 2 } },
    ]);
    finish();
    await bench.ended(1);
  });

  it('refuses what is no number, and takes any text', async () => {
    const bench = new RunnerBench({
      bad: () => current_task().report_progress('half' as unknown as number),
      bad_total: () => current_task().report_progress(1, '3' as unknown as number),
      odd: () => current_task().report_progress(-0, 2, '\ud800'),
    });
    bench.run('bad');
    bench.run('bad_total');
    bench.run('odd');
    const outcomes = await bench.ended(3);
    expect(outcomes).toMatchObject([
      { value: { message: 'report_progress: done must be a number, got string' } },
      { value: { message: 'report_progress: total must be a number, got string' } },
      { kind: 'task_done' },
    ]);
    expect(bench.reports).toContainEqual(
      expect.objectContaining({ progress: { done: 0, total: 2, note: '\ufffd' } }),
    );
  });

  it('says nothing once the task has ended', async () => {
    let report = () => {};
    const bench = new RunnerBench({
      task() {
        const task = current_task();
        report = () => task.report_progress(5);
      },
    });
    bench.run('task');
    await bench.ended(1);
    report();
    bench.run('task');
    await bench.ended(2);
    expect(bench.reports.map(({ kind }) => kind)).toEqual(['task_done', 'task_done']);
  });
});

describe('the trace of a task', () => {
  const trace_id = '0af7651916cd43dd8448eb211c80319c';
  const trace_context = { traceparent: `00-${trace_id}-b7ad6b7169203331-01` };

  it('is what it runs in, before and after it has waited, and nothing else does', async () => {
    onTestFinished(reset_telemetry);
    new NodeTracerProvider().register();
    const now = () => trace.getActiveSpan()?.spanContext().traceId;
    const bench = new RunnerBench({
      at_once: () => now(),
      later: async () => {
        await turn();
        return now();
      },
      context: () => current_task().trace_context,
    });
    bench.run_with({ trace_context }, 'at_once');
    bench.run_with({ trace_context }, 'later');
    bench.run_with({ trace_context }, 'context');
    bench.run('at_once');
    bench.run('context');
    expect((await bench.ended(5)).map(({ value }) => value)).toEqual([
      trace_id,
      trace_id,
      trace_context,
      undefined,
      undefined,
    ]);
  });

  it('breaks no task that cannot read it', async () => {
    onTestFinished(reset_telemetry);
    const bench = new RunnerBench({ task: () => 'done' });
    new NodeTracerProvider().register({
      propagator: {
        inject: () => {},
        extract: () => {
          throw new Error('no such propagator');
        },
        fields: () => [],
      },
    });
    bench.run_with({ trace_context: { nonsense: '' } }, 'task');
    expect(await bench.ended(1)).toMatchObject([{ kind: 'task_done', value: 'done' }]);
  });

  it('is forgotten with a task that was taken back', async () => {
    const bench = new RunnerBench({ task: () => current_task().trace_context });
    bench.claims.take_back(0, 1);
    bench.run_with({ trace_context }, 'task');
    bench.run('task');
    expect(await bench.ended(1)).toMatchObject([{ task_id: 101, value: undefined }]);
  });
});
