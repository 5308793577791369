/**
 * FileRun: a run as its status file tells it, read as it grows. Another master may write the file meanwhile; here it
 * is only looked at.
 *
 *     file ─▶ FileTail ─▶ DoneLine, or text ─▶ Gathered: states of tasks, ring, series, slaves
 *
 * Until its last line is `finished`, the file does not say how many tasks were queued: what waits for its first run is
 * not known, only how many there are at least.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import { DoneLine } from '../journal/done_line.js';
import { type HeaderLine, read_header } from '../journal/header.js';
import { MAX_LINE_BYTES } from '../journal/line.js';
import { LineFile } from '../journal/line_file.js';
import { STALE_AFTER } from '../journal/lock.js';
import { is_running, parse_owner } from '../journal/owner.js';
import { FileTail } from './file_tail.js';
import { plural } from './format.js';
import { type FileSlave, Gathered } from './gathered.js';
import { Rate } from './rate.js';
import type { RunSeries, RunView } from './run_view.js';
import type { SlaveRow, Snapshot, Standing } from './snapshot.js';
import type { StoryEntry } from './stories.js';
import type { TaskRing } from './task_ring.js';

const LOOK_EVERY = 500;

export class FileRun implements RunView {
  readonly hands = undefined;
  readonly started_at = 0;
  readonly #tail: FileTail;
  readonly #timers: Clock;
  readonly #looks = new Set<() => void>();
  readonly #done_line = new DoneLine();
  #gathered: Gathered;
  #rate: Rate | undefined;
  #ticked = 0;
  #lines = 0;
  #is_master_there = false;
  /** Why the file is not read any further. */
  #problem: string | undefined;
  #is_damaged = false;
  #reading: Promise<void> | undefined;
  #cancel_look: (() => void) | undefined;
  #is_closed = false;

  /**
   * Opens a status file, and begins to read it.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be read, is none, or is of a newer format
   */
  static open(file: string, timers: Clock = SYSTEM_CLOCK): FileRun {
    return new FileRun(file, header_of(file), timers);
  }

  private constructor(file: string, begin: ReturnType<typeof header_of>, timers: Clock) {
    this.#tail = new FileTail(file, MAX_LINE_BYTES);
    this.#timers = timers;
    this.#gathered = new Gathered(begin);
    this.#look();
  }

  /** Resolves when all that the file holds by now was read. */
  async caught_up(): Promise<void> {
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    this.#cancel_look?.();
    await this.#reading;
    await this.#tail.close();
  }

  // ---- what it shows

  get jobname(): string {
    return this.#gathered.header.jobname;
  }

  /** Goes on from the creation of the file, and stands still where nothing happens any more. */
  readonly clock: Clock = {
    now: () => {
      const { created, last_at } = this.#gathered;
      return this.#standing() === 'running' ? Math.max(last_at, Date.now() - created) : last_at;
    },
    set_timer: (delay, fire) => this.#timers.set_timer(delay, fire),
  };

  get epoch(): number {
    return this.#gathered.created;
  }

  get ring(): TaskRing {
    return this.#gathered.ring;
  }

  get names(): readonly string[] {
    return this.#gathered.names;
  }

  get slave_names(): readonly string[] {
    return this.#gathered.slaves.map(({ name }) => name);
  }

  refresh(): void {}

  on_look(look: () => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  snapshot(most_slaves = Infinity): Snapshot {
    const gathered = this.#gathered;
    const { counts, times, busy_ms, first_start, slaves, died, retried, failures } = gathered;
    const now = this.clock.now();
    const standing = this.#standing();
    const is_finished = standing === 'finished';
    const elapsed = first_start === Infinity ? 0 : Math.max(0, now - first_start);
    const rows = slaves.map((slave) => this.#row_of(slave, now, standing));
    const states: Snapshot['overview']['states'] = {};
    for (const { state } of rows) states[state] = (states[state] ?? 0) + 1;
    const slave_ms = rows.reduce((sum, { connected_ms }) => sum + connected_ms, 0);
    const overall = elapsed > 0 ? (gathered.ended * 1000) / elapsed : 0;
    return {
      jobname: this.jobname,
      overview: {
        now,
        epoch: gathered.created,
        started_at: first_start === Infinity ? 0 : first_start,
        standing,
        counts: {
          queued: is_finished ? Object.values(counts).reduce((sum, count) => sum + count) : undefined,
          queued_at_least: gathered.at_least,
          waiting: is_finished ? 0 : undefined,
          assigned: counts.assigned,
          running: counts.assigned,
          done: counts.done,
          failed: counts.failed,
          cancelled: counts.cancelled,
          restored: 0,
          retried,
          is_open: !is_finished,
        },
        states,
        most_connected: slaves.length,
        failure_counts: { threw: counts.failed, died },
        benched_hosts: [],
        elapsed,
        rate: standing === 'running' && this.#rate !== undefined ? this.#rate.recent * 1000 : overall,
        speed_up: elapsed > 0 ? busy_ms / elapsed : 0,
        efficiency: slave_ms > 0 ? Math.min(1, busy_ms / slave_ms) : 0,
        times: {
          count: times.count,
          median: times.quantile(0.5),
          high: times.quantile(0.95),
          longest: times.longest,
        },
        failures,
        read: this.#reading === undefined ? undefined : this.#tail.read,
      },
      slaves: { total: rows.length, rows: rows.slice(0, most_slaves) },
    };
  }

  series(): RunSeries {
    const now = this.clock.now();
    const { throughput, running } = this.#gathered;
    return { throughput: throughput.points(now), running: running.points(now) };
  }

  story(index: number): readonly StoryEntry[] {
    return this.#gathered.stories.get(index);
  }

  /** It is named after its slave, and mostly stands beside the status file. */
  log_file(slave_id: number): string | undefined {
    const name = this.#gathered.slaves[slave_id]?.name;
    if (name === undefined || /[\\/]/.test(name)) return undefined;
    const file = join(dirname(this.#tail.file), name);
    return existsSync(file) ? file : undefined;
  }

  explain(): string {
    const { counts, header, at_least, is_finished } = this.#gathered;
    const { file } = this.#tail;
    const left = counts.queued + counts.assigned;
    const lines = [`This is what ${file} says of a run of ${header.jobname}, begun ${header.created}.`];
    if (!is_finished)
      lines.push(
        `Tasks that wait for their first run are not in it: the run has ${plural(at_least, 'task')} or more.`,
      );
    if (this.#problem !== undefined) lines.push(this.#problem);
    switch (this.#standing()) {
      case 'finished':
        lines.push('The run has come to its end: no task was left.');
        break;
      case 'running':
        lines.push(`The run goes on. ${counts.assigned} tasks run or were sent to slaves.`);
        break;
      default:
        lines.push(
          `No master has the file open, and the run has not come to its end; ${left} of the tasks in it have none. ` +
            'Start the program again with restart: true to go on.',
        );
    }
    return lines.join('\n');
  }

  metrics(): undefined {
    return undefined;
  }

  sections(): undefined {
    return undefined;
  }

  files(): undefined {
    return undefined;
  }

  section_log(): undefined {
    return undefined;
  }

  #standing(): Standing {
    if (this.#gathered.is_finished) return 'finished';
    return this.#is_master_there ? 'running' : 'broken_off';
  }

  #row_of(slave: FileSlave, now: number, standing: Standing): SlaveRow {
    const { slave_id, name, done, failed, losses, busy_ms, first_start, last_end, running, error } = slave;
    const goes_on = standing === 'running';
    return {
      slave_id,
      name,
      state: goes_on ? (running === undefined ? 'connected' : 'running_task') : 'stopped',
      host: '',
      is_connected: goes_on,
      done,
      failed,
      launches: 1 + losses,
      losses,
      stalls: 0,
      longest_stall: 0,
      busy_ms,
      connected_ms: first_start === Infinity ? 0 : Math.max(0, (goes_on ? now : last_end) - first_start),
      error,
      running: goes_on && running ? { ...running, ms: Math.max(0, now - running.since) } : undefined,
    };
  }

  // ---- looking

  #look(): void {
    this.#is_master_there = is_held(this.#tail.file);
    this.#reading ??= this.#read_on().finally(() => {
      this.#reading = undefined;
    });
    for (const look of this.#looks) look();
    if (!this.#is_closed) this.#cancel_look = this.#timers.set_timer(LOOK_EVERY, () => this.#look());
  }

  async #read_on(): Promise<void> {
    try {
      // nothing after a damaged line can be trusted; what the system refused may go well the next time
      if (this.#is_damaged && !(await this.#tail.is_replaced())) return;
      await this.#tail.read_on(
        (bytes, start, end) => this.#take(bytes, start, end),
        () => this.#begin_anew(),
      );
    } catch (error) {
      if (this.#problem === (error as Error).message) return;
      this.#problem = (error as Error).message;
      const { failures, last_at } = this.#gathered;
      failures.push({
        at: last_at,
        kind: 'stray_error',
        index: undefined,
        name: undefined,
        slave: '',
        text: this.#problem,
        why: undefined,
      });
    }
    this.#tick();
  }

  #begin_anew(): void {
    this.#lines = 0;
    this.#problem = undefined;
    this.#is_damaged = false;
    this.#rate = undefined;
    this.#gathered = new Gathered(header_of(this.#tail.file));
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (this.#is_closed) return;
    this.#lines++;
    // the header was read when the file was opened
    if (this.#lines === 1) return;
    try {
      if (this.#done_line.read(bytes, start, end)) this.#gathered.take_done(this.#done_line);
      else this.#gathered.take_line(bytes.toString('utf8', start, end));
    } catch (error) {
      this.#is_damaged = true;
      throw new Error(
        `Line ${this.#lines} of ${this.#tail.file} is damaged, and nothing after it is shown: ${(error as Error).message}`,
      );
    }
  }

  #tick(): void {
    const { ended, last_at } = this.#gathered;
    if (this.#rate === undefined) {
      this.#rate = new Rate(last_at);
      this.#ticked = ended;
    }
    this.#rate.tick(this.clock.now(), ended - this.#ticked);
    this.#ticked = ended;
  }
}

/** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
function header_of(file: string): { header: HeaderLine; bytes: number } {
  const lines = new LineFile(file, MAX_LINE_BYTES);
  try {
    return { header: read_header(file, lines.first() ?? ''), bytes: lines.size };
  } finally {
    lines.close();
  }
}

/** Whether a master has the status file open. */
export function is_held(file: string): boolean {
  const lock = `${file}.lock`;
  try {
    const owner = parse_owner(readFileSync(lock, 'utf8'));
    const lives = owner === undefined ? undefined : is_running(owner);
    return lives ?? Date.now() - statSync(lock).mtimeMs < STALE_AFTER;
  } catch {
    return false;
  }
}
