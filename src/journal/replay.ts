/**
 * Replay: what a status file says, read back. It is an index of the file: for each task where its lines stand,
 * so that a million results do not have to be held in memory; recorded_task.ts reads them when they are asked for.
 *
 *     key ─▶ entry ─▶ state, index, function, place of the line that ended it        (columns of numbers)
 *                └──▶ places of its deaths, its progress, its checkpoint              (of few tasks, in a map)
 */

import { StatusFileError } from '../errors.js';
import type { ProgramSummary } from './difference.js';
import { parse_done } from './done_text.js';
import { type HeaderLine, is_torn_header, read_header } from './header.js';
import { type Line, MAX_LINE_BYTES, parse_line, type StoredLine, type TaskLine } from './line.js';
import { LineFile, type Place } from './line_file.js';
import { type History, RecordedTask, type TaskSource } from './recorded_task.js';
import { SideFolder } from './side_folder.js';
import { type EndState, is_ended, TaskTable } from './task_table.js';

/** What the file so far cost of a task that goes on, for who writes its next lines. */
export interface Recalled {
  /** Bytes that its next checkpoint, progress, and end make useless. */
  checkpoint: number;
  progress: number;
  rest: number;
  checkpoint_file: string | undefined;
}

/** A line that ends a task. */
export type EndLine = TaskLine & { kind: EndState };

/** Hears of a line that ends a task while the file is read; the last one of a task counts. `entry` is its place in tasks(). */
type HearEnd = (entry: number, line: EndLine) => void;

export class Replay {
  readonly file: string;
  readonly header: HeaderLine;
  readonly folder: SideFolder;
  /** Facts of the last master that told them. */
  readonly facts = new Map<string, unknown>();
  /** What the tasks run, by their number in the file. */
  readonly functions: string[] = [];
  /** Length of the file without a last line that was cut off. */
  readonly good_bytes: number;
  /** Length of that line. */
  readonly torn_bytes: number;
  #garbage_bytes = 0;
  #is_finished = false;
  readonly #source: TaskSource;
  readonly #tasks = new TaskTable();
  /** Unfinished tasks by index, as lines without a key name them. */
  readonly #bound = new Map<number, number>();
  readonly #histories = new Map<number, History>();
  readonly #sides = new Map<number, StoredLine>();
  readonly #on_end: HearEnd | undefined;

  /**
   * Reads a status file. Undefined when it was cut off within its header, and so holds nothing.
   * @param on_notice is told of results that are lost
   * @param on_end saves reading the file again what would ask outcome() of every task. Values that it gets may be left out
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be read, is none, is of a newer format, or
   * has a damaged line other than one that was cut off at the end
   */
  static read(
    file: string,
    on_notice: (text: string) => void = () => {},
    on_end?: HearEnd,
  ): Replay | undefined {
    const lines = new LineFile(file, MAX_LINE_BYTES);
    try {
      return is_torn_header(lines) ? undefined : new Replay(lines, on_notice, on_end);
    } catch (error) {
      lines.close();
      if (error instanceof StatusFileError) throw error;
      const text = `${file} cannot be used: ${(error as Error).message}`;
      throw new StatusFileError(text, { file, problem: 'damaged' }, { cause: error });
    }
  }

  private constructor(lines: LineFile, on_notice: (text: string) => void, on_end: HearEnd | undefined) {
    this.file = lines.file;
    this.#on_end = on_end;
    let header: HeaderLine | undefined;
    this.good_bytes = lines.for_each((text, place, number) => {
      if (header === undefined) header = read_header(lines.file, text);
      else this.#take(text, place, number);
    });
    if (header === undefined) header = read_header(lines.file, '');
    this.torn_bytes = lines.size - this.good_bytes;
    this.header = header;
    this.folder = new SideFolder(lines.file, header.folder);
    this.#source = { lines, folder: this.folder, created: Date.parse(header.created), on_notice };
    this.#check_side_files(on_notice);
  }

  /** Bytes of lines that later ones made useless. */
  get garbage_bytes(): number {
    return this.#garbage_bytes;
  }

  /** The run had come to its end: no task was left. */
  get is_finished(): boolean {
    return this.#is_finished;
  }

  /** How many tasks it knows. */
  get size(): number {
    return this.#tasks.size;
  }

  /** The program that has written it. */
  get summary(): ProgramSummary {
    const counts: number[] = this.functions.map(() => 0);
    for (let entry = 0; entry < this.size; entry++) {
      const fn = this.#tasks.fn_of(entry);
      counts[fn] = (counts[fn] ?? 0) + 1;
    }
    const functions = new Map<string, number>();
    for (const [fn, name] of this.functions.entries()) {
      const count = counts[fn] ?? 0;
      if (count > 0) functions.set(name, (functions.get(name) ?? 0) + count);
    }
    return { jobname: this.header.jobname, program: this.header.program, functions };
  }

  get(key: string): RecordedTask | undefined {
    const entry = this.#tasks.find(key);
    return entry === undefined ? undefined : this.#task(key, entry);
  }

  /** All tasks, in the order in which the file first names them. */
  *tasks(): IterableIterator<RecordedTask> {
    for (const [key, entry] of this.#tasks) yield this.#task(key, entry);
  }

  /** For compaction: all tasks with the numbers of their functions, in the order of tasks(). */
  *numbered_tasks(): IterableIterator<[task: RecordedTask, fn: number]> {
    for (const [key, entry] of this.#tasks) yield [this.#task(key, entry), this.#tasks.fn_of(entry)];
  }

  /** For the writer: what the file holds of a task that goes on. */
  recall(key: string): Recalled | undefined {
    const entry = this.#tasks.find(key);
    const history = entry === undefined ? undefined : this.#histories.get(entry);
    if (history === undefined) return undefined;
    return {
      checkpoint: bytes_of(history.checkpoint),
      progress: bytes_of(history.progress),
      rest: bytes_of(history.assigned) + bytes_of(history.queued),
      checkpoint_file: history.checkpoint_file,
    };
  }

  /** Lets go of the file. Tasks can then not be read any more. */
  close(): void {
    this.#source.lines.close();
  }

  #task(key: string, entry: number): RecordedTask {
    return new RecordedTask(this.#source, {
      key,
      index: this.#tasks.index_of(entry),
      name: this.functions[this.#tasks.fn_of(entry)] as string,
      state: this.#tasks.state_of(entry),
      ended: this.#tasks.end_of(entry),
      history: this.#histories.get(entry),
    });
  }

  #take(text: string, place: Place, number: number): void {
    try {
      this.#apply(parse_done(text) ?? parse_line(text), place);
    } catch (error) {
      throw new StatusFileError(
        `line ${number} of ${this.file} is damaged: ${(error as Error).message}. ` +
          'Nothing after it can be trusted: remove it and what follows it to go on from there, or move the file away to start anew',
        { file: this.file, problem: 'damaged', line: number },
        { cause: error },
      );
    }
  }

  #apply(line: Line, place: Place): void {
    this.#is_finished = line.kind === 'finished';
    switch (line.kind) {
      case 'function':
        if (line.fn !== this.functions.length)
          throw new Error(`its fn is ${line.fn}, the next is ${this.functions.length}`);
        this.functions.push(line.name);
        return;
      case 'facts':
        for (const [name, value] of Object.entries(line.facts)) this.facts.set(name, value);
        return;
      case 'opened':
      case 'finished':
        this.#garbage_bytes += bytes_of(place);
        return;
      default:
        this.#apply_task(line, this.#entry_of(line), place);
    }
  }

  /** The task that a line is about. */
  #entry_of({ kind, index, key, fn }: TaskLine): number {
    if (key === undefined || fn === undefined) {
      const bound = this.#bound.get(index);
      if (bound === undefined) throw new Error(`no line before it says what task ${index} is`);
      return bound;
    }
    if (fn >= this.functions.length) throw new Error(`its fn is ${fn}, which no line before it tells of`);
    const entry = this.#tasks.name(key, index, fn);
    // the line that ends a task is the last that its index stands for it
    if (!is_end(kind)) this.#bound.set(index, entry);
    return entry;
  }

  #apply_task(line: TaskLine, entry: number, place: Place): void {
    if (is_end(line.kind)) {
      this.#end(line as EndLine, entry, place);
      return;
    }
    const has_ended = is_ended(this.#tasks.state_of(entry));
    switch (line.kind) {
      case 'died': {
        const history = this.#history_of(entry);
        history.died.push(place);
        if (has_ended) return;
        this.#tasks.set_state(entry, 'queued');
        this.#replace(history, 'assigned', undefined);
        return;
      }
      case 'queued':
        this.#forget_end(entry);
        this.#tasks.set_state(entry, 'queued');
        this.#replace(this.#history_of(entry), 'queued', place);
        this.#replace(this.#history_of(entry), 'assigned', undefined);
        return;
      default:
        // late news of a task that has ended
        if (has_ended) {
          this.#garbage_bytes += bytes_of(place);
          return;
        }
        this.#replace(this.#history_of(entry), line.kind, place);
        if (line.kind === 'assigned') this.#tasks.set_state(entry, 'assigned');
        if (line.kind === 'checkpoint') this.#history_of(entry).checkpoint_file = line.stored?.file;
    }
  }

  #end(line: EndLine, entry: number, place: Place): void {
    // most tasks have this one line
    if (this.#bound.size > 0) this.#bound.delete(line.index);
    if (is_ended(this.#tasks.state_of(entry))) this.#forget_end(entry);
    const history = this.#histories.size > 0 ? this.#histories.get(entry) : undefined;
    if (history !== undefined) {
      for (const what of ['queued', 'assigned', 'progress', 'checkpoint'] as const) {
        this.#replace(history, what, undefined);
      }
      history.checkpoint_file = undefined;
      if (history.died.length === 0) this.#histories.delete(entry);
    }
    this.#tasks.end(entry, line.kind, place);
    if (line.kind === 'done' && line.stored?.file !== undefined) this.#sides.set(entry, line.stored);
    this.#on_end?.(entry, line);
  }

  #forget_end(entry: number): void {
    this.#garbage_bytes += bytes_of(this.#tasks.end_of(entry));
    this.#tasks.forget_end(entry);
    this.#sides.delete(entry);
  }

  #history_of(entry: number): History {
    let history = this.#histories.get(entry);
    if (history === undefined) {
      history = { died: [] };
      this.#histories.set(entry, history);
    }
    return history;
  }

  #replace(
    history: History,
    what: 'queued' | 'assigned' | 'progress' | 'checkpoint',
    place: Place | undefined,
  ): void {
    this.#garbage_bytes += bytes_of(history[what]);
    history[what] = place;
  }

  /** A result whose file is gone must be made again. */
  #check_side_files(on_notice: (text: string) => void): void {
    for (const [entry, stored] of this.#sides) {
      const problem = this.folder.problem_of(stored);
      if (problem === undefined) continue;
      this.#forget_end(entry);
      this.#tasks.set_state(entry, 'queued');
      on_notice(
        `the result of task ${this.#tasks.index_of(entry)} is lost, it will be run again: ${problem}`,
      );
    }
  }
}

function is_end(kind: TaskLine['kind']): kind is EndState {
  return kind === 'done' || kind === 'failed' || kind === 'cancelled';
}

/** With its newline. */
function bytes_of(place: Place | undefined): number {
  return place === undefined ? 0 : place.length + 1;
}
