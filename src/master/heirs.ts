/**
 * Heirs: slaves of an earlier run that come back to this one, and the tasks that are kept for what they bring.
 *
 * A task that such a slave had is not queued: either the slave tells what it came to, or, when it is ready or
 * will not come, the task is queued after all.
 */
import type { Log } from '../base/log.js';
import { RemoteError } from '../errors.js';
import type { Estate, Heir } from './estate.js';
import type { JobReport } from './outcomes.js';
import type { JobTask } from './queued_task.js';
import type { Recalled } from './run_record.js';
import type { LeftOverReport, Session } from './session.js';

/** Time in which the slaves of a dead master must have been heard of: they dial twice a second, ms. */
const HEIR_TIME = 3000;

export interface HeirsParts {
  log: Log;
  /** That slave has come back, and is about to be ready. */
  on_back: (session: Session) => void;
  /** That is what became of the task. */
  settle: (session: Session, task: JobTask, report: JobReport) => void;
  queue: (task: JobTask) => void;
  /** One more task is kept, or one less: a run is not at its end while there are some. */
  on_reserved: () => void;
  on_released: () => void;
}

export class Heirs {
  readonly #parts: HeirsParts;
  readonly #estate: Estate;
  /** Those that have come back and are not ready. */
  readonly #back = new Map<Session, Heir>();
  #reserved = 0;

  constructor(estate: Estate, parts: HeirsParts) {
    this.#estate = estate;
    this.#parts = parts;
  }

  /** Tasks that are kept. */
  get reserved(): number {
    return this.#reserved;
  }

  has(session: Session): boolean {
    return this.#back.has(session);
  }

  /** Keeps a task for the slave that had it. False when that will not come back. */
  reserve(task: JobTask, { slave, index, attempt }: NonNullable<Recalled['held_by']>): boolean {
    const number = Number(/\.slave(\d+)$/.exec(slave)?.[1]);
    if (!this.#estate.reserve(number, { task, index, attempt })) return false;
    this.#reserved++;
    this.#parts.on_reserved();
    return true;
  }

  /** Resolves to whether the process of that slave lives on from the earlier run, and has come back. */
  async has_come(session: Session): Promise<boolean> {
    const heir = this.#estate.heir(session.slave_id);
    if (heir === undefined || session.launches > 0) return false;
    if (!(await session.await_heir(heir, HEIR_TIME))) {
      this.#release(heir);
      return false;
    }
    this.#back.set(session, heir);
    this.#parts.on_back(session);
    this.#parts.log.info({ slave: session.name }, 'a slave of the earlier run has come back');
    return true;
  }

  /** It is ready, or was lost: it brings nothing any more. */
  close(session: Session): void {
    const heir = this.#back.get(session);
    if (heir === undefined) return;
    this.#back.delete(session);
    this.#release(heir);
  }

  /** It brings what a task of the earlier run came to. */
  on_left_over(session: Session, left_over: LeftOverReport): void {
    const { index, attempt, is_done, value, run_us, has_timed_out } = left_over;
    const task = this.#estate.claim(session.number ?? -1, index, attempt);
    if (task === undefined) return;
    task.state = is_done ? 'done' : 'failed';
    task.attempt = attempt;
    const kind = is_done ? 'task_done' : 'task_failed';
    const report: JobReport = { kind, task_id: task.task_id, attempt, run_us, value, has_timed_out };
    if (!is_done) {
      report.error = has_timed_out
        ? task.timeout_error(session.name, false)
        : new RemoteError(value, { slave: session.name, what: task.label, index: task.index });
    }
    this.#parts.settle(session, task, report);
    this.#count_released();
  }

  #release(heir: Heir): void {
    for (const task of this.#estate.close(heir)) {
      if (task.state === 'queued') this.#parts.queue(task);
      this.#count_released();
    }
  }

  #count_released(): void {
    this.#reserved--;
    this.#parts.on_released();
  }
}
