/**
 * TaskFeed: the one listener to the ends of tasks. It notes each in columns of numbers and hands them on in
 * batches, so that any number of watchers costs a run of short tasks little.
 *
 *     tasks_settled ───────────────┐
 *     task_failed, task_cancelled ─┴▶ columns, bunches ─▶ every 100 ms, or when full ─▶ each watcher
 *
 * All that a frame told of is a bunch: tasks of one slave, mostly of one name, which watchers can take in one go.
 */
import type { Clock } from '../base/clock.js';
import type { JobEvents } from '../master/events.js';
import type { QueuedTask } from '../master/queued_task.js';
import type { Slave } from '../master/slave.js';
import { NameTable } from './name_table.js';
import { Subscriptions, type WatchedJob } from './watched_job.js';

/** Few enough that the columns stay in the cache of the processor. */
const BATCH = 1024;
const HAND_ON_EVERY = 100;

export const OUTCOMES = ['done', 'failed', 'cancelled'] as const;
export const [DONE, FAILED, CANCELLED] = [0, 1, 2] as const;
/** In the place of a slave: none had it. */
export const NO_SLAVE = 2 ** 32 - 1;
/** In the place of the name of a bunch: they are several. */
export const MIXED = -1;

/** Rows `from` to `to` of a batch, of one slave, that were told of together. */
export interface Bunch {
  from: number;
  to: number;
  slave: number;
  /** Number in the table of names, or MIXED. */
  name: number;
  /** How many of them returned. */
  done: number;
  /** How many of them are no tasks of the queue. */
  beside: number;
  run_ms: number;
  longest_ms: number;
}

/** Ends of tasks, in the order in which they were told. Only valid while it is handed over. */
export interface TaskBatch {
  readonly length: number;
  /** Place in the order of queue_task; -1 for a run_task. */
  readonly indices: Float64Array;
  /** Numbers in the table of names. */
  readonly names: Uint16Array;
  readonly slaves: Uint32Array;
  readonly attempts: Uint16Array;
  /** Places in OUTCOMES. */
  readonly outcomes: Uint8Array;
  /** When it began, as far as can be told, by the clock. */
  readonly starts: Float64Array;
  readonly run_ms: Float64Array;
  /** All rows, in pieces. */
  readonly bunches: readonly Bunch[];
}

export type TakeBatch = (batch: TaskBatch) => void;

export class TaskFeed {
  /** Names of tasks. */
  readonly names = new NameTable();
  readonly #clock: Clock;
  readonly #subscriptions: Subscriptions;
  readonly #takers: TakeBatch[] = [];
  readonly #slave_ids = new Map<Slave, number>();
  readonly #on_slave: (slave: Slave, slave_id: number) => void;
  /** When the last task of each slave ended. */
  #free_at = new Float64Array(16);
  #last_slave: Slave | undefined;
  #last_slave_id = 0;
  /** Tasks whose failure was told of with others, and is going to be told of by itself. */
  readonly #told = new Set<QueuedTask>();
  #cancel_timer: (() => void) | undefined;
  readonly #batch = {
    length: 0,
    indices: new Float64Array(BATCH),
    names: new Uint16Array(BATCH),
    slaves: new Uint32Array(BATCH),
    attempts: new Uint16Array(BATCH),
    outcomes: new Uint8Array(BATCH),
    starts: new Float64Array(BATCH),
    run_ms: new Float64Array(BATCH),
    bunches: [] as Bunch[],
  };

  /** @param on_slave is told of each slave that is given a number */
  constructor(job: WatchedJob, clock: Clock, on_slave: (slave: Slave, slave_id: number) => void = () => {}) {
    this.#clock = clock;
    this.#on_slave = on_slave;
    this.#subscriptions = new Subscriptions(job);
    this.#subscriptions.on('tasks_settled', (event) => this.#note_all(event));
    this.#subscriptions.on('task_failed', ({ task, slave, run_ms }) => {
      if (!this.#told.delete(task)) this.#note(task, slave, FAILED, run_ms);
    });
    this.#subscriptions.on('task_cancelled', ({ task }) => this.#note(task, undefined, CANCELLED, 0));
  }

  /** From now on `take` gets each batch, in the order of these calls. */
  add(take: TakeBatch): void {
    this.#takers.push(take);
  }

  /** Hands on what has come since the last batch. */
  flush(): void {
    this.#cancel_timer?.();
    this.#cancel_timer = undefined;
    const batch = this.#batch;
    if (batch.length === 0) return;
    try {
      for (const take of this.#takers) take(batch);
    } finally {
      batch.length = 0;
      batch.bunches = [];
    }
  }

  close(): void {
    this.#subscriptions.close();
    this.flush();
  }

  /** The number of a slave in batches. */
  slave_id(slave: Slave): number {
    if (slave === this.#last_slave) return this.#last_slave_id;
    let id = this.#slave_ids.get(slave);
    if (id === undefined) {
      id = this.#slave_ids.size;
      this.#slave_ids.set(slave, id);
      if (id === this.#free_at.length) this.#grow();
      this.#on_slave(slave, id);
    }
    this.#last_slave = slave;
    this.#last_slave_id = id;
    return id;
  }

  #note_all({ slave, tasks, reports }: JobEvents['tasks_settled']): void {
    for (let first = 0; first < tasks.length; first += BATCH)
      this.#note_some(this.slave_id(slave), tasks, reports, first, Math.min(tasks.length, first + BATCH));
  }

  #note_some(
    slave: number,
    tasks: readonly QueuedTask[],
    reports: JobEvents['tasks_settled']['reports'],
    first: number,
    end: number,
  ): void {
    const batch = this.#batch;
    if (batch.length + end - first > BATCH) this.flush();
    const { indices, names, attempts, outcomes, run_ms } = batch;
    const from = batch.length;
    let [at, done, beside, sum, longest] = [from, 0, 0, 0, 0];
    let name_text = '';
    let [name, bunch_name] = [-2, -2];
    for (let i = first; i < end; i++, at++) {
      const task = tasks[i] as QueuedTask;
      const { kind, run_us } = reports[i] as (typeof reports)[number];
      if (task.name !== name_text) {
        name_text = task.name;
        name = this.names.number_of(name_text);
        bunch_name = bunch_name === -2 || bunch_name === name ? name : MIXED;
      }
      const index = (task.index as number | undefined) ?? -1;
      if (index < 0) beside++;
      const time = run_us / 1000;
      indices[at] = index;
      names[at] = name;
      attempts[at] = task.attempts;
      run_ms[at] = time;
      sum += time;
      if (time > longest) longest = time;
      if (kind === 'task_done') {
        outcomes[at] = DONE;
        done++;
      } else {
        outcomes[at] = FAILED;
        this.#told.add(task);
      }
    }
    batch.slaves.fill(slave, from, at);
    this.#close_bunch({
      from,
      to: at,
      slave,
      name: bunch_name,
      done,
      beside,
      run_ms: sum,
      longest_ms: longest,
    });
  }

  #note(task: QueuedTask, slave: Slave | undefined, outcome: number, run_ms: number): void {
    const batch = this.#batch;
    if (batch.length === BATCH) this.flush();
    const from = batch.length;
    const slave_id = slave === undefined ? NO_SLAVE : this.slave_id(slave);
    const index = (task.index as number | undefined) ?? -1;
    const name = this.names.number_of(task.name);
    batch.indices[from] = index;
    batch.names[from] = name;
    batch.slaves[from] = slave_id;
    batch.attempts[from] = task.attempts;
    batch.outcomes[from] = outcome;
    batch.run_ms[from] = run_ms;
    const beside = index < 0 ? 1 : 0;
    this.#close_bunch({
      from,
      to: from + 1,
      slave: slave_id,
      name,
      done: 0,
      beside,
      run_ms,
      longest_ms: run_ms,
    });
  }

  /**
   * A slave runs one task at a time and tells of several at once: the last of them has ended just now, each other
   * when the next began, and the first has not begun before the one that was told of last had ended.
   */
  #close_bunch(bunch: Bunch): void {
    const batch = this.#batch;
    const { from, to, slave } = bunch;
    const { starts, run_ms } = batch;
    let start = this.#clock.now() - bunch.run_ms;
    if (slave !== NO_SLAVE && start < (this.#free_at[slave] as number))
      start = this.#free_at[slave] as number;
    for (let i = from; i < to; i++) {
      starts[i] = start;
      start += run_ms[i] as number;
    }
    if (slave !== NO_SLAVE) this.#free_at[slave] = start;
    batch.length = to;
    batch.bunches.push(bunch);
    if (to === BATCH) this.flush();
    else if (this.#cancel_timer === undefined)
      this.#cancel_timer = this.#clock.set_timer(HAND_ON_EVERY, () => this.flush());
  }

  #grow(): void {
    const free_at = new Float64Array(this.#free_at.length * 2);
    free_at.set(this.#free_at);
    this.#free_at = free_at;
  }
}
