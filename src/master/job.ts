/**
 * Job: a list of slaves, a queue of tasks, and the runs that bring the two together. What users hold.
 *
 * It is an Array of Slaves, so every list operation works on it, also in mid-run: a slave that is added
 * is started and given tasks, one that is removed finishes its task and is stopped. What goes on inside
 * is the driver's; here is only what users call.
 */

import { relative } from 'node:path';
import { Log } from '../base/log.js';
import { show } from '../base/options.js';
import { CancelledError, ParjobError, StateError, UsageError } from '../errors.js';
import { connect_command } from '../launch/joined.js';
import { DEFAULT_POLICY } from '../sched/records.js';
import type { AnyTask, FunctionTask } from '../task.js';
import { check_fits_frame } from '../wire/frame.js';
import { PayloadStore } from '../wire/payload.js';
import { encode_value } from '../wire/value.js';
import type { Command } from './command.js';
import { Definitions } from './definitions.js';
import { Driver } from './driver.js';
import { Events, type JobEvent, type JobListener } from './events.js';
import type { FailureCounts } from './failure_counts.js';
import {
  type JobOptions,
  type ResolvedJobOptions,
  resolve_job_options,
  type TrustOptions,
} from './job_options.js';
import { Members } from './members.js';
import { type JobPolicy, JobTask, type Outcome, type QueuedTask } from './queued_task.js';
import { JoinedSlave } from './remote/joined_slave.js';
import type { RunRecord } from './run_record.js';
import type { Slave } from './slave.js';
import { Sources, type TaskIterable } from './sources.js';
import {
  check_run_options,
  check_task_options,
  type QueueTaskOptions,
  type RunOptions,
  type TaskOptions,
} from './task_options.js';
import { Unread } from './unread.js';
import { Watching } from './watching.js';

/** Tasks that wait, for each slave, before an iterable is asked for more: two full prefetches. */
const AHEAD_PER_SLAVE = 512;
/** Bytes of their arguments, for all slaves, likewise. */
const AHEAD_BYTES = 64 * 1024 * 1024;

/** How many tasks of a job stand where. */
export interface TaskCounts {
  /** Tasks that were ever queued, those whose results an earlier run has left included. */
  readonly queued: number;
  /** Those that wait for a slave. */
  readonly waiting: number;
  /** Those that were sent to a slave and have not ended. */
  readonly assigned: number;
  /** More may come from an iterable. */
  readonly is_open: boolean;
}

/**
 * A list of slaves that run tasks together.
 *
 * @typeParam Result what the queued tasks return
 * @example
 * await using job = new Job(local_slaves());
 * for (let seed = 0; seed < 100; seed++) job.queue_task(new BuildModel('1fdx', seed));
 * const models = await job.run_all_tasks();
 */
export class Job<Result = unknown> extends Array<Slave> {
  /** map, filter, slice and their like give plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  readonly #options: ResolvedJobOptions;
  readonly #startup_commands: Command[] = [];
  readonly #events: Events;
  readonly #log: Log;
  readonly #definitions = new Definitions();
  readonly #payloads = new PayloadStore();
  readonly #unread = new Unread();
  readonly #sources: Sources<Result>;
  readonly #driver: Driver;
  /** That of all tasks that have no options of their own. */
  readonly #policy: JobPolicy;
  readonly #members: Members;
  #next_task_id = 0;
  #next_index = 0;
  #is_running = false;
  #is_reader_behind = false;
  #bounds_unread = false;
  #record: RunRecord | undefined;
  /** Tasks that the record, which is opened with the first run, has not been asked about. */
  readonly #unasked: JobTask[] = [];
  #stopping: Promise<void> | undefined;
  readonly #watching: Watching;

  /**
   * @param slaves the first slaves; more may be pushed at any time
   * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be, or what is no slave
   * @throws StateError (PARJOB_ERR_STATE) on a slave: the module of a task makes it at its top level
   */
  constructor(slaves: Iterable<Slave> = [], options: JobOptions = {}) {
    super();
    refuse_on_slave();
    if (typeof slaves !== 'object' || slaves === null || !(Symbol.iterator in slaves)) {
      throw new UsageError(
        `Job: expected an array of slaves, got ${show(slaves)}: for n slaves here use new Job(local_slaves(n))`,
      );
    }
    this.#options = resolve_job_options(options);
    const { logger, log_level } = this.#options;
    const log = new Log({ logger, level: log_level, bindings: { job: this.#options.jobname } });
    this.#log = log;
    this.#events = new Events(log);
    const { jobname, log_dir, watching } = this.#options;
    this.#watching = new Watching(this, watching, jobname, log_dir, log);
    this.#driver = new Driver({
      options: this.#options,
      startup_commands: this.#startup_commands,
      events: this.#events,
      log,
      unread: this.#unread,
      watching: this.#watching,
      on_turn: () => this.#on_turn(),
      on_sweep: () => this.#sweep(log),
      on_join: (peer) => {
        const slave = new JoinedSlave(peer);
        this.#add(slave);
        return slave;
      },
      on_leave: (slave) => {
        const place = this.indexOf(slave);
        if (place !== -1) this.splice(place, 1);
      },
      on_grow: (count) => this.#add(...this.#new_slaves(count)),
    });
    this.#members = new Members({
      on_added: (slave) => this.#driver.add_slave(slave),
      on_removed: (slave) => this.#driver.remove_slave(slave),
    });
    this.#policy = this.#policy_of({});
    this.#sources = new Sources<Result>({
      wants_more: () =>
        this.#is_running &&
        !this.#is_reader_behind &&
        this.#driver.waiting < AHEAD_PER_SLAVE * this.#driver.slave_count &&
        this.#driver.waiting_bytes < AHEAD_BYTES &&
        this.#unread.length < AHEAD_PER_SLAVE,
      queue: (task, options) => void this.queue_task(task, options),
      on_opened: () => this.#driver.tell({ kind: 'source_opened' }),
      on_closed: () => this.#driver.tell({ kind: 'source_closed' }),
      on_error: (error) => this.#unread.fail(error),
    });
    this.push(...slaves);
  }

  // ---- the list

  /**
   * Adds slaves at the end. In mid-run they are started at once.
   * @throws UsageError (PARJOB_ERR_USAGE) for what is no slave, or is in this job or another one already
   * @throws StateError (PARJOB_ERR_STATE) when the job was stopped
   */
  override push(...slaves: Slave[]): number {
    this.#check_new('push', slaves);
    return this.#changed(super.push(...slaves));
  }

  /**
   * Adds a slave at the end: push, under the name that MODELLER users write.
   * @throws UsageError (PARJOB_ERR_USAGE), StateError (PARJOB_ERR_STATE) as push
   */
  append(slave: Slave): void {
    this.push(slave);
  }

  /**
   * Adds slaves at the front.
   * @throws UsageError (PARJOB_ERR_USAGE), StateError (PARJOB_ERR_STATE) as push
   */
  override unshift(...slaves: Slave[]): number {
    this.#check_new('unshift', slaves);
    return this.#changed(super.unshift(...slaves));
  }

  /** Removes the last slave, which finishes its task and is stopped. */
  override pop(): Slave | undefined {
    return this.#changed(super.pop());
  }

  /** Removes the first slave, which finishes its task and is stopped. */
  override shift(): Slave | undefined {
    return this.#changed(super.shift());
  }

  /**
   * Removes and adds slaves in the middle. Those removed finish their tasks and are stopped.
   * @throws UsageError (PARJOB_ERR_USAGE), StateError (PARJOB_ERR_STATE) as push
   */
  override splice(start: number, delete_count: number = this.length, ...slaves: Slave[]): Slave[] {
    this.#check_new('splice', slaves);
    return this.#changed(super.splice(start, delete_count, ...slaves));
  }

  /** What comes by itself, which may be while the job is being stopped. */
  #add(...slaves: Slave[]): void {
    this.#members.check_new('new_slaves', slaves);
    this.#changed(super.push(...slaves));
  }

  #check_new(method: string, slaves: readonly Slave[]): void {
    if (slaves.length > 0) this.#check_open(method);
    this.#members.check_new(method, slaves);
  }

  #changed<T>(result: T): T {
    this.#members.look_at(this);
    return result;
  }

  /** A wrong write past all methods is refused by the next call; here it must not end the program. */
  #sweep(log: Log): void {
    try {
      this.#members.look_at(this);
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'the list of slaves cannot be taken over');
    }
  }

  #new_slaves(count: number): Slave[] {
    const slaves = this.#options.new_slaves?.(count) ?? [];
    if (Array.isArray(slaves) && slaves.length === count) return slaves;
    throw new UsageError(`new_slaves: expected an array of ${count} slaves, got ${show(slaves)}`);
  }

  /**
   * Commands that each slave runs when it starts, before anything else: code, or functions that get
   * `master`. Appending to it concerns slaves that start later. A slave on which one fails is not used.
   */
  get slave_startup_commands(): Command[] {
    return this.#startup_commands;
  }

  // ---- slaves

  /**
   * Starts every slave that does not run, and resolves when all are ready for commands and messages.
   * Not needed for tasks.
   * @throws LaunchError (PARJOB_ERR_LAUNCH) when one cannot be started
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) with a lease, when the status file cannot be used
   * @throws StateError (PARJOB_ERR_STATE) the job was stopped
   */
  async start(): Promise<void> {
    this.#check_open('start');
    // slaves of an earlier run come back to its port, with its secret
    if (this.#options.lease > 0) await this.#open_record();
    await this.#watching.begin();
    this.#members.look_at(this);
    await this.#driver.start_slaves();
  }

  /**
   * A command line that starts a slave of this job by hand: in another terminal, a container, a pod. Any number
   * may be started, before and during a run; each is added to the list when it comes, and leaves it when it ends.
   * The command names a file that holds the secret of the job, for this user's eyes only; where that file cannot be
   * read, set its content as PARJOB_SECRET and leave out --secret-file.
   * @throws NetworkError (PARJOB_ERR_NETWORK) when the master cannot listen
   * @throws StateError (PARJOB_ERR_STATE) the job was stopped
   */
  async connect_command(): Promise<string> {
    this.#check_open('connect_command');
    const addresses = await this.#driver.open_to_all();
    return connect_command(addresses, this.#driver.secret_file());
  }

  /** What every slave and the queue are waiting for, in words, a line each. */
  explain(): string {
    this.#members.look_at(this);
    return this.#driver.explain();
  }

  /**
   * Ends all slaves, and a run that is going on. Resolves when their processes are gone. May be called
   * again; a job that was stopped stays so.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#driver.stop().then(() => this.#watching.close());
    return this.#stopping;
  }

  /** As stop: `await using job = new Job(...)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // ---- tasks

  /**
   * Appends a task to the queue. Nothing runs before a run is asked for. Its arguments are encoded now,
   * except that binary values of 16 KiB and more are not copied: leave them alone until the task is done.
   * @throws UsageError (PARJOB_ERR_USAGE) when no slave could find the task, or an argument cannot be sent or is too large
   * @throws StateError (PARJOB_ERR_STATE) the job was stopped
   */
  queue_task<R extends Result>(task: AnyTask<R>, options?: QueueTaskOptions): QueuedTask<R> {
    this.#check_open('queue_task');
    const signal = check_task_options('queue_task', options);
    const queued = this.#make_task(task, this.#next_index, options);
    queued.key = options?.key;
    this.#next_index++;
    if (this.#options.status_file === undefined) this.#driver.queue(queued);
    else if (this.#record === undefined) this.#unasked.push(queued);
    else this.#recall(this.#record, queued);
    if (this.#is_running && this.#unread.is_finished) this.#reopen_run();
    if (signal !== undefined) cancel_by(signal, queued);
    return queued.handle as QueuedTask<R>;
  }

  /** Opens the status file, or writes what could not be written in an earlier run. */
  async #open_record(): Promise<void> {
    const { status_file, jobname, restart, fsync } = this.#options;
    if (status_file === undefined) return;
    if (this.#record === undefined) {
      // most jobs keep none, and start sooner without
      const { RunRecord } = await import('./run_record.js');
      this.#record = new RunRecord({
        file: status_file,
        jobname,
        main_script: relative(process.cwd(), process.argv[1] ?? ''),
        restart,
        fsync,
        on_notice: (text) => this.#log.warn({}, text),
      });
      this.#driver.set_record(this.#record);
    }
    this.#record.check_functions(this.#unasked);
    for (const task of this.#unasked.splice(0)) this.#recall(this.#record, task);
    const error = this.#driver.write_record();
    if (error !== undefined) throw error;
  }

  /** Queues a task, or, when an earlier run of the program has its result, lets the next reader have that. */
  #recall(record: RunRecord, task: JobTask): void {
    if (task.state === 'cancelled') return;
    const recalled = record.recall(task);
    if (recalled?.load !== undefined) {
      task.load = recalled.load;
      task.state = 'done';
      task.attempt = 0;
      this.#unread.push(task);
      this.#unread.wake();
      return;
    }
    if (recalled !== undefined) this.#driver.remember(task, recalled);
    if (recalled?.held_by === undefined || !this.#driver.reserve(task, recalled.held_by))
      this.#driver.queue(task);
  }

  /** The next outcome that no run has handed over. */
  #take(): JobTask | undefined {
    for (;;) {
      const task = this.#unread.take();
      if (task?.load === undefined) return task;
      if (this.#sources.are_open) this.#sources.pull();
      const loaded = task.load();
      task.load = undefined;
      if (loaded !== undefined) {
        task.settle(loaded.value, 0);
        return task;
      }
      // the file beside the status file is gone or damaged: the task is run after all
      task.state = 'queued';
      task.attempt = 1;
      this.#driver.queue(task);
    }
  }

  /**
   * Appends tasks that are made only as slaves need them, during a run. The options are those of each.
   * @throws UsageError (PARJOB_ERR_USAGE) when `tasks` is not iterable; the run throws when one is no task
   * @throws StateError (PARJOB_ERR_STATE) the job was stopped
   */
  queue_tasks(tasks: TaskIterable<Result>, options?: TaskOptions): void {
    this.#check_open('queue_tasks');
    check_task_options('queue_tasks', options);
    this.#sources.add(tasks, options);
    if (this.#is_running && this.#unread.is_finished) this.#reopen_run();
  }

  /**
   * Sends one task off at once, beside the queue and ahead of it, and resolves to its result. Any number
   * may be under way.
   * @throws RemoteError (PARJOB_ERR_REMOTE) the task threw
   * @throws SlaveDiedError (PARJOB_ERR_SLAVE_DIED) each slave that ran it died
   * @throws TaskTimeoutError (PARJOB_ERR_TIMEOUT) it took longer than its timeout
   * @throws NoMoreSlavesError (PARJOB_ERR_NO_SLAVES) no slave can be had
   * @throws UsageError (PARJOB_ERR_USAGE) as queue_task
   * @throws StateError (PARJOB_ERR_STATE) the job was stopped
   * @throws the reason of `signal`, when that is aborted
   */
  run_task<R>(task: AnyTask<R>, options?: TaskOptions): Promise<R> {
    try {
      this.#check_open('run_task');
      const signal = check_task_options('run_task', options);
      signal?.throwIfAborted();
      const queued = this.#make_task(task, undefined, options);
      const { check } = queued.definition;
      const send = () => this.#send(queued, signal);
      const is_ready = check === undefined && this.#watching.is_settled;
      const result = is_ready ? send() : Promise.all([check, this.#watching.begin()]).then(send);
      return result as Promise<R>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(task: JobTask, signal: AbortSignal | undefined): Promise<unknown> {
    if (task.definition.problem !== undefined) throw task.definition.problem;
    signal?.throwIfAborted();
    this.#driver.queue(task);
    if (signal === undefined) return task.promise();
    const abort = () => this.#driver.cancel(task, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return task.promise().finally(() => signal.removeEventListener('abort', abort));
  }

  #policy_of(options: TrustOptions): JobPolicy {
    const { attempts, retries, retry_delay, retry_if, timeout, expected_time } = {
      ...this.#options,
      ...defined(options),
    };
    return {
      expected_time,
      attempts,
      retries,
      retry_delay,
      retry_if,
      losses: DEFAULT_POLICY.losses,
      timeout: timeout === undefined || timeout === Infinity ? 0 : timeout,
      cancel: (task, error) => this.#cancel(task, error),
    };
  }

  #cancel(task: JobTask, error: unknown): boolean {
    if (task.load !== undefined || !this.#unasked.includes(task)) return this.#driver.cancel(task, error);
    if (task.state === 'cancelled') return false;
    task.state = 'cancelled';
    task.attempt--;
    task.settle(error, 0);
    this.#unread.push(task);
    return true;
  }

  #make_task(task: AnyTask, index: number | undefined, options: TaskOptions | undefined): JobTask {
    const definition = this.#definitions.of(task as AnyTask | FunctionTask);
    const payload = this.#payloads.store(encode_value(task.args, 'args'));
    check_fits_frame(
      payload.byte_length,
      this.#options.max_frame_bytes,
      `the arguments of ${definition.export_name} take`,
    );
    const policy = options === undefined ? this.#policy : this.#policy_of(options);
    return new JobTask(this.#next_task_id++, index, definition, payload, policy);
  }

  // ---- runs

  /**
   * Runs all queued tasks and resolves to their results, in the order of queue_task. With `settle`,
   * resolves to outcomes and does not throw for a task.
   *
   * When a task fails, what has finished is on `error.finished`, and the rest of the queue waits for the
   * next run.
   * @throws RemoteError (PARJOB_ERR_REMOTE) a task threw
   * @throws SlaveDiedError (PARJOB_ERR_SLAVE_DIED) each slave that ran a task died
   * @throws TaskTimeoutError (PARJOB_ERR_TIMEOUT) a task took longer than its timeout
   * @throws CancelledError (PARJOB_ERR_CANCELLED) a task was cancelled
   * @throws NoMoreSlavesError (PARJOB_ERR_NO_SLAVES) no slave can be had; its message says why
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) the status file cannot be used or written
   * @throws UsageError (PARJOB_ERR_USAGE) the class of a task is not exported by its module
   * @throws StateError (PARJOB_ERR_STATE) another run is going on, or the job was stopped
   * @throws the reason of `signal`, when that is aborted
   */
  async run_all_tasks(options: RunOptions & { settle: true }): Promise<Outcome<Result>[]>;
  async run_all_tasks(options?: RunOptions & { settle?: false | undefined }): Promise<Result[]>;
  async run_all_tasks(options: RunOptions = {}): Promise<(Outcome<Result> | Result)[]> {
    const settle = check_run_options('run_all_tasks', options);
    const finished: JobTask[] = [];
    let failure: Error | undefined;
    const end_run = await this.#begin_run('run_all_tasks', false, options.signal);
    try {
      while (await this.#has_next()) {
        for (let task = this.#take(); task !== undefined; task = this.#take()) {
          if (task.state !== 'done' && !settle) throw task.outcome;
          finished.push(task);
        }
      }
    } catch (error) {
      failure = error as Error;
      attach_finished(error, finished);
      throw error;
    } finally {
      end_run(failure);
    }
    const ordered = by_index(finished);
    return ordered.map((task) => (settle ? task.as_outcome() : task.outcome)) as (Outcome<Result> | Result)[];
  }

  /**
   * Runs all queued tasks and yields their results as they complete. With `settle`, yields outcomes.
   * Nothing starts before the first result is asked for. Tasks may be queued meanwhile. Leaving the loop
   * early lets running tasks finish and keeps the rest of the queue; the next run goes on from there.
   * @throws as run_all_tasks
   */
  yield_tasks_unordered(
    options: RunOptions & { settle: true },
  ): AsyncGenerator<Outcome<Result>, void, undefined>;
  yield_tasks_unordered(
    options?: RunOptions & { settle?: false | undefined },
  ): AsyncGenerator<Result, void, undefined>;
  async *yield_tasks_unordered(
    options: RunOptions = {},
  ): AsyncGenerator<Outcome<Result> | Result, void, undefined> {
    const settle = check_run_options('yield_tasks_unordered', options);
    let failure: Error | undefined;
    const end_run = await this.#begin_run('yield_tasks_unordered', true, options.signal);
    try {
      for (;;) {
        const task = this.#take();
        if (task === undefined) {
          this.#catch_up();
          if (await this.#has_next()) continue;
          return;
        }
        if (task.state !== 'done' && !settle) throw task.outcome;
        if (this.#is_reader_behind) this.#catch_up();
        yield (settle ? task.as_outcome() : task.outcome) as Outcome<Result> | Result;
      }
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      end_run(failure);
    }
  }

  async #begin_run(
    method: string,
    bounds_unread: boolean,
    signal: AbortSignal | undefined,
  ): Promise<(failure?: Error) => void> {
    this.#check_open(method);
    signal?.throwIfAborted();
    if (this.#is_running) {
      throw new StateError(
        `${method}: another run of this job is going on: await its end first, or use run_task beside it`,
      );
    }
    this.#is_running = true;
    const release = this.#driver.hold();
    const abort = () => this.#abort_run(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const end_run = (failure?: Error) => {
      signal?.removeEventListener('abort', abort);
      this.#events.emit('run_finished', { error: failure });
      this.#is_running = false;
      this.#is_reader_behind = false;
      release();
      if (this.#driver.is_stopped) return;
      this.#driver.tell({ kind: 'run_closed' });
      this.#driver.tell({ kind: 'reader_behind', is_behind: false });
    };
    try {
      await this.#definitions.check_all();
      await this.#open_record();
      await this.#watching.begin();
      this.#check_open(method);
      signal?.throwIfAborted();
      this.#members.look_at(this);
    } catch (error) {
      end_run(error as Error);
      throw error;
    }
    this.#events.emit('run_started', {});
    this.#bounds_unread = bounds_unread;
    this.#reopen_run();
    return end_run;
  }

  /** What the queue still holds is cancelled, and belongs to no later run. */
  #abort_run(reason: unknown): void {
    this.#sources.close_all();
    this.#unread.fail(reason as Error);
    this.#driver.cancel_queue((task) => new CancelledError(task.label, task.index, reason));
    this.#unread.drop_cancelled();
  }

  #reopen_run(): void {
    this.#unread.open();
    this.#driver.tell({ kind: 'run_opened' });
  }

  /** Waits for an outcome. False when the run is over. */
  async #has_next(): Promise<boolean> {
    for (;;) {
      if (await this.#unread.next()) return true;
      const { unsettled, reserved } = this.#driver;
      if (unsettled === 0 && reserved === 0 && !this.#sources.are_open) return false;
      this.#reopen_run();
    }
  }

  /** After every event: bounds the results that nobody has taken, and pulls tasks from iterables. */
  #on_turn(): void {
    if (!this.#is_running) return;
    if (
      this.#bounds_unread &&
      !this.#is_reader_behind &&
      this.#unread.bytes > this.#options.max_result_bytes
    ) {
      this.#is_reader_behind = true;
      this.#driver.tell({ kind: 'reader_behind', is_behind: true });
    }
    this.#sources.pull();
  }

  /** The reader has taken a result: dispatch goes on when enough are gone. */
  #catch_up(): void {
    if (!this.#is_reader_behind || this.#unread.bytes > this.#options.max_result_bytes / 2) return;
    this.#is_reader_behind = false;
    this.#driver.tell({ kind: 'reader_behind', is_behind: false });
  }

  // ---- events

  /** Calls `listener` with every event of that name: see JobEvents. */
  on<E extends JobEvent>(name: E, listener: JobListener<E>): this {
    this.#events.on(name, listener);
    return this;
  }

  /** Takes a listener out again. */
  off<E extends JobEvent>(name: E, listener: JobListener<E>): this {
    this.#events.off(name, listener);
    return this;
  }

  /** How many tasks of the queue stand where. */
  get counts(): Readonly<TaskCounts> {
    const { waiting, assigned } = this.#driver;
    return { queued: this.#next_index, waiting, assigned, is_open: this.#sources.are_open };
  }

  /** The task of the queue with that index, while it has no outcome. */
  find_task(index: number): QueuedTask | undefined {
    return this.#driver.find_task(index)?.handle;
  }

  /** How often each kind of thing went wrong so far. */
  get failures(): Readonly<FailureCounts> {
    return { ...this.#driver.failures };
  }

  #check_open(method: string): void {
    if (this.#stopping === undefined) return;
    throw new StateError(
      `${method}: this job was stopped: make a new Job, or await what is to run before the job stops`,
    );
  }
}

/** `options` without those that are undefined, which mean: as the job's. */
function defined(options: TrustOptions): Partial<ResolvedJobOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Cancels `task` when `signal` is aborted. Holds on to the task no longer than it has no outcome. */
function cancel_by(signal: AbortSignal, task: JobTask): void {
  const cancel = () => void task.cancel(signal.reason);
  if (signal.aborted) return cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const forget = () => signal.removeEventListener('abort', cancel);
  task.result.then(forget, forget);
}

function attach_finished(error: unknown, finished: readonly JobTask[]): void {
  if (error instanceof ParjobError)
    Object.assign(error, { finished: by_index(finished).map((task) => task.as_outcome()) });
}

function by_index(tasks: readonly JobTask[]): readonly JobTask[] {
  const is_ordered = tasks.every(
    (task, i) => i === 0 || (task.index as number) > ((tasks[i - 1] as JobTask).index as number),
  );
  if (is_ordered) return tasks;
  let lowest = Infinity;
  for (const { index } of tasks) lowest = Math.min(lowest, index as number);
  const places: (JobTask | undefined)[] = [];
  for (const task of tasks) places[(task.index as number) - lowest] = task;
  return places.filter((task) => task !== undefined);
}

/** A slave imports the modules of tasks; a Job made there would start slaves of slaves. */
function refuse_on_slave(): void {
  if ((globalThis as Record<symbol, unknown>)[Symbol.for('parjob.is_slave')] !== true) return;
  throw new StateError(
    'a Job was made on a slave. The module of a task, which slaves import, makes it at its top level: ' +
      'move the tasks to a module of their own, apart from the main program',
  );
}
