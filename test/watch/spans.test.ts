import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterEach, describe, expect, it } from 'vitest';
import { Spans } from '../../src/watch/spans.js';
import { reset_telemetry } from '../kit/telemetry.js';
import { EPOCH, type FakeJob, fake_run, fake_task } from './fake_job.js';

/** Registers an SDK. Returns what it has recorded of spans that have ended, in that order. */
function record(sampler?: Sampler): () => ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  provider.register();
  return () => exporter.getFinishedSpans();
}

const ms = ([seconds, nanoseconds]: [number, number]) => Math.round(seconds * 1000 + nanoseconds / 1e6);
const parent_of = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;
const id_of = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

function end(job: FakeJob, task: ReturnType<typeof fake_task>, run_ms = 10): void {
  job.tell('task_done', { task, slave: job.slave(1), run_ms });
}

afterEach(reset_telemetry);

describe('Spans', () => {
  it('are one for the job, and one in it for each task', () => {
    const recorded = record();
    const { clock, job, model } = fake_run();
    const spans = new Spans(model, 'align');
    clock.pass(1500);
    job.done(3, 1, 200);
    job.failed(4, 0, 50, { name: 'tree', attempts: 2 });
    model.feed.flush();
    spans.close();
    const [align, tree, of_job] = recorded();
    expect(of_job).toMatchObject({
      name: 'job align',
      attributes: { 'parjob.jobname': 'align', 'parjob.tasks.done': 1, 'parjob.tasks.failed': 1 },
    });
    expect(parent_of(of_job)).toBeUndefined();
    expect(align).toMatchObject({ name: 'task align', status: { code: SpanStatusCode.UNSET }, events: [] });
    expect([align?.startTime, align?.endTime].map((time) => ms(time as [number, number]))).toEqual([
      EPOCH + 1300,
      EPOCH + 1500,
    ]);
    expect(tree).toMatchObject({
      name: 'task tree',
      attributes: { 'parjob.task.index': 4, 'parjob.task.attempt': 2, 'parjob.slave': 'fake.slave0' },
      events: [{ name: 'exception', attributes: { 'exception.message': 'no' } }],
      status: { code: SpanStatusCode.ERROR, message: 'no' },
    });
    expect([align, tree].map(parent_of)).toEqual([id_of(of_job), id_of(of_job)]);
  });

  it('begin when a task is sent, and go on through all its attempts', () => {
    const recorded = record();
    const { clock, job, model } = fake_run();
    const spans = new Spans(model, 'align');
    const task = fake_task(5);
    const first = spans.context_of(task);
    clock.pass(500);
    job.tell('task_retried', { task, slave: job.slave(0), error: new TypeError('lost') });
    const second = spans.context_of(task);
    clock.pass(500);
    end(job, task);
    spans.close();
    const span = recorded()[0] as ReadableSpan;
    expect(second).toEqual(first);
    expect(first?.['traceparent']).toBe(`00-${span.spanContext().traceId}-${id_of(span)}-01`);
    expect([span.startTime, span.endTime].map(ms)).toEqual([EPOCH, EPOCH + 1000]);
    expect(span.events).toMatchObject([
      {
        name: 'task_retried',
        attributes: {
          'exception.type': 'TypeError',
          'exception.message': 'lost',
          'parjob.slave': 'fake.slave0',
        },
      },
    ]);
  });

  it('of run_task stand where it was called, those of the queue in the job', () => {
    const recorded = record();
    const { job, model } = fake_run();
    const spans = new Spans(model, 'align');
    const [called, queued, alone] = [fake_task(undefined, 'called'), fake_task(0), fake_task(undefined)];
    const request = trace.getTracer('test').startSpan('request');
    context.with(trace.setSpan(context.active(), request), () => {
      spans.wanted(called);
      spans.wanted(queued);
    });
    spans.wanted(alone);
    for (const task of [called, queued, alone]) {
      spans.context_of(task);
      end(job, task);
    }
    spans.close();
    const [of_called, of_queued, of_alone, of_job] = recorded();
    expect(parent_of(of_called)).toBe(request.spanContext().spanId);
    expect([of_queued, of_alone].map(parent_of)).toEqual([id_of(of_job), id_of(of_job)]);
  });

  it('end with their task, when it is cancelled, and with the job at the latest', () => {
    const recorded = record();
    const { job, model } = fake_run();
    const spans = new Spans(model, 'align');
    const [sent, waiting, left] = [fake_task(0), fake_task(1), fake_task(2)];
    spans.context_of(sent);
    spans.context_of(left);
    for (const task of [sent, waiting]) job.tell('task_cancelled', { task });
    spans.close();
    expect(recorded().map(({ name, status }) => [name, status.code, status.message])).toEqual([
      ['task align', SpanStatusCode.ERROR, 'cancelled'],
      ['task align', SpanStatusCode.UNSET, undefined],
      ['job align', SpanStatusCode.UNSET, undefined],
    ]);
  });

  it('that are not sampled are none, and slaves are told so', () => {
    const recorded = record(new AlwaysOffSampler());
    const { job, model } = fake_run();
    const spans = new Spans(model, 'align');
    const task = fake_task(0);
    expect(spans.context_of(task)?.['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    end(job, task);
    spans.close();
    expect(recorded()).toEqual([]);
  });

  it('are not made when no SDK is registered', () => {
    const { job, model } = fake_run();
    const before = job.emitter.listenerCount('task_done');
    const spans = new Spans(model, 'align');
    expect(job.emitter.listenerCount('task_done')).toBe(before);
    expect(spans.context_of(fake_task(0))).toBeUndefined();
    spans.close();
  });
});
