/**
 * Spans: the run for OpenTelemetry, through its API alone: which SDK records them, and where they go, is the
 * program's. One span for the job, in it one for each task, from when it is first sent to a slave to its outcome, with
 * an event for each further attempt. A run_task stands in the span that is active where it was called.
 *
 * When no SDK is registered nothing is made. When it does not record this trace, tasks are still sent with it, so
 * that nothing is recorded on the slaves either.
 */
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { QueuedTask } from '../master/queued_task.js';
import type { TaskTracing } from '../master/watching.js';
import type { RunModel } from './run_model.js';
import { Subscriptions } from './watched_job.js';

/** What spans need to know of a task, which may be a run_task. */
type TracedTask = Pick<QueuedTask, 'name' | 'attempts'> & { readonly index: number | undefined };

export class Spans implements TaskTracing {
  readonly #model: RunModel;
  readonly #tracer = trace.getTracer('parjob');
  readonly #job_span: Span;
  readonly #context: Context;
  readonly #subscriptions: Subscriptions;
  /** Of tasks that were sent and have no outcome. */
  readonly #spans = new Map<TracedTask, Span>();
  /** Where run_task was called, if that was in a span. */
  readonly #callers = new WeakMap<TracedTask, Context>();

  /** The span of the job stands in the one that is active now. */
  constructor(model: RunModel, jobname: string) {
    this.#model = model;
    this.#job_span = this.#tracer.startSpan(`job ${jobname}`, { attributes: { 'parjob.jobname': jobname } });
    this.#context = trace.setSpan(context.active(), this.#job_span);
    this.#subscriptions = new Subscriptions(model.job);
    if (this.#job_span.isRecording()) this.#listen();
  }

  close(): void {
    this.#subscriptions.close();
    for (const span of this.#spans.values()) span.end(this.#now());
    this.#spans.clear();
    const { done, failed, cancelled } = this.#model.counts;
    this.#job_span.setAttributes({
      'parjob.tasks.done': done,
      'parjob.tasks.failed': failed,
      'parjob.tasks.cancelled': cancelled,
    });
    this.#job_span.end();
  }

  // ---- TaskTracing

  wanted(task: TracedTask): void {
    if (task.index !== undefined) return;
    const active = context.active();
    if (trace.getSpan(active) !== undefined) this.#callers.set(task, active);
  }

  context_of(task: TracedTask): Readonly<Record<string, string>> | undefined {
    if (!isSpanContextValid(this.#job_span.spanContext())) return undefined;
    const within = this.#job_span.isRecording()
      ? trace.setSpan(this.#context, this.#span_of(task, this.#now()))
      : this.#context;
    const carrier: Record<string, string> = {};
    propagation.inject(within, carrier);
    return Object.keys(carrier).length > 0 ? carrier : undefined;
  }

  // ---- what becomes of tasks

  #listen(): void {
    this.#subscriptions.on('task_done', ({ task, slave, run_ms }) => {
      this.#end(this.#span_of(task, this.#now() - run_ms), task, { 'parjob.slave': slave.name });
    });
    this.#subscriptions.on('task_failed', ({ task, slave, error, run_ms }) => {
      const span = this.#span_of(task, this.#now() - run_ms);
      span.recordException(error, this.#now());
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      this.#end(span, task, { 'parjob.slave': slave.name });
    });
    this.#subscriptions.on('task_cancelled', ({ task }) => {
      const span = this.#spans.get(task);
      if (span === undefined) return;
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'cancelled' });
      this.#end(span, task, {});
    });
    this.#subscriptions.on('task_retried', ({ task, slave, error }) => {
      const about = {
        'exception.type': error.name,
        'exception.message': error.message,
        'parjob.slave': slave.name,
      };
      this.#span_of(task, this.#now()).addEvent('task_retried', about, this.#now());
    });
    this.#subscriptions.on('slave_lost', ({ slave, error, why }) => {
      const about = {
        'parjob.slave': slave.name,
        'parjob.why': why ?? 'cannot_start',
        'parjob.message': error.message,
      };
      this.#job_span.addEvent('slave_lost', about, this.#now());
    });
  }

  /** That of a task without an outcome, which began at `start_time` unless it has begun. */
  #span_of(task: TracedTask, start_time: number): Span {
    let span = this.#spans.get(task);
    if (span !== undefined) return span;
    const attributes = {
      'parjob.task.name': task.name,
      ...(task.index === undefined ? {} : { 'parjob.task.index': task.index }),
    };
    const within = this.#callers.get(task) ?? this.#context;
    span = this.#tracer.startSpan(`task ${task.name}`, { startTime: start_time, attributes }, within);
    this.#spans.set(task, span);
    return span;
  }

  #end(span: Span, task: TracedTask, attributes: Attributes): void {
    this.#spans.delete(task);
    span.setAttributes({ 'parjob.task.attempt': task.attempts, ...attributes });
    span.end(this.#now());
  }

  /** ms since 1970. */
  #now(): number {
    return this.#model.epoch + this.#model.clock.now();
  }
}
