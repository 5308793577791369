/** What may be given with a task, and with a run. */
import { A_BOOLEAN, A_SIGNAL, A_STRING, check_options } from '../base/options.js';
import { TRUST_TABLE, type TrustOptions } from './job_options.js';

/** Options of a run. */
export interface RunOptions {
  /**
   * Give outcomes instead of values, and do not throw when a task fails.
   * @default false
   */
  settle?: boolean | undefined;
  /**
   * Ends the run with the signal's reason, and cancels all tasks of the queue that have no outcome, those
   * that run and those that wait.
   */
  signal?: AbortSignal | undefined;
}

/** Options of a task, which come before those of its Job. */
export interface TaskOptions extends TrustOptions {
  /** Cancels the task, as its handle's `cancel` does. */
  signal?: AbortSignal | undefined;
}

/** Options of a task of the queue. */
export interface QueueTaskOptions extends TaskOptions {
  /**
   * Name by which a restarted run knows the task again. No two tasks of a job may have the same.
   * @default made from the module, the name and the arguments of the task
   */
  key?: string | undefined;
}

const TASK_TABLE = { ...TRUST_TABLE, signal: A_SIGNAL } as const;
const QUEUE_TASK_TABLE = { ...TASK_TABLE, key: A_STRING } as const;

/** Returns the signal among them. @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be */
export function check_task_options(
  method: string,
  options: TaskOptions | undefined,
): AbortSignal | undefined {
  if (options === undefined) return undefined;
  check_options(method, options, method === 'queue_task' ? QUEUE_TASK_TABLE : TASK_TABLE);
  return options.signal;
}

/** Returns whether outcomes are wanted. @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be */
export function check_run_options(method: string, options: RunOptions): boolean {
  check_options(method, options, { settle: A_BOOLEAN, signal: A_SIGNAL });
  return options.settle === true;
}
