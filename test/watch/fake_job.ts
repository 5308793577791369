/** A job that only tells events, with slaves and tasks that are nothing but names. */
import { EventEmitter } from 'node:events';
import { no_failures } from '../../src/master/failure_counts.js';
import type { TaskCounts } from '../../src/master/job.js';
import type { QueuedTask } from '../../src/master/queued_task.js';
import type { Slave } from '../../src/master/slave.js';
import { ModelView } from '../../src/watch/model_view.js';
import { RunModel, type RunModelOptions } from '../../src/watch/run_model.js';
import type { WatchedJob } from '../../src/watch/watched_job.js';
import { ManualClock } from '../kit/manual_clock.js';

/** Noon of a day, ms since 1970. */
export const EPOCH = Date.UTC(2026, 10, 22, 12);

export class FakeWatchedSlave {
  state = 'created';
  host = 'node1';
  pid = 7;
  log_file: string | undefined;
  running: { task: QueuedTask; since: number } | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    this.log_file = `/logs/${name}`;
  }
}

interface FakeEnd {
  index: number | undefined;
  run_ms: number;
  name?: string;
  attempts?: number;
  error?: Error;
}

export class FakeJob {
  readonly slaves: FakeWatchedSlave[];
  readonly emitter = new EventEmitter();
  readonly failures = no_failures();
  counts: TaskCounts = counts(0, 0, 0, true);
  /** What find_task finds. */
  readonly found = new Map<number, QueuedTask>();
  explanation = '';
  is_stopped = false;

  constructor(slave_count: number) {
    this.slaves = Array.from({ length: slave_count }, (_, i) => new FakeWatchedSlave(`fake.slave${i}`));
  }

  get length(): number {
    return this.slaves.length;
  }

  [Symbol.iterator](): Iterator<FakeWatchedSlave> {
    return this.slaves[Symbol.iterator]();
  }

  // biome-ignore lint/style/useNamingConvention: it is that of arrays
  indexOf(slave: unknown): number {
    return this.slaves.indexOf(slave as FakeWatchedSlave);
  }

  splice(start: number, count: number): unknown[] {
    return this.slaves.splice(start, count);
  }

  async stop(): Promise<void> {
    this.is_stopped = true;
  }

  find_task(index: number): QueuedTask | undefined {
    return this.found.get(index);
  }

  explain(): string {
    return this.explanation;
  }

  on(name: string, listener: (event: never) => void): this {
    this.emitter.on(name, listener as (event: unknown) => void);
    return this;
  }

  off(name: string, listener: (event: never) => void): this {
    this.emitter.off(name, listener as (event: unknown) => void);
    return this;
  }

  tell(name: string, event: object): void {
    this.emitter.emit(name, event);
  }

  slave(i: number): Slave {
    return this.slaves[i] as unknown as Slave;
  }

  connect(i: number): void {
    this.tell('slave_started', { slave: this.slave(i), pid: 7, command: [] });
    (this.slaves[i] as FakeWatchedSlave).state = 'connected';
    this.tell('slave_connected', { slave: this.slave(i) });
  }

  /** A frame that tells of one task. */
  done(index: number | undefined, slave: number, run_ms: number, name = 'align', attempts = 1): void {
    this.settled(slave, [{ index, run_ms, name, attempts }]);
  }

  failed(index: number | undefined, slave: number, run_ms: number, what: Partial<FakeEnd> = {}): void {
    this.settled(slave, [{ index, run_ms, error: new Error('no'), ...what }]);
  }

  /** A frame that tells of several, as a Job hands it on. */
  settled(slave: number, ends: readonly FakeEnd[]): void {
    const told = ends.map((end) => ({ ...end, task: fake_task(end.index, end.name, end.attempts) }));
    this.tell('tasks_settled', {
      slave: this.slave(slave),
      tasks: told.map(({ task }) => task),
      reports: ends.map(({ run_ms, error }) => ({
        kind: error === undefined ? 'task_done' : 'task_failed',
        run_us: run_ms * 1000,
      })),
    });
    for (const { task, run_ms, error } of told) {
      if (error !== undefined) this.tell('task_failed', { task, slave: this.slave(slave), error, run_ms });
      else this.tell('task_done', { task, slave: this.slave(slave), run_ms });
    }
  }

  get watched(): WatchedJob {
    return this as unknown as WatchedJob;
  }
}

export function fake_task(index: number | undefined, name = 'align', attempts = 1): QueuedTask {
  return { index, name, attempts, state: 'done', key: undefined } as unknown as QueuedTask;
}

/** A job with a model that looks when the clock is moved. */
export function fake_run(slaves = 2, options: RunModelOptions = {}, more: Partial<WatchedJob> = {}) {
  const clock = new ManualClock();
  const job = Object.assign(new FakeJob(slaves), more);
  const model = new RunModel(job.watched, { clock, epoch: EPOCH, ...options });
  return { clock, job, model, view: new ModelView(model, 'align') };
}

export function counts(queued: number, waiting: number, assigned: number, is_open = false): TaskCounts {
  return { queued, waiting, assigned, is_open };
}
