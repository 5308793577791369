/**
 * The record of a run: what becomes of each task of the queue, told to the journal, and what an earlier run
 * of the program has left there. It knows values and tasks; how a status file is written is the journal's.
 */
import { hostname } from 'node:os';
import type { DeadAttempt } from '../errors.js';
import { Journal } from '../journal/journal.js';
import { is_json_exact } from '../journal/json_exact.js';
import type { StoredValue, TaskIdentity } from '../journal/record.js';
import type { RecordedTask } from '../journal/recorded_task.js';
import { function_name, KeyCounter, task_key } from '../journal/task_key.js';
import type { Progress } from '../task.js';
import { AttachmentCursor } from '../wire/restore.js';
import { decode_value, encode_value, type Form, unpack } from '../wire/value.js';
import type { TaskDefinition } from './definitions.js';
import type { JobTask } from './queued_task.js';

/** `encoding` of values that JSON does not keep: msgpack in the form that follows the colon. */
const MSGPACK = 'msgpack:';

export interface RunRecordOptions {
  file: string;
  jobname: string;
  /** Path of the main script. */
  main_script: string;
  /** Go on with the file that is there. */
  restart: boolean;
  fsync: 'always' | 'interval' | 'never';
  on_notice: (text: string) => void;
}

/** What an earlier run has left of a task. */
export interface Recalled {
  /** The slave that had it when the master died, with its place in that run. */
  held_by: { slave: string; index: number; attempt: number } | undefined;
  /** The result, read when it is asked for; undefined when it was lost after all. */
  load: (() => { value: unknown } | undefined) | undefined;
  /** Deaths of slaves for which it was blamed. */
  deaths: number;
  /** Number of its last run. */
  attempt: number;
  checkpoint: unknown;
}

export class RunRecord {
  readonly #journal: Journal;
  readonly #keys = new KeyCounter();
  /** Attempts that were recorded as begun. */
  readonly #assigned = new Map<JobTask, number>();

  /** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
  constructor({ file, jobname, main_script, restart, fsync, on_notice }: RunRecordOptions) {
    const options = { file, jobname, program: { main_script }, fsync, on_notice };
    this.#journal = restart ? Journal.open(options) : Journal.create(options);
    this.#journal.append({ kind: 'facts', facts: { pid: process.pid, host: hostname() } });
  }

  /** What an earlier master has recorded of itself; undefined when there was none. */
  get former_facts(): ReadonlyMap<string, unknown> | undefined {
    return this.#journal.replay?.facts;
  }

  /** What a later master may want to know of this one. */
  note(facts: Readonly<Record<string, unknown>>): void {
    this.#journal.append({ kind: 'facts', facts });
  }

  get file(): string {
    return this.#journal.file;
  }

  /** Refuses the file when it is of another program. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
  check_functions(tasks: readonly JobTask[]): void {
    if (tasks.length > 0) this.#journal.check_functions(new Set(tasks.map(name_of)));
  }

  /** Gives `task` its key, and says what is known of it. */
  recall(task: JobTask): Recalled | undefined {
    task.key = this.#keys.next(task.key ?? key_of(task));
    const recorded = this.#journal.replay?.get(task.key);
    if (recorded === undefined) return undefined;
    if (recorded.state === 'done')
      return {
        load: () => result_of(recorded),
        held_by: undefined,
        deaths: 0,
        attempt: 0,
        checkpoint: undefined,
      };
    const has_ended = recorded.state === 'failed' || recorded.state === 'cancelled';
    if (has_ended) this.#journal.append({ kind: 'queued', task: identity(task) });
    const dead_runs = recorded.dead_runs();
    const checkpoint = recorded.checkpoint();
    const assigned = recorded.state === 'assigned' ? recorded.assigned() : undefined;
    return {
      held_by:
        assigned === undefined
          ? undefined
          : { slave: assigned.slave, index: recorded.index, attempt: assigned.attempt },
      load: undefined,
      deaths: has_ended ? 0 : dead_runs.filter(({ charged }) => charged).length,
      attempt: Math.max(assigned?.attempt ?? 0, dead_runs.at(-1)?.attempt ?? 0),
      checkpoint: checkpoint === undefined ? undefined : decoded(checkpoint),
    };
  }

  /** A slave has been running it for a while. */
  assigned(task: JobTask, slave: string): void {
    if (this.#assigned.get(task) === task.attempt) return;
    this.#assigned.set(task, task.attempt);
    this.#journal.append({ kind: 'assigned', task: identity(task), attempt: task.attempt, slave });
  }

  done(task: JobTask, slave: string, run_ms: number, value: unknown): void {
    this.#assigned.delete(task);
    const { attempt } = task;
    this.#journal.append({
      kind: 'done',
      task: identity(task),
      attempt,
      slave,
      run_ms,
      value: stored(value),
    });
  }

  failed(task: JobTask, slave: string, error: Error): void {
    this.#assigned.delete(task);
    const { name, message, stack } = error;
    const { attempt } = task;
    this.#journal.append({
      kind: 'failed',
      task: identity(task),
      attempt,
      slave,
      error: { name, message, stack },
    });
  }

  died(task: JobTask, attempt: number, death: DeadAttempt): void {
    const { slave, why, reason, exit_code, signal, log_file } = death;
    const charged = why === 'died' || why === 'too_large';
    const facts = { attempt, slave, reason, charged, exit_code, signal, log_file };
    this.#journal.append({ kind: 'died', task: identity(task), ...facts });
  }

  cancelled(task: JobTask, error: unknown): void {
    this.#assigned.delete(task);
    const reason = error instanceof Error ? error.message : undefined;
    this.#journal.append({ kind: 'cancelled', task: identity(task), reason });
  }

  progress(task: JobTask, { done, total, note }: Progress): void {
    this.#journal.append({ kind: 'progress', task: identity(task), done, total, note });
  }

  checkpoint(task: JobTask, value: unknown): void {
    this.#journal.append({ kind: 'checkpoint', task: identity(task), value: stored(value) });
  }

  /** No task is left that waits or runs. */
  finished(): void {
    this.#journal.append({ kind: 'finished' });
  }

  /** Writes what was told since. Safe to call again after a failure. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
  commit(): void {
    if (this.#journal.waiting > 0) this.#journal.commit();
  }

  close(): void {
    this.#journal.close();
  }
}

const names = new WeakMap<TaskDefinition, string>();

function identity(task: JobTask): TaskIdentity {
  return { index: task.index as number, key: task.key as string, name: name_of(task) };
}

function name_of({ definition }: JobTask): string {
  let name = names.get(definition);
  if (name === undefined) {
    name = function_name(definition.module, definition.export_name);
    names.set(definition, name);
  }
  return name;
}

/** By what the task runs and with what arguments. */
function key_of({ definition, payload }: JobTask): string {
  if (payload === undefined) throw new Error('a task whose arguments are gone cannot be recorded');
  const { form, bytes, start, end, attachments = [] } = payload;
  const pieces = [Buffer.of(form), bytes.subarray(start, end), ...attachments];
  return task_key(definition.module, definition.export_name, pieces);
}

function stored(value: unknown): StoredValue {
  if (is_json_exact(value)) return { json: value };
  const { form, bytes, start, end, attachments = [] } = encode_value(value, 'result');
  // copied, since the next encode overwrites it and the record is written later
  return { encoding: `${MSGPACK}${form}`, bytes: [Buffer.from(bytes.subarray(start, end)), ...attachments] };
}

function decoded(value: StoredValue): unknown {
  if ('json' in value) return value.json;
  const [body = Buffer.alloc(0), ...attachments] = value.bytes;
  const form = Number(value.encoding.slice(MSGPACK.length)) as Form;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return decode_value(form, unpack(bytes, 0, bytes.length), new AttachmentCursor(attachments));
}

function result_of(recorded: RecordedTask): { value: unknown } | undefined {
  const outcome = recorded.outcome();
  return outcome?.state === 'done' ? { value: decoded(outcome.value) } : undefined;
}
