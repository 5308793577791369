/** A task as a status file has it. What is more than a few words is read from the file when it is asked for. */

import { StatusFileError } from '../errors.js';
import { parse_line, type TaskLine } from './line.js';
import type { LineFile, Place } from './line_file.js';
import type { DeadRun, ErrorText, StoredValue, TaskState } from './record.js';
import type { SideFolder } from './side_folder.js';
import { stored_value } from './stored_value.js';

/** Where it is read from. */
export interface TaskSource {
  lines: LineFile;
  folder: SideFolder;
  /** When the file was made, ms since 1970. */
  created: number;
  on_notice: (text: string) => void;
}

/** Where the lines of a task stand but for the one that ended it. */
export interface History {
  died: Place[];
  queued?: Place | undefined;
  assigned?: Place | undefined;
  progress?: Place | undefined;
  checkpoint?: Place | undefined;
  checkpoint_file?: string | undefined;
}

/** The end of a task. `at` is ms since 1970, as all times here. */
export type RecordedOutcome =
  | { state: 'done'; at: number; attempt: number; slave: string; run_ms: number; value: StoredValue }
  | {
      state: 'failed';
      at: number;
      attempt: number;
      slave: string | undefined;
      run_ms: number | undefined;
      error: ErrorText;
      /** What the master had given beside the text; undefined also when its file is lost. */
      value: StoredValue | undefined;
    }
  | { state: 'cancelled'; at: number; reason: string | undefined };

/** Everything here but key, index, name and state is read from the file. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
export class RecordedTask {
  readonly key: string;
  /** Place in the order of queue_task, in the run that last said it. */
  readonly index: number;
  /** What it runs: `needle.js#align`. */
  readonly name: string;
  readonly state: TaskState;
  readonly #source: TaskSource;
  readonly #ended: Place | undefined;
  readonly #history: History | undefined;

  constructor(
    source: TaskSource,
    facts: {
      key: string;
      index: number;
      name: string;
      state: TaskState;
      ended: Place | undefined;
      history: History | undefined;
    },
  ) {
    this.key = facts.key;
    this.index = facts.index;
    this.name = facts.name;
    this.state = facts.state;
    this.#source = source;
    this.#ended = facts.ended;
    this.#history = facts.history;
  }

  /** Its runs that ended with their slaves, in their order. The one that ended the task is in its outcome. */
  dead_runs(): (DeadRun & { at: number; charged: boolean })[] {
    return (this.#history?.died ?? []).map((place) => {
      const {
        slave = '',
        attempt = 1,
        at,
        reason = '',
        charged = true,
        exit_code,
        signal,
        log_file,
      } = this.#line(place);
      return { attempt, slave, at: this.#source.created + at, reason, charged, exit_code, signal, log_file };
    });
  }

  /** The run that was going on. */
  assigned(): { attempt: number; slave: string; at: number } | undefined {
    const line = this.#maybe_line(this.#history?.assigned);
    if (line === undefined) return undefined;
    return { attempt: line.attempt ?? 1, slave: line.slave ?? '', at: this.#source.created + line.at };
  }

  /** How far it last said it was, while it has not ended. */
  progress(): { done: number; total: number | undefined; note: string | undefined; at: number } | undefined {
    const line = this.#maybe_line(this.#history?.progress);
    if (line === undefined) return undefined;
    return { done: line.done ?? 0, total: line.total, note: line.note, at: this.#source.created + line.at };
  }

  /** Its last checkpoint, while it has not ended; undefined, with a notice, when the file of it is lost. */
  checkpoint(): StoredValue | undefined {
    const line = this.#maybe_line(this.#history?.checkpoint);
    return line === undefined
      ? undefined
      : this.#value(line, 'the checkpoint', 'it starts from the beginning');
  }

  /** How it ended; undefined when it has not, or, with a notice, when its result is lost: then run it again. */
  outcome(): RecordedOutcome | undefined {
    const line = this.#maybe_line(this.#ended);
    if (line === undefined) return undefined;
    const at = this.#source.created + line.at;
    const { kind, attempt = 1, slave, run_ms, error } = line;
    switch (kind) {
      case 'done': {
        const value = this.#value(line, 'the result', 'it will be run again');
        if (value === undefined) return undefined;
        return { state: kind, at, attempt, slave: slave ?? '', run_ms: run_ms ?? 0, value };
      }
      case 'failed': {
        const has_value = line.value !== undefined || line.stored !== undefined;
        const value = has_value ? this.#value(line, 'the error', 'only its text is known') : undefined;
        return {
          state: kind,
          at,
          attempt,
          slave,
          run_ms,
          error: error ?? { name: 'Error', message: '' },
          value,
        };
      }
      case 'cancelled':
        return { state: kind, at, reason: line.reason };
      default:
        return undefined;
    }
  }

  /** The lines of the file that count, as they stand there, in an order that says the same. */
  line_texts(): string[] {
    const { died = [], assigned, progress, checkpoint } = this.#history ?? {};
    const places = [...died, assigned, progress, checkpoint, this.#ended];
    return places.filter((place) => place !== undefined).map((place) => this.#source.lines.text_at(place));
  }

  #value(line: TaskLine, what: string, consequence: string): StoredValue | undefined {
    const value = stored_value(line, this.#source.folder);
    if (typeof value !== 'string') return value;
    this.#source.on_notice(`${what} of task ${this.index} is lost, ${consequence}: ${value}`);
    return undefined;
  }

  #maybe_line(place: Place | undefined): TaskLine | undefined {
    return place === undefined ? undefined : this.#line(place);
  }

  #line(place: Place): TaskLine {
    const { lines } = this.#source;
    try {
      return parse_line(lines.text_at(place)) as TaskLine;
    } catch (error) {
      if (error instanceof StatusFileError) throw error;
      const text = `${lines.file} was changed while it was read: ${(error as Error).message}`;
      throw new StatusFileError(text, { file: lines.file, problem: 'damaged' }, { cause: error });
    }
  }
}
