/** ReportData: what a report says of a run, gathered from its status file in one pass and in bounded memory. */
import { type Line, parse_line, type TaskLine } from '../journal/line.js';
import { Replay } from '../journal/replay.js';
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
  stack: string | undefined;
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
  counts: Record<'queued' | 'assigned' | 'done' | 'failed' | 'cancelled', number>;
  functions: readonly { name: string; times: Histogram }[];
  times: Histogram;
  /** Of the first start and the last end, ms from the creation of the file. */
  from: number;
  to: number;
  rows: readonly SlaveRow[];
  /** Slaves that have no row of their own. */
  further_slaves: number;
  boxes: readonly TaskEnd[];
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
  const replay = Replay.read(file, on_notice);
  if (replay === undefined) return undefined;
  try {
    return gather(replay);
  } finally {
    replay.close();
  }
}

function gather(replay: Replay): ReportData {
  const counts = { queued: 0, assigned: 0, done: 0, failed: 0, cancelled: 0 };
  const slaves = new NameTable(2 ** 20);
  const times = new Histogram();
  const by_name = new Map<string, Histogram>();
  const slowest: TaskEnd[] = [];
  const troubles: TaskTrouble[] = [];
  let trouble_count = 0;
  let [from, to] = [Infinity, 0];
  const [slave_of, start_of, time_of] = [new Column(), new Column(), new Column()];
  const boxes: TaskEnd[] = [];
  const tell = (trouble: TaskTrouble) => {
    trouble_count++;
    if (troubles.length < FAILURES) troubles.push(trouble);
  };
  for (const task of replay.tasks()) {
    const { index, name, state } = task;
    counts[state]++;
    for (const line of lines_of(task.line_texts())) {
      const { kind, slave = '', attempt = 1, at, run_ms = 0, reason = '', error } = line;
      const about = { index, name, slave: slave === '' ? undefined : slave, attempt, at };
      if (kind === 'died') tell({ ...about, kind, text: reason, stack: undefined });
      if (kind === 'cancelled') tell({ ...about, kind, text: reason, stack: undefined });
      if (kind === 'failed')
        tell({ ...about, kind, text: `${error?.name}: ${error?.message}`, stack: error?.stack });
      if (kind === 'done' || kind === 'failed') {
        from = Math.min(from, at - run_ms);
        to = Math.max(to, at);
      }
      if (kind !== 'done') continue;
      times.add(run_ms);
      let own = by_name.get(name);
      if (own === undefined) by_name.set(name, (own = new Histogram()));
      own.add(run_ms);
      slave_of.push(slaves.number_of(slave));
      start_of.push(at - run_ms);
      time_of.push(run_ms);
      const end = { index, name, slave, attempt, start: at - run_ms, run_ms };
      if (boxes.length <= MOST_BOXES) boxes.push(end);
      keep_slowest(slowest, end);
    }
  }
  if (from === Infinity) from = 0;
  const rows = slave_rows(slaves, slave_of, start_of, time_of, { from, to });
  rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return {
    file: replay.file,
    jobname: replay.header.jobname,
    created: new Date(replay.header.created),
    program: replay.header.program,
    is_finished: replay.is_finished,
    counts,
    functions: [...by_name].map(([name, own]) => ({ name, times: own })),
    times,
    from,
    to,
    rows: rows.slice(0, MOST_ROWS),
    further_slaves: Math.max(0, rows.length - MOST_ROWS),
    boxes: boxes.length > MOST_BOXES ? [] : boxes,
    busy_ms: times.sum,
    slave_count: rows.length,
    slowest: slowest.sort((a, b) => b.run_ms - a.run_ms),
    troubles,
    further_troubles: trouble_count - troubles.length,
    columns: COLUMNS,
  };
}

function lines_of(texts: readonly string[]): TaskLine[] {
  return texts.map((text) => parse_line(text)).filter((line): line is Line & TaskLine => 'index' in line);
}

function keep_slowest(slowest: TaskEnd[], end: TaskEnd): void {
  if (slowest.length < SLOWEST) {
    slowest.push(end);
    return;
  }
  let least = 0;
  for (let i = 1; i < slowest.length; i++)
    if ((slowest[i] as TaskEnd).run_ms < (slowest[least] as TaskEnd).run_ms) least = i;
  if (end.run_ms > (slowest[least] as TaskEnd).run_ms) slowest[least] = end;
}

function slave_rows(
  slaves: NameTable,
  slave_of: Column,
  start_of: Column,
  time_of: Column,
  { from, to }: { from: number; to: number },
): SlaveRow[] {
  const width = Math.max(1e-9, to - from) / COLUMNS;
  const rows = slaves.names.map((name) => ({ name, tasks: 0, busy_ms: 0, busy: new Float32Array(COLUMNS) }));
  for (let i = 0; i < slave_of.length; i++) {
    const row = rows[slave_of.at(i)] as SlaveRow;
    const [start, time] = [start_of.at(i), time_of.at(i)];
    row.tasks++;
    row.busy_ms += time;
    const last = Math.min(COLUMNS - 1, Math.floor((start + time - from) / width));
    for (let column = Math.max(0, Math.floor((start - from) / width)); column <= last; column++) {
      const left = Math.max(start, from + column * width);
      const right = Math.min(start + time, from + (column + 1) * width);
      row.busy[column] = Math.min(1, (row.busy[column] as number) + Math.max(0, right - left) / width);
    }
  }
  return rows;
}

/** Numbers, of which there may be millions. */
class Column {
  #values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(i: number): number {
    return this.#values[i] as number;
  }
}
