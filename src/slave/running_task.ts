/** RunningTask: what a task can know of itself while it runs, and tell its master. */
import { UsageError } from '../errors.js';
import type { Channel } from '../net/channel.js';
import type { CurrentTask } from '../task.js';
import { check_fits_frame } from '../wire/frame.js';
import { type RunTask, report } from '../wire/messages.js';
import { encode_value, encoded_bytes } from '../wire/value.js';
import type { Carrier } from './trace_context.js';

/** setTimeout fires at once above this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What a running task needs of its runner. */
export interface RunningTaskOptions {
  channel: Channel;
  /** Name of the slave. */
  name: string;
  max_frame_bytes: number;
}

export class RunningTask implements CurrentTask {
  readonly task_id: number;
  readonly index: number | undefined;
  readonly attempt: number;
  readonly slave: string;
  readonly fn_id: number;
  readonly timeout: number;
  readonly started_at: number;
  last_checkpoint: unknown = undefined;
  trace_context: Carrier | undefined = undefined;
  has_ended = false;
  readonly #options: RunningTaskOptions;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #was_told = false;

  constructor(order: RunTask, options: RunningTaskOptions, started_at: number) {
    this.task_id = order.task_id;
    this.index = order.index;
    this.attempt = order.attempt;
    this.fn_id = order.fn_id;
    this.timeout = order.timeout;
    this.slave = options.name;
    this.started_at = started_at;
    this.#options = options;
  }

  /** Only a task that waits for something can hear of its time limit. */
  start_timer(): void {
    if (this.timeout === 0) return;
    const left = this.timeout - (performance.now() - this.started_at);
    const why = new DOMException(`the task has run for ${this.timeout} ms (timeout)`, 'TimeoutError');
    const abort = () => {
      this.#was_told = true;
      this.abort(why);
    };
    this.#timer = setTimeout(abort, Math.min(Math.max(0, left), LONGEST_TIMER));
  }

  /** Whether its time was over when it had run for so long. A timer may be a little early. */
  is_over(run_us: number): boolean {
    return this.#was_told || (this.timeout > 0 && run_us > this.timeout * 1000);
  }

  end(): void {
    this.has_ended = true;
    clearTimeout(this.#timer);
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason?: unknown): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }

  checkpoint(value: unknown): void {
    if (this.has_ended) return;
    const encoded = encode_value(value, 'checkpoint');
    const channel = this.#options.channel;
    check_fits_frame(encoded_bytes(encoded), this.#options.max_frame_bytes, 'the checkpoint takes');
    channel.make_room(encoded_bytes(encoded));
    report.checkpoint(channel.writer, this.task_id, this.attempt, encoded);
    // sent at once: what comes next may be what it is kept for
    channel.flush();
  }

  report_progress(done: number, total?: number, note?: string): void {
    if (this.has_ended) return;
    const [a, b] = [
      check_number('done', done),
      total === undefined ? undefined : check_number('total', total),
    ];
    const text = note === undefined ? undefined : String(note).toWellFormed();
    const { channel } = this.#options;
    report.progress(channel.writer, this.task_id, this.attempt, { done: a, total: b, note: text });
    // sent at once: the task may block the event loop for long
    channel.flush();
  }
}

/** A plain number, and no -0. */
function check_number(name: string, value: unknown): number {
  if (typeof value === 'number') return value + 0;
  throw new UsageError(`report_progress: ${name} must be a number, got ${typeof value}`);
}
