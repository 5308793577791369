/**
 * Spans: the run for OpenTelemetry, through its API alone: which SDK records them, and where they go, is the
 * program's. One span for the job, in it one for each task, with an event for each further attempt.
 *
 * When no SDK is registered nothing is made.
 */
import { type Context, context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { QueuedTask } from '../master/queued_task.js';
import type { RunModel } from './run_model.js';
import { Subscriptions } from './watched_job.js';

/** Further attempts of tasks that have not ended are remembered for so many tasks. */
const MOST_RETRIED = 10_000;

interface Attempt {
  at: number;
  name: string;
  message: string;
  slave: string;
}

export class Spans {
  readonly #model: RunModel;
  readonly #tracer = trace.getTracer('parjob');
  readonly #job_span: Span;
  readonly #context: Context;
  readonly #subscriptions: Subscriptions;
  readonly #retried = new Map<QueuedTask, Attempt[]>();

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
    const { done, failed, cancelled } = this.#model.counts;
    this.#job_span.setAttributes({
      'parjob.tasks.done': done,
      'parjob.tasks.failed': failed,
      'parjob.tasks.cancelled': cancelled,
    });
    this.#job_span.end();
  }

  #listen(): void {
    const { clock } = this.#model;
    this.#subscriptions.on('task_done', ({ task, slave, run_ms }) => {
      this.#task_span(task, slave.name, run_ms).end(this.#wall(clock.now()));
    });
    this.#subscriptions.on('task_failed', ({ task, slave, error, run_ms }) => {
      const span = this.#task_span(task, slave.name, run_ms);
      const now = this.#wall(clock.now());
      span.recordException(error, now);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      span.end(now);
    });
    this.#subscriptions.on('task_cancelled', ({ task }) => this.#retried.delete(task));
    this.#subscriptions.on('task_retried', ({ task, slave, error }) => {
      const attempts = this.#retried.get(task) ?? [];
      attempts.push({ at: clock.now(), name: error.name, message: error.message, slave: slave.name });
      if (this.#retried.size < MOST_RETRIED) this.#retried.set(task, attempts);
    });
    this.#subscriptions.on('slave_lost', ({ slave, error, why }) => {
      const attributes = {
        'parjob.slave': slave.name,
        'parjob.why': why ?? 'cannot_start',
        'parjob.message': error.message,
      };
      this.#job_span.addEvent('slave_lost', attributes, this.#wall(clock.now()));
    });
  }

  #task_span(task: QueuedTask, slave: string, run_ms: number): Span {
    const { index, name, attempts } = task as QueuedTask & { index: number | undefined };
    const attributes = {
      'parjob.task.name': name,
      'parjob.task.attempt': attempts,
      'parjob.slave': slave,
      ...(index === undefined ? {} : { 'parjob.task.index': index }),
    };
    const start_time = this.#wall(this.#model.clock.now() - run_ms);
    const span = this.#tracer.startSpan(`task ${name}`, { startTime: start_time, attributes }, this.#context);
    for (const attempt of this.#retried.get(task) ?? []) {
      const about = {
        'exception.type': attempt.name,
        'exception.message': attempt.message,
        'parjob.slave': attempt.slave,
      };
      span.addEvent('task_retried', about, this.#wall(attempt.at));
    }
    this.#retried.delete(task);
    return span;
  }

  /** ms since 1970. */
  #wall(time: number): number {
    return this.#model.epoch + time;
  }
}
