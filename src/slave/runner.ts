/**
 * Runner: runs what the master sends, in the order in which it came, one thing at a time.
 *
 * Tasks that return at once are run in a plain loop, without a promise; a result leaves when the queue
 * is empty, when its task took long, or when some time has passed: see `#flush_if_due`.
 *
 * It knows a Channel and nothing of how the slave came to it.
 */
import { Ring } from '../base/ring.js';
import type { Channel } from '../net/channel.js';
import { Communicator } from '../net/communicator.js';
import { set_current_task } from '../task.js';
import { check_fits_frame } from '../wire/frame.js';
import { text_of } from '../wire/graph.js';
import { type RunCmd, type RunTask, report, type ToSlave } from '../wire/messages.js';
import { type EncodedValue, encode_value, encoded_bytes } from '../wire/value.js';
import type { Claims } from './claims.js';
import type { Loader } from './loader.js';
import { RunningTask } from './running_task.js';
import type { Carrier, Enter } from './trace_context.js';
import { monotonic_ms, type Watch } from './watch.js';

/** A result waits for others to leave with it until so much time has gone since the last ones left, ms. */
const FLUSH_AFTER = 3;
/** Tasks in a row before the event loop turns once, ms. */
const TURN_AFTER = 3;
/** Results may wait for the end of a task whose function takes no longer, µs. */
const QUICK_US = 5000;
/** Weight of the newest run in that: on a busy machine a quick one takes long now and then. */
const NEWEST = 0.2;
/** A master that dies may not have taken so many results: it acknowledges every 32 frames. */
const KEPT_OUTCOMES = 32;
/** A module may take so long to load beside the timeout of the first task that needs it, ms. */
const LOAD_TIME = 30_000;
/** Of an error that is too large to be sent, characters of its message and of its stack. */
const SHORT_TEXT = 10_000;

export interface RunnerOptions {
  channel: Channel;
  claims: Claims;
  watch: Watch;
  loader: Loader;
  /** `<jobname>.slaveN` */
  name: string;
  max_frame_bytes: number;
  /** From the end of a task's time to the end of its process, ms. */
  cancel_grace: number;
  /** Keep what the last tasks have come to: another master may want it. */
  keeps_outcomes: boolean;
  /** A task with a time limit is about to start, the first one here. */
  on_first_timeout: () => void;
  cwd: string;
}

/** What a task came to, kept for the case that the master dies before it has taken it. */
export interface LeftOver {
  index: number;
  attempt: number;
  run_us: number;
  outcome: 'done' | 'failed' | 'timed_out';
  value: unknown;
}

interface NumberedTask extends RunTask {
  seq: number;
}

/** What was sent ahead of a task. */
interface Ahead {
  /** What its earlier attempts have kept. */
  last_checkpoint?: unknown;
  trace_context?: Carrier;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #channel: Channel;
  readonly #queue = new Ring<NumberedTask | RunCmd>();
  readonly #aborted = new Set<number>();
  /** For tasks in the queue; most have nothing. */
  readonly #ahead = new Map<number, Ahead>();
  /** Runs a task in a trace. Loaded when the first one comes that is in one. */
  #enter: Enter | undefined;
  readonly #communicator: Communicator;
  #received = 0;
  #has_timeouts = false;
  /** By number of the function: smoothed time of its runs, µs. */
  readonly #mean_us: number[] = [];
  #is_busy = false;
  #running: RunningTask | undefined;
  /** A task that is about to run: its module is being loaded. */
  #loading: NumberedTask | undefined;
  #flushed_at = performance.now();
  /** Set when the master is gone for good: nothing is begun any more. */
  #on_idle: (() => void) | undefined;
  readonly #left_over: LeftOver[] = [];
  readonly #continue = () => {
    this.#is_busy = false;
    this.#on_idle?.();
    this.#run_queue();
  };

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.#communicator = new Communicator({
      data: (bytes, value) => {
        check_fits_frame(bytes, options.max_frame_bytes, 'the data takes');
        this.#channel.make_room(bytes);
        report.data(this.#channel.writer, bytes, value);
        this.#channel.posted();
      },
      data_taken: (bytes) => {
        report.data_taken(this.#channel.writer, bytes);
        this.#channel.posted();
      },
    });
  }

  /** The task that runs now, if any. */
  get running_task_id(): number | undefined {
    return this.#running?.task_id;
  }

  /** That, or the one whose module is being loaded: its doing is whatever happens now. */
  get begun_task_id(): number | undefined {
    return this.running_task_id ?? this.#loading?.task_id;
  }

  get is_idle(): boolean {
    return !this.#is_busy && this.#queue.length === 0;
  }

  /** What the last tasks have come to, when the runner was told to keep that. */
  get left_over(): readonly LeftOver[] {
    return this.#left_over;
  }

  /** The master is gone for good: nothing is begun any more. Resolves when nothing runs. */
  detach(): Promise<void> {
    this.#queue.clear();
    if (this.#loading !== undefined) this.#stop_loading();
    return new Promise((resolve) => {
      this.#on_idle = resolve;
      if (!this.#is_busy) resolve();
    });
  }

  on_orders(orders: readonly ToSlave[]): void {
    for (const order of orders) this.#on_order(order);
    this.#run_queue();
  }

  /** An error that no code caught was thrown outside of any call of ours. */
  fail_running_task(error: unknown): void {
    const running = this.#running;
    if (running !== undefined) this.#end_task(running, false, error);
    this.#channel.flush();
  }

  report_stray_error(error: unknown): void {
    const encoded = this.#encode_thrown(error);
    this.#channel.make_room(encoded_bytes(encoded));
    report.stray_error(this.#channel.writer, encoded);
    this.#channel.posted();
  }

  #on_order(order: ToSlave): void {
    switch (order.kind) {
      case 'run_task':
        this.#queue.push(Object.assign(order, { seq: this.#received++ }));
        return;
      case 'define_task':
        this.#options.loader.define(order.fn_id, order);
        return;
      case 'run_cmd':
        this.#queue.push(order);
        return;
      case 'last_checkpoint':
        this.#ahead_of(order.task_id).last_checkpoint = order.value;
        return;
      case 'trace_context':
        this.#ahead_of(order.task_id).trace_context = order.carrier;
        return;
      case 'data':
        this.#communicator.on_data(order.value, order.bytes);
        return;
      case 'data_taken':
        this.#communicator.on_data_taken(order.bytes);
        return;
      case 'abort_task':
        return this.#abort(order.task_id);
      case 'welcome':
      case 'stop':
        return;
      default:
        order satisfies never;
    }
  }

  #ahead_of(task_id: number): Ahead {
    let ahead = this.#ahead.get(task_id);
    if (ahead === undefined) {
      ahead = {};
      this.#ahead.set(task_id, ahead);
    }
    return ahead;
  }

  #abort(task_id: number): void {
    if (this.#running?.task_id === task_id) return this.#running.abort();
    if (this.#loading?.task_id === task_id) {
      const task = new RunningTask(this.#loading, this.#options, performance.now());
      this.#stop_loading();
      this.#ahead.delete(task_id);
      return void this.#end_task(task, false, never_started());
    }
    for (const item of this.#queue)
      if (item.kind === 'run_task' && item.task_id === task_id) this.#aborted.add(task_id);
  }

  #run_queue(): void {
    if (this.#is_busy) return;
    const began = performance.now();
    let now = began;
    for (;;) {
      if (now - began > TURN_AFTER) {
        this.#channel.flush();
        this.#flushed_at = now;
        this.#is_busy = true;
        setImmediate(this.#continue);
        return;
      }
      const item = this.#loading ?? this.#queue.shift();
      if (item === undefined) break;
      if (item.kind === 'run_cmd') {
        this.#is_busy = true;
        void this.#run_command(item).then(this.#continue);
        return;
      }
      const ahead = this.#ahead.size > 0 ? this.#ahead.get(item.task_id) : undefined;
      if (this.#loading === undefined && !this.#options.claims.claim(item.seq)) {
        this.#aborted.delete(item.task_id);
        this.#ahead.delete(item.task_id);
        continue;
      }
      const call = this.#options.loader.loaded(item.fn_id);
      const lacks_enter = ahead?.trace_context !== undefined && this.#enter === undefined;
      if (call === undefined || lacks_enter) {
        this.#load_for(item, call === undefined ? this.#options.loader.load(item.fn_id) : this.#load_enter());
        return;
      }
      this.#loading = undefined;
      if (ahead !== undefined) this.#ahead.delete(item.task_id);
      // what others have come to must not wait for the end of a task that may take long
      if ((this.#mean_us[item.fn_id] ?? QUICK_US) >= QUICK_US) {
        this.#channel.flush();
        this.#flushed_at = now;
      }
      const task = new RunningTask(item, this.#options, now);
      if (ahead !== undefined) Object.assign(task, ahead);
      if (this.#is_aborted(item.task_id)) {
        this.#end_task(task, false, never_started());
        continue;
      }
      this.#running = task;
      set_current_task(task);
      this.#start_watch(item);
      let returned: unknown;
      let will_end_later: boolean;
      try {
        returned =
          task.trace_context === undefined
            ? call(item.args)
            : this.#enter?.(task.trace_context, () => call(item.args));
        will_end_later = is_thenable(returned);
      } catch (error) {
        now = this.#end_task(task, false, error);
        continue;
      }
      if (will_end_later) {
        this.#is_busy = true;
        this.#channel.flush();
        this.#follow(task, returned);
        return;
      }
      now = this.#end_task(task, true, returned);
    }
    this.#channel.flush();
    this.#flushed_at = now;
  }

  async #load_enter(): Promise<void> {
    const { load_enter } = await import('./trace_context.js');
    this.#enter = await load_enter();
  }

  /**
   * The task is begun, as far as others are concerned: if its module ends the process, or never ends to load, it is
   * this task's doing.
   */
  #load_for(item: NumberedTask, loading: Promise<void>): void {
    if (this.#loading === undefined) this.#start_watch(item, LOAD_TIME);
    this.#loading = item;
    this.#is_busy = true;
    this.#channel.flush();
    void loading.then(() => {
      if (this.#loading === item) this.#continue();
    });
  }

  /** The task that the module is loaded for is not to run. The next one that needs it waits for it anew. */
  #stop_loading(): void {
    this.#options.watch.end();
    this.#loading = undefined;
    this.#is_busy = false;
  }

  /** Says to the pulse which task runs, and until when it may; `more`, ms, is for what comes before. */
  #start_watch({ seq, timeout }: NumberedTask, more = 0): void {
    const { watch, cancel_grace, on_first_timeout } = this.#options;
    if (timeout === 0) return watch.start(seq);
    watch.start(seq, monotonic_ms() + more + timeout + cancel_grace);
    if (this.#has_timeouts) return;
    this.#has_timeouts = true;
    on_first_timeout();
  }

  #is_aborted(task_id: number): boolean {
    return this.#aborted.size > 0 && this.#aborted.delete(task_id);
  }

  #follow(task: RunningTask, returned: unknown): void {
    task.start_timer();
    const end = (is_done: boolean, value: unknown) => {
      this.#end_task(task, is_done, value);
      this.#continue();
    };
    // what is no real promise may throw, or answer twice: made one, it cannot
    Promise.resolve(returned).then(
      (value) => end(true, value),
      (error: unknown) => end(false, error),
    );
  }

  /** Reports the end of a task. Returns the time. */
  #end_task(task: RunningTask, is_done: boolean, value: unknown): number {
    const now = performance.now();
    const run_us = Math.max(0, Math.round((now - task.started_at) * 1000));
    if (task.has_ended) return now;
    task.end();
    const mean_us = this.#mean_us[task.fn_id] ?? run_us;
    this.#mean_us[task.fn_id] = mean_us + NEWEST * (run_us - mean_us);
    this.#running = undefined;
    set_current_task(undefined);
    this.#options.watch.end();
    if (this.#options.keeps_outcomes) this.#keep(task, is_done, value, run_us);
    if (this.#on_idle !== undefined) return now;
    if (task.is_over(run_us)) {
      report.task_timed_out(this.#channel.writer, task.task_id, task.attempt, run_us);
      this.#channel.posted();
      this.#flush_if_due(now);
      return now;
    }
    let encoded: EncodedValue;
    let ended_well = is_done;
    try {
      encoded = is_done ? encode_value(value, 'result') : this.#encode_thrown(value);
      check_fits_frame(encoded_bytes(encoded), this.#options.max_frame_bytes, 'the result takes');
    } catch (error) {
      ended_well = false;
      encoded = this.#encode_thrown(error);
    }
    this.#channel.make_room(encoded_bytes(encoded));
    report.task(this.#channel.writer, ended_well, task.task_id, task.attempt, run_us, encoded);
    this.#channel.posted();
    this.#flush_if_due(now);
    return now;
  }

  #keep(task: RunningTask, is_done: boolean, value: unknown, run_us: number): void {
    const { index, attempt } = task;
    // a run_task dies with the program that awaited it
    if (index === undefined) return;
    const has_timed_out = task.is_over(run_us);
    const outcome = has_timed_out ? 'timed_out' : is_done ? 'done' : 'failed';
    this.#left_over.push({ index, attempt, run_us, outcome, value: has_timed_out ? undefined : value });
    if (this.#left_over.length > KEPT_OUTCOMES) this.#left_over.shift();
  }

  /** Not one by one, which would cost two thirds of the speed of tiny tasks, and not late: a long task may come next. */
  #flush_if_due(now: number): void {
    if (now - this.#flushed_at < FLUSH_AFTER) return;
    this.#channel.flush();
    this.#flushed_at = now;
  }

  /** Anything can be thrown, and no error may be lost for a field that cannot be sent, or is too large. */
  #encode_thrown(thrown: unknown): EncodedValue {
    const encoded = encode_value(thrown, 'error', true);
    const bytes = encoded_bytes(encoded);
    try {
      check_fits_frame(bytes, this.#options.max_frame_bytes, 'what was thrown takes');
      return encoded;
    } catch (tooLarge) {
      const { name, message, stack } = thrown instanceof Error ? thrown : new Error(text_of(thrown));
      const short = new Error(
        `${String(message).slice(0, SHORT_TEXT)} (cut short: ${(tooLarge as Error).message})`,
      );
      return encode_value(
        Object.assign(short, { name, stack: String(stack).slice(0, SHORT_TEXT) }),
        'error',
        true,
      );
    }
  }

  async #run_command(command: RunCmd): Promise<void> {
    this.#channel.flush();
    const communicator = this.#communicator;
    const master = {
      send_data: (data: unknown) => communicator.send(data),
      get_data: () => communicator.get(),
    };
    try {
      // not loaded before the first task of a slave that gets no command
      const { run_command } = await import('./commands.js');
      await run_command(command, master, this.#options.cwd);
      report.cmd_done(this.#channel.writer, command.cmd_id);
    } catch (error) {
      const encoded = this.#encode_thrown(error);
      this.#channel.make_room(encoded_bytes(encoded));
      report.cmd_failed(this.#channel.writer, command.cmd_id, encoded);
    }
    this.#channel.posted();
  }
}

function never_started(): Error {
  return new DOMException('the task was cancelled before it started', 'AbortError');
}

function is_thenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
