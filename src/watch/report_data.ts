/** ReportData: what a report says of a run, gathered from its status file in one pass and in bounded memory. */
import { parse_line, type TaskLine } from '../journal/line.js';
import type { RecordedTask } from '../journal/recorded_task.js';
import { type EndLine, Replay } from '../journal/replay.js';
import { Histogram } from './histogram.js';
import { NameTable } from './name_table.js';

const SLOWEST = 25;
const FAILURES = 200;
/** Boxes of single tasks that the timeline draws; a run with more is drawn as shares of time. */
const MOST_BOXES = 4000;
const MOST_ROWS = 64;
const COLUMNS = 480;

export interface TaskEnd {
  index: number;
  name: string;
  slave: string;
  attempt: number;
  start: number;
  run_ms: number;
  has_failed: boolean;
}

interface TaskTrouble {
  index: number;
  name: string;
  slave: string | undefined;
  attempt: number;
  /** ms from the creation of the file. */
  at: number;
  kind: 'failed' | 'died' | 'cancelled';
  text: string;
  stack?: string | undefined;
}

interface SlaveRow {
  name: string;
  tasks: number;
  busy_ms: number;
  /** Share of each column of time in which it ran tasks, 0 to 1. */
  busy: Float32Array;
}

export interface ReportData {
  file: string;
  jobname: string;
  created: Date;
  program: Readonly<Record<string, string>>;
  is_finished: boolean;
  /** Of the tasks that the file names. */
  counts: Record<'queued' | 'assigned' | 'done' | 'failed' | 'cancelled', number>;
  /** The run had so many tasks, or more while it is not finished: the file names a task when it has run. */
  at_least: number;
  functions: readonly { name: string; times: Histogram }[];
  times: Histogram;
  /** Of the first start and the last end, ms from the creation of the file. */
  from: number;
  to: number;
  rows: readonly SlaveRow[];
  /** Slaves that have no row of their own. */
  further_slaves: number;
  boxes: readonly TaskEnd[];
  /** Time in which slaves ran tasks that returned or threw. */
  busy_ms: number;
  slave_count: number;
  slowest: readonly TaskEnd[];
  troubles: readonly TaskTrouble[];
  further_troubles: number;
  columns: number;
}

/** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the file cannot be read; undefined when it holds nothing */
export function read_report(
  file: string,
  on_notice: (text: string) => void = () => {},
): ReportData | undefined {
  const ends = new Ends();
  const replay = Replay.read(file, on_notice, (entry, line) => ends.set(entry, line));
  if (replay === undefined) return undefined;
  try {
    return gather(replay, ends);
  } finally {
    replay.close();
  }
}

function gather(replay: Replay, ends: Ends): ReportData {
  const counts = { queued: 0, assigned: 0, done: 0, failed: 0, cancelled: 0 };
  const times = new Histogram();
  const by_name = new Map<string, Histogram>();
  const slowest = new Slowest();
  const boxes: TaskEnd[] = [];
  const troubles = new Troubles(Date.parse(replay.header.created));
  let [from, to] = [Infinity, 0];
  let [entry, highest_index] = [-1, -1];
  for (const task of replay.tasks()) {
    entry++;
    const { index, name, state } = task;
    counts[state]++;
    if (index > highest_index) highest_index = index;
    troubles.look_at(task);
    if (state !== 'done' && state !== 'failed') {
      ends.forget(entry);
      continue;
    }
    const [start, run_ms] = [ends.start_of(entry), ends.time_of(entry)];
    if (start < from) from = start;
    if (start + run_ms > to) to = start + run_ms;
    if (boxes.length <= MOST_BOXES) boxes.push(ends.task_end(entry, task));
    if (state === 'failed') continue;
    times.add(run_ms);
    let own = by_name.get(name);
    if (own === undefined) by_name.set(name, (own = new Histogram()));
    own.add(run_ms);
    if (run_ms > slowest.least) slowest.add(ends.task_end(entry, task));
  }
  if (from === Infinity) from = 0;
  const rows = slave_rows(ends, replay.size, { from, to });
  rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return {
    file: replay.file,
    jobname: replay.header.jobname,
    created: new Date(replay.header.created),
    program: replay.header.program,
    is_finished: replay.is_finished,
    counts,
    at_least: replay.is_finished ? replay.size : Math.max(replay.size, highest_index + 1),
    functions: [...by_name].map(([name, own]) => ({ name, times: own })),
    times,
    from,
    to,
    rows: rows.slice(0, MOST_ROWS),
    further_slaves: Math.max(0, rows.length - MOST_ROWS),
    boxes: boxes.length > MOST_BOXES ? [] : boxes,
    busy_ms: rows.reduce((sum, { busy_ms }) => sum + busy_ms, 0),
    slave_count: rows.length,
    slowest: slowest.sorted(),
    troubles: troubles.told,
    further_troubles: troubles.count - troubles.told.length,
    columns: COLUMNS,
  };
}

/** When and where tasks ended, by their places in the file: noted while it is read, so that it is read once. */
class Ends {
  readonly slaves = new NameTable(2 ** 20);
  readonly #slave = new Column();
  readonly #at = new Column();
  readonly #run_ms = new Column();
  readonly #attempt = new Column();

  set(entry: number, { slave = '', at, run_ms = 0, attempt = 1 }: EndLine): void {
    this.#slave.set(entry, this.slaves.number_of(slave));
    this.#at.set(entry, at);
    this.#run_ms.set(entry, run_ms);
    this.#attempt.set(entry, attempt);
  }

  /** The task has no end that counts. */
  forget(entry: number): void {
    this.#run_ms.set(entry, Number.NaN);
  }

  has(entry: number): boolean {
    return !Number.isNaN(this.time_of(entry));
  }

  slave_of(entry: number): number {
    return this.#slave.at(entry);
  }

  start_of(entry: number): number {
    return this.#at.at(entry) - this.#run_ms.at(entry);
  }

  time_of(entry: number): number {
    return this.#run_ms.at(entry);
  }

  task_end(entry: number, { index, name, state }: RecordedTask): TaskEnd {
    const [start, run_ms, attempt] = [this.start_of(entry), this.time_of(entry), this.#attempt.at(entry)];
    const slave = this.slaves.name_of(this.slave_of(entry));
    return { index, name, slave, attempt, start, run_ms, has_failed: state === 'failed' };
  }
}

/** What went wrong with tasks: the first of it in full, and how much there was. */
class Troubles {
  readonly told: TaskTrouble[] = [];
  count = 0;
  readonly #created: number;

  constructor(created: number) {
    this.#created = created;
  }

  look_at(task: RecordedTask): void {
    const { index, name, state } = task;
    for (const { slave, attempt, at, reason } of task.dead_runs())
      this.#tell({ index, name, slave, attempt, at: at - this.#created, kind: 'died', text: reason });
    if (state !== 'failed' && state !== 'cancelled') return;
    if (this.told.length >= FAILURES) {
      this.count++;
      return;
    }
    const last = parse_line(task.line_texts().at(-1) as string) as TaskLine;
    const { slave, attempt = 1, at, reason = '', error } = last;
    const text = error === undefined ? reason : `${error.name}: ${error.message}`;
    this.#tell({ index, name, slave, attempt, at, kind: state, text, stack: error?.stack });
  }

  #tell(trouble: TaskTrouble): void {
    this.count++;
    if (this.told.length < FAILURES) this.told.push(trouble);
  }
}

/** The tasks that took longest. */
class Slowest {
  readonly #tasks: TaskEnd[] = [];
  /** What a task must exceed to be one of them, ms. */
  least = -1;

  add(end: TaskEnd): void {
    const tasks = this.#tasks;
    if (tasks.length < SLOWEST) tasks.push(end);
    else tasks[tasks.findIndex(({ run_ms }) => run_ms === this.least)] = end;
    if (tasks.length === SLOWEST) this.least = Math.min(...tasks.map(({ run_ms }) => run_ms));
  }

  sorted(): TaskEnd[] {
    return this.#tasks.sort((a, b) => b.run_ms - a.run_ms);
  }
}

function slave_rows(ends: Ends, size: number, { from, to }: { from: number; to: number }): SlaveRow[] {
  const width = Math.max(1e-9, to - from) / COLUMNS;
  const rows = ends.slaves.names.map((name) => ({
    name,
    tasks: 0,
    busy_ms: 0,
    busy: new Float32Array(COLUMNS),
  }));
  for (let entry = 0; entry < size; entry++) {
    if (!ends.has(entry)) continue;
    const row = rows[ends.slave_of(entry)] as SlaveRow;
    const [start, time] = [ends.start_of(entry), ends.time_of(entry)];
    row.tasks++;
    row.busy_ms += time;
    const last = Math.min(COLUMNS - 1, Math.floor((start + time - from) / width));
    for (let column = Math.max(0, Math.floor((start - from) / width)); column <= last; column++) {
      const left = Math.max(start, from + column * width);
      const right = Math.min(start + time, from + (column + 1) * width);
      row.busy[column] = Math.min(1, (row.busy[column] as number) + Math.max(0, right - left) / width);
    }
  }
  // one that was named by lines that do not count, or by none
  return rows.filter(({ name, tasks }) => tasks > 0 && name !== '');
}

/** Numbers, of which there may be millions. */
class Column {
  #values = new Float64Array(1024);

  set(i: number, value: number): void {
    if (i >= this.#values.length) {
      const larger = new Float64Array(2 ** Math.ceil(Math.log2(i + 1)));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[i] = value;
  }

  at(i: number): number {
    return this.#values[i] as number;
  }
}
