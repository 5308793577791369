/** What each task went through, as its effects told it: held against its policy, and against its own record. */
import type { LossKind } from '../../src/sched/events.js';
import type { TaskRecord } from '../../src/sched/records.js';
import { must } from './sched_invariants.js';

interface Entry {
  sendings: number;
  deaths: number;
  losses: number;
  failures: number;
}

export class TaskLedger {
  readonly #entries = new Map<TaskRecord, Entry>();

  #entry(task: TaskRecord): Entry {
    let entry = this.#entries.get(task);
    if (entry === undefined) {
      entry = { sendings: 0, deaths: 0, losses: 0, failures: 0 };
      this.#entries.set(task, entry);
    }
    return entry;
  }

  note_sending(task: TaskRecord): void {
    const entry = this.#entry(task);
    entry.sendings++;
    must(task.attempt <= entry.sendings, () => `counts ${task.attempt} attempts of ${entry.sendings} runs`);
  }

  /** It threw, and will run again. */
  note_failure(task: TaskRecord): void {
    const entry = this.#entry(task);
    entry.failures++;
    must(entry.failures <= task.policy.retries, 'runs a task again that has no retry left');
  }

  /** Its slave was lost while it ran. */
  note_loss(task: TaskRecord, why: LossKind, is_last: boolean): void {
    const entry = this.#entry(task);
    const { attempts, losses, retries } = task.policy;
    const was_last =
      why === 'died' || why === 'too_large'
        ? ++entry.deaths >= attempts
        : why === 'timed_out'
          ? entry.failures++ >= retries
          : ++entry.losses >= losses;
    must(is_last === was_last, () => `gives a task up that was ${why} too soon, or too late`);
  }

  has_retry(task: TaskRecord): boolean {
    return this.#entry(task).failures < task.policy.retries;
  }

  /** How long it has to wait for its next run. */
  retry_delay(task: TaskRecord): number {
    return Math.min(600_000, task.policy.retry_delay * 2 ** (this.#entry(task).failures - 1));
  }
}
