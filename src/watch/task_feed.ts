/**
 * TaskFeed: the one listener to the ends of tasks. It notes each in columns of numbers and hands them on in
 * batches, so that any number of watchers costs a run of short tasks little more than one.
 *
 *     task_done, task_failed, task_cancelled ─▶ columns ─▶ every 100 ms, or when full ─▶ each watcher
 */
import type { Clock } from '../base/clock.js';
import type { JobEvents } from '../master/events.js';
import type { QueuedTask } from '../master/queued_task.js';
import type { Slave } from '../master/slave.js';
import { NameTable } from './name_table.js';
import { Subscriptions, type WatchedJob } from './watched_job.js';

const BATCH = 8192;
const HAND_ON_EVERY = 100;

export const OUTCOMES = ['done', 'failed', 'cancelled'] as const;
/** In the place of a slave: none had it. */
export const NO_SLAVE = 2 ** 32 - 1;

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
  /** When the last task that was handed on ended on each slave. */
  #free_at = new Float64Array(16);
  #next_start = new Float64Array(16);
  #last_slave: Slave | undefined;
  #last_slave_id = 0;
  #now: number | undefined;
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
  };
  readonly #ends = new Float64Array(BATCH);

  /** @param on_slave is told of each slave that is given a number */
  constructor(job: WatchedJob, clock: Clock, on_slave: (slave: Slave, slave_id: number) => void = () => {}) {
    this.#clock = clock;
    this.#on_slave = on_slave;
    this.#subscriptions = new Subscriptions(job);
    const on_done = ({ task, slave, run_ms }: JobEvents['task_done']) => this.#note(task, slave, 0, run_ms);
    this.#subscriptions.on('task_done', on_done);
    this.#subscriptions.on_run('tasks_settled', ({ slave, tasks, reports }) => {
      // a job that tells of many at once need not tell of each
      job.off('task_done', on_done);
      for (let i = 0; i < tasks.length; i++) {
        const { kind, run_us } = reports[i] as { kind: string; run_us: number };
        if (kind === 'task_done') this.#note(tasks[i] as QueuedTask, slave, 0, run_us / 1000);
      }
    });
    this.#subscriptions.on('task_failed', (event) => {
      const { run_ms = 0 } = event as { run_ms?: number };
      this.#note(event.task, event.slave, 1, run_ms);
    });
    this.#subscriptions.on('task_cancelled', ({ task }) => this.#note(task, undefined, 2, 0));
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
    this.#find_starts();
    try {
      for (const take of this.#takers) take(batch);
    } finally {
      batch.length = 0;
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

  #note(task: QueuedTask, slave: Slave | undefined, outcome: number, run_ms: number): void {
    const batch = this.#batch;
    const at = batch.length++;
    batch.indices[at] = task.index ?? -1;
    batch.names[at] = this.names.number_of(task.name);
    batch.slaves[at] = slave === undefined ? NO_SLAVE : this.slave_id(slave);
    batch.attempts[at] = task.attempts;
    batch.outcomes[at] = outcome;
    batch.run_ms[at] = run_ms;
    this.#ends[at] = this.#time();
    if (batch.length === BATCH) this.flush();
    else if (this.#cancel_timer === undefined)
      this.#cancel_timer = this.#clock.set_timer(HAND_ON_EVERY, () => this.flush());
  }

  /** Now: asked for once for all the tasks of a frame, which are told in one go. */
  #time(): number {
    if (this.#now === undefined) {
      this.#now = this.#clock.now();
      queueMicrotask(this.#forget_now);
    }
    return this.#now;
  }

  readonly #forget_now = (): void => {
    this.#now = undefined;
  };

  /**
   * A slave reports several tasks at once, and runs one at a time: each has ended no later than the next of the
   * same slave began, and begun no sooner than the one before it ended.
   */
  #find_starts(): void {
    const { length, slaves, starts, run_ms } = this.#batch;
    const ends = this.#ends;
    const [next_start, free_at] = [this.#next_start, this.#free_at];
    next_start.fill(Infinity);
    for (let i = length - 1; i >= 0; i--) {
      const slave = slaves[i] as number;
      let end = ends[i] as number;
      if (slave !== NO_SLAVE) {
        end = Math.min(end, next_start[slave] as number);
        next_start[slave] = end - (run_ms[i] as number);
      }
      starts[i] = end - (run_ms[i] as number);
    }
    for (let i = 0; i < length; i++) {
      const slave = slaves[i] as number;
      if (slave === NO_SLAVE) continue;
      const start = Math.max(starts[i] as number, free_at[slave] as number);
      starts[i] = start;
      free_at[slave] = start + (run_ms[i] as number);
    }
  }

  #grow(): void {
    const free_at = new Float64Array(this.#free_at.length * 2);
    free_at.set(this.#free_at);
    this.#free_at = free_at;
    this.#next_start = new Float64Array(free_at.length);
  }
}
