/** The trace of a run goes on in its slaves. */
import { context, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Job, local_slaves, tasks_from } from '../../src/index.js';
import { test_folder } from '../kit/cluster.js';
import { reset_telemetry } from '../kit/telemetry.js';

const MODULE = new URL('../tasks/telemetry.js', import.meta.url);
const { parent_of_a_span } = tasks_from<typeof import('../tasks/telemetry.js')>(MODULE);

describe('A trace', () => {
  it('has the spans of a task on its slave in that of the task on the master', async () => {
    onTestFinished(reset_telemetry);
    const exporter = new InMemorySpanExporter();
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
    const request = trace.getTracer('test').startSpan('request');
    const job = new Job(local_slaves(2), {
      jobname: 'traced',
      log_dir: test_folder(),
      log_level: 'silent',
      spans: true,
    });
    onTestFinished(() => job.stop());
    job.slave_startup_commands.push(`await import(${JSON.stringify(MODULE)})`);
    // the first thing that is asked of the job, before anybody looks on
    const of_request = await context.with(trace.setSpan(context.active(), request), () =>
      job.run_task(parent_of_a_span()),
    );
    for (let i = 0; i < 10; i++) job.queue_task(parent_of_a_span());
    const parents = await job.run_all_tasks();
    await job.stop();
    const spans = exporter.getFinishedSpans();
    const task_spans = spans.filter(({ name }) => name === 'task parent_of_a_span');
    const of_index = (index: number | undefined) =>
      task_spans.find(({ attributes }) => attributes['parjob.task.index'] === index) as ReadableSpan;
    const place = (span: ReadableSpan) => {
      const { traceId, spanId } = span.spanContext();
      return { trace_id: traceId, span_id: spanId };
    };
    expect(task_spans).toHaveLength(11);
    expect(parents).toEqual(parents.map((_, index) => place(of_index(index))));
    expect(of_request).toEqual(place(of_index(undefined)));
    expect(of_index(undefined).parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  });
});
