/** Outcomes: how many tasks have none yet. A task gets exactly one; until then it may be run again. */
import type { Report } from './events.js';
import type { TaskRecord } from './records.js';
import type { TaskQueues } from './task_queues.js';
import type { Turn } from './turn.js';

/** Longest wait before a task that failed is run again, ms. */
const LONGEST_RETRY_DELAY = 10 * 60_000;

export class Outcomes<T extends TaskRecord, R extends Report> {
  readonly #turn: Turn<T, R>;
  readonly #queues: TaskQueues<T>;
  /** Tasks of the queue, and urgent ones, that have none. */
  unsettled = 0;
  unsettled_urgent = 0;

  constructor(turn: Turn<T, R>, queues: TaskQueues<T>) {
    this.#turn = turn;
    this.#queues = queues;
  }

  /** `task` is to get one. */
  expect(task: T): void {
    if (task.index === undefined) this.unsettled_urgent++;
    else this.unsettled++;
  }

  settle(task: T, state: 'done' | 'failed' | 'cancelled'): void {
    task.state = state;
    if (task.index === undefined) this.unsettled_urgent--;
    else this.unsettled--;
  }

  /** Lets a task that failed wait for its next run. Returns for how long. */
  retry_later(task: T): number {
    const { failures } = task.have_trouble();
    const delay = Math.min(LONGEST_RETRY_DELAY, task.policy.retry_delay * 2 ** (failures - 1));
    task.attempt++;
    this.#queues.delay(task, this.#turn.now + delay);
    return delay;
  }
}
