/**
 * Records: what a master tells its journal. The words are those of the scheduler and of the events of a Job;
 * line.ts has what of it stands in the file, and how.
 */

/** A value that is kept in the file. */
export type StoredValue =
  /** One for which is_json_exact holds, or undefined. */
  | { readonly json: unknown }
  /** Any other, encoded by the caller, who knows by `encoding` how to decode it. */
  | { readonly encoding: string; readonly bytes: readonly Uint8Array[] };

/** Where a task stands: the words of the scheduler. */
export type TaskState = 'queued' | 'assigned' | 'done' | 'failed' | 'cancelled';

/** A task, in what the master tells the journal. */
export interface TaskIdentity {
  /** Place in the order of queue_task in the present run, from 0, below 2^32. */
  readonly index: number;
  /** By what it is recognised in the next run: task_key(...), through a KeyCounter. */
  readonly key: string;
  /** What it runs: function_name(...). */
  readonly name: string;
}

/** What was thrown, for people; `value` of its record may hold it whole. */
export interface ErrorText {
  name: string;
  message: string;
  stack?: string | undefined;
}

/** A run of a task that ended with its slave. */
export interface DeadRun {
  attempt: number;
  slave: string;
  /** In words: `was ended by SIGKILL`. */
  reason: string;
  /** False when the task was not to blame: the node was lost, the batch system ended the slave. @default true */
  charged?: boolean | undefined;
  exit_code?: number | undefined;
  signal?: string | undefined;
  log_file?: string | undefined;
}

/** What the master tells the journal. Times are those of the telling. */
export type JournalRecord =
  /** A task that had ended waits again. Not needed for one that is queued for the first time. */
  | { kind: 'queued'; task: TaskIdentity }
  /** A slave runs it. Not needed for one that soon ends: `done` says all. */
  | { kind: 'assigned'; task: TaskIdentity; attempt: number; slave: string }
  | {
      kind: 'progress';
      task: TaskIdentity;
      done: number;
      total?: number | undefined;
      note?: string | undefined;
    }
  | { kind: 'checkpoint'; task: TaskIdentity; value: StoredValue }
  | ({ kind: 'died'; task: TaskIdentity } & DeadRun)
  /** `run_ms` is the time on the slave. */
  | { kind: 'done'; task: TaskIdentity; attempt: number; slave: string; run_ms: number; value: StoredValue }
  | {
      kind: 'failed';
      task: TaskIdentity;
      attempt: number;
      slave?: string | undefined;
      run_ms?: number | undefined;
      error: ErrorText;
      value?: StoredValue | undefined;
    }
  | { kind: 'cancelled'; task: TaskIdentity; reason?: string | undefined }
  /** What a later master may want to know of this one, such as its port: the last of each name counts. */
  | { kind: 'facts'; facts: Readonly<Record<string, unknown>> }
  /** No task is left that waits or runs. */
  | { kind: 'finished' };
