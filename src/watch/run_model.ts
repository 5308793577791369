/**
 * RunModel: a run as watchers see it, in bounded memory however long it is. One model serves them all.
 *
 *     events of slaves ─▶ lines of slaves        ends of tasks ─▶ TaskFeed ─▶ counts, times, ring, series
 *
 * It asks the job how many tasks wait only when it looks, four times a second; it changes nothing.
 */
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import type { LossKind } from '../errors.js';
import type { FailureCounts } from '../master/failure_counts.js';
import type { QueuedTask } from '../master/queued_task.js';
import type { Slave } from '../master/slave.js';
import type { SlaveState } from '../sched/slave_state.js';
import { Histogram } from './histogram.js';
import { Rate, type TimeLeft } from './rate.js';
import { type FileRow, file_rows, type SectionRow, section_rows } from './section_row.js';
import { Series } from './series.js';
import { SlaveLine } from './slave_line.js';
import { error_entry, Stories, type StoryKind, value_text } from './stories.js';
import { CANCELLED, DONE, MIXED, type TaskBatch, TaskFeed } from './task_feed.js';
import { TaskRing } from './task_ring.js';
import { Subscriptions, type WatchedJob } from './watched_job.js';

const LOOK_EVERY = 250;
const FAILURES_KEPT = 100;
const MOST_NAMES = 200;

/** Something that went wrong: the last ones are kept. */
export interface Failure {
  readonly at: number;
  readonly kind: 'task_failed' | 'task_retried' | 'slave_lost' | 'slave_dead' | 'stray_error';
  /** Of the task; undefined when it was none, or a run_task. */
  readonly index: number | undefined;
  readonly name: string | undefined;
  readonly slave: string;
  readonly text: string;
  readonly why: LossKind | undefined;
}

export interface RunModelOptions {
  clock?: Clock;
  /** Finished tasks that are remembered one by one. */
  tasks_kept?: number;
  /** Characters of stories of single tasks. */
  story_limit?: number;
  /** Wall-clock time of the clock's 0, ms since 1970. */
  epoch?: number;
}

/** How many tasks stand where, with what is known from events alone. */
export interface ModelCounts {
  /** Tasks that were ever queued; undefined when it is not known. */
  readonly queued: number | undefined;
  /** What can be said when it is not: so many, or more. */
  readonly queued_at_least?: number;
  readonly waiting: number | undefined;
  /** Those that were sent to a slave and have not ended. */
  readonly assigned: number | undefined;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Their results came from the status file of an earlier run. */
  readonly restored: number;
  readonly retried: number;
  /** More tasks may come: `queued` is not the whole. */
  readonly is_open: boolean;
}

export class RunModel {
  readonly job: WatchedJob;
  readonly clock: Clock;
  readonly feed: TaskFeed;
  readonly ring: TaskRing;
  readonly stories: Stories;
  readonly throughput: Series;
  readonly waiting: Series;
  readonly running: Series;
  /** Wall-clock time of the clock's 0, ms since 1970. */
  readonly epoch: number;
  readonly started_at: number;
  /** Where the sections of a run of sections stand, and its files: if not set otherwise, what the job tells. */
  sections: (() => readonly SectionRow[] | undefined) | undefined;
  files: (() => readonly FileRow[] | undefined) | undefined;
  readonly #by_id: SlaveLine[] = [];
  readonly #failures: Failure[] = [];
  readonly #subscriptions: Subscriptions;
  readonly #looks = new Set<() => void>();
  readonly #benched = new Set<string>();
  readonly #rate: Rate;
  readonly #times_by_name: (Histogram | undefined)[] = [];
  #unticked = 0;
  #done = 0;
  #failed = 0;
  #cancelled = 0;
  #beside = 0;
  #retried = 0;
  #run_started_at: number | undefined;
  #run_finished_at: number | undefined;
  #last_end: number | undefined;
  #most_connected = 0;
  #cancel_look: (() => void) | undefined;

  constructor(job: WatchedJob, options: RunModelOptions = {}) {
    const { clock = SYSTEM_CLOCK, tasks_kept = 1024, story_limit = 0 } = options;
    this.job = job;
    if (job.section_records !== undefined) {
      this.sections = () => section_rows(job.section_records?.());
      this.files = () => file_rows(job.section_records?.());
    }
    this.clock = clock;
    this.started_at = clock.now();
    this.epoch = options.epoch ?? Date.now() - this.started_at;
    this.ring = new TaskRing(tasks_kept);
    this.stories = new Stories(story_limit);
    this.throughput = new Series('rate', this.started_at);
    this.waiting = new Series('level', this.started_at);
    this.running = new Series('level', this.started_at);
    this.#rate = new Rate(this.started_at);
    this.feed = new TaskFeed(job, clock, (slave, id) => {
      this.#by_id[id] = new SlaveLine(slave, id);
    });
    this.feed.add((batch) => this.#take(batch));
    this.#subscriptions = new Subscriptions(job);
    this.#listen();
    for (const slave of job) this.#line(slave);
    this.#look_later();
  }

  close(): void {
    this.#cancel_look?.();
    this.#subscriptions.close();
    this.feed.close();
    this.#look();
  }

  /** Calls `look` after each look at the job, four times a second, until the returned function is called. */
  on_look(look: () => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  // ---- what it shows

  /** All slaves that there were, in the order in which they came. */
  get slaves(): readonly SlaveLine[] {
    for (const slave of this.job) this.#line(slave);
    return this.#by_id;
  }

  slave(slave_id: number): SlaveLine | undefined {
    return this.#by_id[slave_id];
  }

  /** Times of all tasks that returned. */
  get times(): Histogram {
    const all = new Histogram();
    for (const [, times] of this.times_of_names()) all.add_all(times);
    return all;
  }

  /** Names of tasks with the times of those that returned. */
  *times_of_names(): IterableIterator<[name: string, times: Histogram]> {
    for (const [number, times] of this.#times_by_name.entries())
      if (times !== undefined)
        yield [number === MOST_NAMES ? '(others)' : this.feed.names.name_of(number), times];
  }

  /** The last things that went wrong, the latest last. */
  get failures(): readonly Failure[] {
    return this.#failures;
  }

  get failure_counts(): Readonly<FailureCounts> {
    return this.job.failures;
  }

  get benched_hosts(): readonly string[] {
    return [...this.#benched];
  }

  get counts(): ModelCounts {
    const { queued, waiting, assigned, is_open } = this.job.counts;
    const ended = this.#done + this.#failed + this.#cancelled - this.#beside;
    const restored = queued - waiting - assigned - ended;
    return {
      queued,
      waiting,
      assigned,
      running: this.#running_count(),
      done: this.#done,
      failed: this.#failed,
      cancelled: this.#cancelled,
      restored: Math.max(0, restored),
      retried: this.#retried,
      is_open,
    };
  }

  /** Slaves by state. */
  get states(): Partial<Record<SlaveState, number>> {
    const states: Partial<Record<SlaveState, number>> = {};
    for (const { state } of this.slaves) states[state] = (states[state] ?? 0) + 1;
    return states;
  }

  /** The most slaves that were ready at the same time. */
  get most_connected(): number {
    return this.#most_connected;
  }

  /** Tasks per second of late. */
  get rate(): number {
    return this.#rate.recent * 1000;
  }

  /** Until the queue is empty; undefined when that cannot be told. */
  get time_left(): TimeLeft | undefined {
    const { counts } = this.job;
    if (counts.is_open) return undefined;
    const { count, mean, deviation } = this.times;
    const known = { known: count, mean, deviation };
    return this.#rate.time_left(counts.waiting + counts.assigned, known, this.#connected());
  }

  /** From the start of the run to its end, or to now, ms. */
  get elapsed(): number {
    const start = this.#run_started_at ?? this.started_at;
    return Math.max(0, (this.#run_finished_at ?? this.clock.now()) - start);
  }

  get has_finished(): boolean {
    return this.#run_finished_at !== undefined;
  }

  /** When the last task ended, by the clock. */
  get last_end(): number | undefined {
    return this.#last_end;
  }

  /** Time that slaves ran tasks which returned or threw, ms. */
  get busy_ms(): number {
    let sum = 0;
    for (const { busy_ms } of this.#by_id) sum += busy_ms;
    return sum;
  }

  /** Time that slaves were ready for tasks, ms. */
  get slave_ms(): number {
    const now = this.#run_finished_at ?? this.clock.now();
    let sum = 0;
    for (const line of this.#by_id) sum += line.connected_ms(now);
    return sum;
  }

  /** How much sooner the tasks were done than by one slave alone. */
  get speed_up(): number {
    return this.elapsed > 0 ? this.busy_ms / this.elapsed : 0;
  }

  /** Share of the slaves' time in which they ran tasks. */
  get efficiency(): number {
    const { slave_ms } = this;
    return slave_ms > 0 ? Math.min(1, this.busy_ms / slave_ms) : 0;
  }

  // ---- what it hears

  #listen(): void {
    const on: Subscriptions['on'] = (name, listener) => this.#subscriptions.on(name, listener);
    on('slave_started', ({ slave }) => this.#line(slave).on_started());
    on('slave_connected', ({ slave }) => {
      this.#line(slave).on_connected(this.clock.now());
      this.#most_connected = Math.max(this.#most_connected, this.#connected());
    });
    on('slave_lost', ({ slave, error, why }) => {
      const line = this.#line(slave);
      line.losses++;
      line.last_error = error;
      line.on_gone(this.clock.now(), false);
      this.#fail({ kind: 'slave_lost', slave, error, why });
    });
    on('slave_dead', ({ slave, error }) => {
      const line = this.#line(slave);
      line.last_error = error;
      line.on_gone(this.clock.now(), false);
      this.#fail({ kind: 'slave_dead', slave, error });
    });
    on('slave_stopped', ({ slave, reason }) =>
      this.#line(slave).on_gone(this.clock.now(), reason === 'leave'),
    );
    on('heartbeat', ({ slave, vitals }) => this.#line(slave).on_vitals(this.clock.now(), vitals));
    on('host_benched', ({ host }) => this.#benched.add(host));
    on('host_released', ({ host }) => this.#benched.delete(host));
    on('stray_error', ({ slave, error }) => this.#fail({ kind: 'stray_error', slave, error }));
    on('task_failed', ({ task, slave, error }) => {
      this.#fail({ kind: 'task_failed', task, slave, error });
      this.#tell('task_failed', task, slave, () => error_entry(error));
    });
    on('task_retried', ({ task, slave, error }) => {
      this.#retried++;
      this.#fail({ kind: 'task_retried', task, slave, error });
      this.#tell('task_retried', task, slave, () => error_entry(error));
    });
    on('task_cancelled', ({ task }) =>
      this.#tell('task_cancelled', task, undefined, () => ({ text: 'it was cancelled' })),
    );
    if (this.stories.is_on) this.#listen_to_tasks();
    on('run_started', () => {
      this.#run_started_at ??= this.clock.now();
      this.#run_finished_at = undefined;
    });
    on('run_finished', () => {
      this.feed.flush();
      this.#run_finished_at = this.clock.now();
    });
  }

  #listen_to_tasks(): void {
    this.#subscriptions.on('task_checkpoint', ({ task, slave, value }) =>
      this.#tell('task_checkpoint', task, slave, () => ({ text: value_text(value) })),
    );
    this.#subscriptions.on('task_progress', ({ task, slave, done, total, note }) =>
      this.#tell('task_progress', task, slave, () => ({
        text: `${done}${total === undefined ? '' : ` of ${total}`}${note === undefined ? '' : `, ${note}`}`,
      })),
    );
  }

  #take(batch: TaskBatch): void {
    const { length, outcomes, run_ms, names } = batch;
    this.#run_started_at ??= batch.starts[0] as number;
    this.ring.add_batch(batch);
    for (const { from, to, slave, name, done, beside, run_ms: busy } of batch.bunches) {
      const count = to - from;
      const line = this.#by_id[slave];
      if (line !== undefined) {
        line.busy_ms += busy;
        line.done += done;
        line.failed += count - done;
      }
      this.#done += done;
      this.#beside += beside;
      if (outcomes[from] === CANCELLED) this.#cancelled += count;
      else this.#failed += count - done;
      if (done === count && name !== MIXED) this.#times_of(name).add_column(run_ms, from, to);
      else if (done > 0)
        for (let i = from; i < to; i++)
          if (outcomes[i] === DONE) this.#times_of(names[i] as number).add(run_ms[i] as number);
    }
    const now = this.clock.now();
    this.#unticked += length;
    this.#last_end = now;
    this.throughput.add(now, length);
  }

  #times_of(name: number): Histogram {
    const place = Math.min(name, MOST_NAMES);
    let times = this.#times_by_name[place];
    if (times === undefined) {
      times = new Histogram();
      this.#times_by_name[place] = times;
    }
    return times;
  }

  #fail(what: {
    kind: Failure['kind'];
    task?: QueuedTask;
    slave: Slave;
    error: Error;
    why?: LossKind | undefined;
  }): void {
    const { kind, task, slave, error, why } = what;
    this.#failures.push({
      at: this.clock.now(),
      kind,
      index: task?.index,
      name: task?.name,
      slave: slave.name,
      text: error.message,
      why,
    });
    if (this.#failures.length > FAILURES_KEPT) this.#failures.shift();
  }

  #tell(
    kind: StoryKind,
    task: QueuedTask,
    slave: Slave | undefined,
    say: () => { text: string; code?: string | undefined; stack?: string | undefined },
  ): void {
    if (!this.stories.is_on) return;
    const entry = { kind, at: this.clock.now(), attempt: task.attempts, slave: slave?.name, ...say() };
    this.stories.add((task.index as number | undefined) ?? -1, entry);
  }

  // ---- looking

  #look_later(): void {
    this.#cancel_look = this.clock.set_timer(LOOK_EVERY, () => {
      this.#look();
      this.#look_later();
    });
  }

  #look(): void {
    this.feed.flush();
    const now = this.clock.now();
    this.#rate.tick(now, this.#unticked);
    this.#unticked = 0;
    this.waiting.add(now, this.job.counts.waiting);
    this.running.add(now, this.#running_count());
    for (const look of this.#looks) look();
  }

  #running_count(): number {
    let count = 0;
    for (const { state } of this.#by_id) if (state === 'running_task') count++;
    return count;
  }

  #connected(): number {
    let count = 0;
    for (const line of this.#by_id) if (line.is_connected) count++;
    return count;
  }

  #line(slave: Slave): SlaveLine {
    return this.#by_id[this.feed.slave_id(slave)] as SlaveLine;
  }
}
