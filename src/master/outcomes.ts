/**
 * Outcomes: what became of tasks, on its way to the user.
 *
 *     the scheduler's word ─▶ record, if one is kept ─▶ written ─▶ the task's promise, events, unread
 *
 * Nothing is handed over that the status file does not hold. While that cannot be written, outcomes of the
 * queue wait here; the run ends with the reason, and the next one goes on where this one stood.
 */
import type { Log } from '../base/log.js';
import type { TaskReport } from '../wire/messages.js';
import type { Events } from './events.js';
import type { SlaveLostError } from './life.js';
import type { JobTask, QueuedTask } from './queued_task.js';
import type { RunRecord } from './run_record.js';
import type { Session } from './session.js';
import type { Unread } from './unread.js';

/** A report as the scheduler gets it: with the error that a failure is, and whether that is worth another run. */
export interface JobReport extends TaskReport {
  error?: Error;
  may_retry?: boolean;
}

export interface OutcomesParts {
  unread: Unread;
  events: Events;
  log: Log;
  /** A task has its outcome. */
  on_settled: (task: JobTask) => void;
}

export class Outcomes {
  readonly #parts: OutcomesParts;
  /** What is to be handed over when it has been written. */
  #held: (() => void)[] = [];
  /** The last try to write failed, and was told. */
  #is_failing = false;
  /** Where what becomes of the tasks of the queue is recorded, if it is. */
  record: RunRecord | undefined;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  /** Does `act`, which tells the user something, when all that was recorded until now is written. */
  hand_over(act: () => void): void {
    if (this.record === undefined) return act();
    this.#held.push(act);
    const error = this.write();
    if (error !== undefined) this.#parts.unread.fail(error);
  }

  /** Writes what was recorded, and hands over what waited for that. Returns why it cannot be written. */
  write(): Error | undefined {
    try {
      this.record?.commit();
    } catch (error) {
      const { log } = this.#parts;
      if (!this.#is_failing)
        log.error({ reason: (error as Error).message }, 'the status file cannot be written');
      this.#is_failing = true;
      return error as Error;
    }
    this.#is_failing = false;
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
    return undefined;
  }

  /** Tasks returned, or threw for the last time. `bytes` is what each result took. */
  settle(session: Session, tasks: readonly JobTask[], reports: readonly JobReport[], bytes: number): void {
    const { record } = this;
    if (record === undefined) {
      this.#settle_all(session, tasks, reports, bytes);
      this.#parts.unread.wake();
      return;
    }
    for (let i = 0; i < tasks.length; i++) {
      const [task, report] = [tasks[i] as JobTask, reports[i] as JobReport];
      // what is beside the queue is not recorded, and waits for no disk
      if (task.index === undefined) this.#settle_all(session, [task], [report], bytes);
      else if (report.kind === 'task_failed') record.failed(task, session.name, report.error as Error);
      else record.done(task, session.name, report.run_us / 1000, report.value);
    }
    const of_queue = (_: unknown, i: number) => tasks[i]?.index !== undefined;
    this.hand_over(() => {
      this.#settle_all(session, tasks.filter(of_queue), reports.filter(of_queue), bytes);
      this.#parts.unread.wake();
    });
  }

  #settle_all(
    { slave }: Session,
    tasks: readonly JobTask[],
    reports: readonly JobReport[],
    bytes: number,
  ): void {
    const { unread, events } = this.#parts;
    const tells_done = events.has_listeners('task_done');
    if (events.has_listeners('tasks_settled')) {
      const handles = tasks as readonly unknown[] as readonly QueuedTask[];
      events.emit('tasks_settled', { slave, tasks: handles, reports });
    }
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i] as JobTask;
      const { kind, value, error, run_us } = reports[i] as JobReport;
      const is_done = kind === 'task_done';
      this.#settle(task, is_done ? value : error, bytes);
      // before anybody is told, who might cancel another task: outcomes stand in their order
      if (task.index !== undefined) unread.push(task);
      const run_ms = run_us / 1000;
      if (!is_done) events.emit('task_failed', { task: task.handle, slave, error: error as Error, run_ms });
      else if (tells_done) events.emit('task_done', { task: task.handle, slave, run_ms });
    }
  }

  #settle(task: JobTask, outcome: unknown, bytes: number): void {
    if (task.settle(outcome, bytes)) this.#parts.on_settled(task);
  }

  /** The task threw, and is run again. */
  threw({ slave }: Session, task: JobTask, error: Error, delay_ms: number): void {
    this.#parts.events.emit('task_retried', { task: task.handle, slave, error, delay_ms });
  }

  /** The task's slave was lost, `run_ms` after it got the task. It is given up if `is_last`. */
  died(
    { slave, name }: Session,
    task: JobTask,
    lost: SlaveLostError,
    facts: { run_ms: number; is_last: boolean; delay_ms: number },
  ): void {
    const { events, unread } = this.#parts;
    const { run_ms, is_last, delay_ms } = facts;
    task.add_dead_attempt({ ...lost.evidence, run_ms });
    const record = task.index === undefined ? undefined : this.record;
    // the number of the run that ended: the next one has been given out already
    record?.died(task, is_last ? task.attempt : task.attempt - 1, lost.evidence);
    if (!is_last) {
      events.emit('task_retried', { task: task.handle, slave, error: lost, delay_ms });
      return;
    }
    const error = task.death_error();
    record?.failed(task, name, error);
    this.#hand_over_one(task, () => {
      this.#settle(task, error, 0);
      if (task.index !== undefined) unread.push(task);
      events.emit('task_failed', { task: task.handle, slave, error, run_ms });
      unread.wake();
    });
  }

  /** The task was cancelled, or given up for want of slaves. */
  cancelled(task: JobTask, error: unknown): void {
    const { unread, events } = this.#parts;
    if (task.index !== undefined) this.record?.cancelled(task, error);
    this.#hand_over_one(task, () => {
      this.#settle(task, error, 0);
      if (task.index !== undefined) unread.push(task);
      unread.wake();
      events.emit('task_cancelled', { task: task.handle });
    });
  }

  #hand_over_one(task: JobTask, act: () => void): void {
    if (task.index === undefined) act();
    else this.hand_over(act);
  }
}
