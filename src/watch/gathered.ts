/**
 * Gathered: what a status file says of a run, taken in line by line, in bounded memory but for some bytes a task. It
 * reads no file.
 */
import { type DoneLine, key_hashes } from '../journal/done_line.js';
import type { HeaderLine } from '../journal/header.js';
import { parse_line, type TaskLine } from '../journal/line.js';
import { Histogram } from './histogram.js';
import { KeyTable } from './key_table.js';
import type { Failure } from './run_model.js';
import { Series } from './series.js';
import { Stories, type StoryEntry } from './stories.js';
import { DONE, FAILED, NO_SLAVE } from './task_feed.js';
import { TaskRing } from './task_ring.js';

const TASKS_KEPT = 2 ** 20;
const STORY_LIMIT = 32 * 2 ** 20;
const FAILURES_KEPT = 8;

/** A line is at least about so long, bytes: what tells how many tasks a file may have. */
const SHORT_LINE = 120;
const MOST_EXPECTED = 2 ** 21;

/** Where a task stands, as a small number. */
const STATES = ['unknown', 'queued', 'assigned', 'done', 'failed', 'cancelled'] as const;
type FileState = Exclude<(typeof STATES)[number], 'unknown'>;

/** A slave that the file names. */
export interface FileSlave {
  readonly slave_id: number;
  readonly name: string;
  done: number;
  failed: number;
  losses: number;
  busy_ms: number;
  first_start: number;
  last_end: number;
  running: { task: number; index: number; name: string; since: number } | undefined;
  error: string | undefined;
}

/** What was gathered from the file: made anew when another file has come in its place. */
export class Gathered {
  readonly header: HeaderLine;
  readonly created: number;
  readonly ring = new TaskRing(TASKS_KEPT);
  readonly stories = new Stories(STORY_LIMIT);
  readonly times = new Histogram();
  readonly throughput = new Series('rate', 0);
  readonly running = new Series('rate', 0);
  readonly names: string[] = [];
  readonly slaves: FileSlave[] = [];
  readonly #slave_of_name = new Map<string, FileSlave>();
  readonly failures: Failure[] = [];
  /** Of tasks by state, as its number. */
  readonly #counts = new Float64Array(STATES.length);
  readonly #keys: KeyTable;
  #states = new Uint8Array(4096);
  /** Tasks without an end by index, as lines without a key name them. */
  readonly #bound = new Map<number, number>();
  /** Their functions. */
  readonly #fns = new Map<number, number>();
  /** Slaves of tasks that run. */
  readonly #slave_of = new Map<number, FileSlave>();
  is_finished = false;
  died = 0;
  retried = 0;
  busy_ms = 0;
  first_start = Infinity;
  last_at = 0;
  #highest_index = -1;

  /** @param bytes of the file */
  constructor({ header, bytes }: { header: HeaderLine; bytes: number }) {
    this.header = header;
    this.#keys = new KeyTable(Math.min(MOST_EXPECTED, bytes / SHORT_LINE));
    this.created = Date.parse(header.created);
  }

  /** How many tasks have ended, those that were done anew each time. */
  get ended(): number {
    return this.ring.added;
  }

  get counts(): Record<FileState, number> {
    const [, queued = 0, assigned = 0, done = 0, failed = 0, cancelled = 0] = this.#counts;
    return { queued, assigned, done, failed, cancelled };
  }

  /** The run had so many tasks, or more: their indices count them in the order of queueing. */
  get at_least(): number {
    const { queued, assigned, done, failed, cancelled } = this.counts;
    return Math.max(this.#highest_index + 1, queued + assigned + done + failed + cancelled);
  }

  take_done(line: DoneLine): void {
    const { index, at, run_ms } = line;
    const task = line.has_key ? this.#numbered(line.key_hash, line.key_hash_2) : this.#bound.get(index);
    if (task === undefined) throw new Error(`no line before it says what task ${index} is`);
    if (index > this.#highest_index) this.#highest_index = index;
    const name = line.has_key ? line.fn : this.#fn_of(task);
    if (name >= this.names.length) throw new Error(`its fn is ${name}, which no line before it tells of`);
    this.#set_state(task, 'done');
    this.#forget(task, index);
    const slave = this.#slave(line.slave);
    slave.done++;
    this.times.add(run_ms);
    this.#note_end(slave, { index, name, attempt: line.attempt, outcome: DONE, at, run_ms });
    this.is_finished = false;
  }

  take_line(text: string): void {
    const line = parse_line(text);
    this.is_finished = line.kind === 'finished';
    if ('at' in line && line.at > this.last_at) this.last_at = line.at;
    switch (line.kind) {
      case 'function':
        if (line.fn !== this.names.length)
          throw new Error(`its fn is ${line.fn}, the next is ${this.names.length}`);
        this.names.push(line.name);
        return;
      case 'facts':
      case 'finished':
        return;
      case 'opened':
        // the tasks that another master had given out are lost
        for (const [task, slave] of [...this.#slave_of]) {
          this.#set_state(task, 'queued');
          slave.running = undefined;
        }
        this.#slave_of.clear();
        return;
      default:
        this.#take_task(line);
    }
  }

  #take_task(line: TaskLine): void {
    const { kind, index, at, attempt = 1, key, fn, run_ms = 0, error, reason } = line;
    let task = this.#bound.get(index);
    if (key !== undefined && fn !== undefined) {
      if (fn >= this.names.length) throw new Error(`its fn is ${fn}, which no line before it tells of`);
      task = this.#numbered(...key_hashes(key));
      this.#bound.set(index, task);
      this.#fns.set(task, fn);
    }
    if (task === undefined) throw new Error(`no line before it says what task ${index} is`);
    if (index > this.#highest_index) this.#highest_index = index;
    const slave = line.slave === undefined ? undefined : this.#slave(line.slave);
    const name = this.#fn_of(task);
    const tell = (entry: Pick<StoryEntry, 'kind' | 'text'> & Partial<StoryEntry>) =>
      this.stories.add(index, { at, attempt, slave: slave?.name, ...entry });
    const fail = (what: Failure['kind'], text: string) =>
      this.#fail({
        at,
        kind: what,
        index,
        name: this.names[name],
        slave: slave?.name ?? '',
        text,
        why: undefined,
      });
    switch (kind) {
      case 'done':
      case 'failed':
        this.#set_state(task, kind);
        this.#forget(task, index);
        if (kind === 'done') this.times.add(run_ms);
        if (slave !== undefined) slave[kind]++;
        if (kind === 'failed') {
          const text = error === undefined ? '' : `${error.name}: ${error.message}`;
          fail('task_failed', text);
          tell({ kind: 'task_failed', text, stack: error?.stack });
        }
        this.#note_end(slave, { index, name, attempt, outcome: kind === 'done' ? DONE : FAILED, at, run_ms });
        return;
      case 'cancelled':
        this.#set_state(task, kind);
        this.#forget(task, index);
        tell({ kind: 'task_cancelled', text: reason ?? 'it was cancelled' });
        return;
      case 'died':
        this.#set_state(task, 'queued');
        this.#unassign(task);
        this.died++;
        this.retried++;
        if (slave !== undefined) {
          slave.losses++;
          slave.error = reason;
        }
        fail('slave_lost', reason ?? '');
        tell({ kind: 'task_died', text: reason ?? '' });
        return;
      case 'queued':
        this.#set_state(task, 'queued');
        this.#unassign(task);
        return;
      case 'assigned':
        this.#set_state(task, 'assigned');
        this.#unassign(task);
        if (slave === undefined) return;
        this.#slave_of.set(task, slave);
        slave.running = { task, index, name: this.names[name] as string, since: at };
        slave.first_start = Math.min(slave.first_start, at);
        return;
      case 'progress':
        tell({
          kind: 'task_progress',
          text: `${line.done}${line.total === undefined ? '' : ` of ${line.total}`}${line.note === undefined ? '' : `, ${line.note}`}`,
        });
        return;
      case 'checkpoint':
        tell({ kind: 'task_checkpoint', text: JSON.stringify(line.value)?.slice(0, 400) ?? 'a large value' });
    }
  }

  #fn_of(task: number): number {
    return this.#fns.get(task) ?? 0;
  }

  #numbered(hash: number, hash_2: number): number {
    const task = this.#keys.number_of(hash, hash_2);
    if (task >= this.#states.length) {
      const larger = new Uint8Array(this.#states.length * 4);
      larger.set(this.#states);
      this.#states = larger;
    }
    return task;
  }

  #set_state(task: number, state: FileState): void {
    const number = STATES.indexOf(state);
    const before = this.#states[task] as number;
    this.#states[task] = number;
    this.#counts[before] = (this.#counts[before] as number) - 1;
    this.#counts[number] = (this.#counts[number] as number) + 1;
  }

  /** What was kept of it until its end. */
  #forget(task: number, index: number): void {
    if (this.#bound.size > 0) this.#bound.delete(index);
    if (this.#fns.size > 0) this.#fns.delete(task);
    this.#unassign(task);
  }

  #unassign(task: number): void {
    if (this.#slave_of.size === 0) return;
    const slave = this.#slave_of.get(task);
    if (slave === undefined) return;
    this.#slave_of.delete(task);
    if (slave.running?.task === task) slave.running = undefined;
  }

  #slave(name: string): FileSlave {
    let slave = this.#slave_of_name.get(name);
    if (slave === undefined) {
      slave = {
        slave_id: this.slaves.length,
        name,
        done: 0,
        failed: 0,
        losses: 0,
        busy_ms: 0,
        first_start: Infinity,
        last_end: 0,
        running: undefined,
        error: undefined,
      };
      this.slaves.push(slave);
      this.#slave_of_name.set(name, slave);
    }
    return slave;
  }

  #note_end(
    slave: FileSlave | undefined,
    end: { index: number; name: number; attempt: number; outcome: number; at: number; run_ms: number },
  ): void {
    const { index, name, attempt, outcome, at, run_ms } = end;
    const start = at - run_ms;
    if (at > this.last_at) this.last_at = at;
    if (start < this.first_start) this.first_start = start;
    this.busy_ms += run_ms;
    if (slave !== undefined) {
      slave.busy_ms += run_ms;
      if (start < slave.first_start) slave.first_start = start;
      if (at > slave.last_end) slave.last_end = at;
    }
    this.throughput.add(at, 1);
    this.running.add_span(start, at);
    this.ring.put(index, name, slave?.slave_id ?? NO_SLAVE, attempt, outcome, start, run_ms);
  }

  #fail(failure: Failure): void {
    this.failures.push(failure);
    if (this.failures.length > FAILURES_KEPT) this.failures.shift();
  }
}
