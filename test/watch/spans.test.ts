import { context, type Span, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { Spans } from '../../src/watch/spans.js';
import { EPOCH, fake_run, fake_task } from './fake_job.js';

interface Recorded {
  name: string;
  parent: Recorded | undefined;
  start: number | undefined;
  end: number | undefined;
  attributes: Record<string, unknown>;
  events: [name: string, attributes: Record<string, unknown>, at: number][];
  status: unknown;
}

/** Registers a provider whose spans only note what they are told. */
function recorded_spans(): Recorded[] {
  const spans: Recorded[] = [];
  const by_span = new Map<unknown, Recorded>();
  const start_span = (
    name: string,
    // biome-ignore lint/style/useNamingConvention: it is OpenTelemetry's name
    options: { startTime?: number; attributes?: object } = {},
    within = context.active(),
  ) => {
    const record: Recorded = {
      name,
      parent: by_span.get(trace.getSpan(within)),
      start: options.startTime,
      end: undefined,
      attributes: { ...options.attributes },
      events: [],
      status: undefined,
    };
    const span = {
      isRecording: () => true,
      setAttributes: (attributes: object) => Object.assign(record.attributes, attributes),
      addEvent: (event: string, attributes: Record<string, unknown>, at: number) =>
        record.events.push([event, attributes, at]),
      recordException: (error: Error, at: number) =>
        record.events.push(['exception', { message: error.message }, at]),
      setStatus: (status: unknown) => {
        record.status = status;
      },
      end: (at: number) => {
        record.end = at;
      },
    };
    spans.push(record);
    by_span.set(span, record);
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: start_span }) } as never);
  return spans;
}

afterEach(() => trace.disable());

describe('Spans', () => {
  it('are one for the job, and one in it for each task', () => {
    const recorded = recorded_spans();
    const { clock, job, model } = fake_run();
    const spans = new Spans(model, 'align');
    clock.pass(1000);
    job.tell('task_retried', { task: fake_task(5), slave: job.slave(0), error: new Error('lost') });
    clock.pass(500);
    job.done(3, 1, 200);
    job.failed(4, 0, 50, { name: 'tree', attempts: 2 });
    model.feed.flush();
    spans.close();
    expect(recorded).toMatchObject([
      {
        name: 'job align',
        parent: undefined,
        attributes: { 'parjob.tasks.done': 1, 'parjob.tasks.failed': 1 },
      },
      { name: 'task align', start: EPOCH + 1300, end: EPOCH + 1500, events: [] },
      {
        name: 'task tree',
        start: EPOCH + 1450,
        attributes: { 'parjob.task.index': 4, 'parjob.task.attempt': 2, 'parjob.slave': 'fake.slave0' },
        events: [['exception', { message: 'no' }, EPOCH + 1500]],
        status: { code: 2, message: 'no' },
      },
    ]);
    expect(recorded.slice(1).every(({ parent }) => parent === recorded[0])).toBe(true);
  });

  it('tell of attempts that came before', () => {
    const recorded = recorded_spans();
    const { clock, job, model } = fake_run();
    const spans = new Spans(model, 'align');
    const task = fake_task(5);
    job.tell('task_retried', { task, slave: job.slave(0), error: new TypeError('lost') });
    clock.pass(500);
    job.tell('task_done', { task, slave: job.slave(1), run_ms: 10 });
    spans.close();
    expect(recorded[1]?.events).toEqual([
      [
        'task_retried',
        { 'exception.type': 'TypeError', 'exception.message': 'lost', 'parjob.slave': 'fake.slave0' },
        EPOCH,
      ],
    ]);
  });

  it('are not made when nobody records them', () => {
    const { job, model } = fake_run();
    const before = job.emitter.listenerCount('task_done');
    const spans = new Spans(model, 'align');
    expect(job.emitter.listenerCount('task_done')).toBe(before);
    spans.close();
  });
});
