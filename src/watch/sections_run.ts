/** SectionsRun: a run of sections as its status file tells it. The file is short, and read anew when it has changed. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import { LineFile } from '../journal/line_file.js';
import { type ReadStatus, read_status } from '../sections/status_file.js';
import { is_held } from './file_run.js';
import type { RunSeries, RunView } from './run_view.js';
import { type FileRow, file_rows, type SectionRow, section_log, section_rows } from './section_row.js';
import type { Snapshot, Standing } from './snapshot.js';
import { TaskRing } from './task_ring.js';

const LOOK_EVERY = 500;
const LONGEST_HEADER = 4096;

export class SectionsRun implements RunView {
  readonly hands = undefined;
  readonly started_at = 0;
  /** Sections are no tasks. */
  readonly ring = new TaskRing(1);
  readonly names = [];
  readonly slave_names = [];
  readonly #file: string;
  readonly #timers: Clock;
  readonly #looks = new Set<() => void>();
  #status: ReadStatus;
  #changed_at: number;
  #size: number;
  #problem: string | undefined;
  #cancel_look: () => void;

  /** Whether a file is the status file of a run of sections. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
  static is_one(file: string): boolean {
    const lines = new LineFile(file, LONGEST_HEADER);
    try {
      return lines.first()?.startsWith('{"parjob":"sections"') === true;
    } catch {
      return false;
    } finally {
      lines.close();
    }
  }

  /** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the file cannot be read, or is none of sections */
  constructor(file: string, timers: Clock = SYSTEM_CLOCK) {
    this.#file = file;
    this.#timers = timers;
    const { mtimeMs, size } = statSync(file);
    this.#changed_at = mtimeMs;
    this.#size = size;
    this.#status = read_status(file);
    this.#cancel_look = this.#look_later();
  }

  async close(): Promise<void> {
    this.#cancel_look();
  }

  get jobname(): string {
    return this.#status.header.jobname;
  }

  get epoch(): number {
    return Date.parse(this.#status.header.created);
  }

  readonly clock: Clock = {
    now: () => (this.#standing() === 'running' ? Date.now() : this.#changed_at) - this.epoch,
    set_timer: (delay, fire) => this.#timers.set_timer(delay, fire),
  };

  refresh(): void {}

  on_look(look: () => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  snapshot(): Snapshot {
    const rows = this.sections();
    const count = (...states: SectionRow['state'][]) =>
      rows.filter(({ state }) => states.includes(state)).length;
    const now = this.clock.now();
    const busy_ms = rows.reduce((sum, { run_ms = 0 }) => sum + run_ms, 0);
    const times = rows.flatMap(({ run_ms }) => run_ms ?? []).sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? 0;
    const running = count('sent', 'running');
    return {
      jobname: this.jobname,
      overview: {
        now,
        epoch: this.epoch,
        started_at: 0,
        standing: this.#standing(),
        counts: {
          queued: rows.length,
          waiting: count('todo'),
          assigned: running,
          running,
          done: count('finished', 'collected'),
          failed: count('failed'),
          cancelled: 0,
          restored: 0,
          retried: rows.reduce((sum, { attempt }) => sum + Math.max(0, attempt - 1), 0),
          is_open: false,
        },
        states: {},
        most_connected: 0,
        failure_counts: {},
        benched_hosts: this.#hosts('benched'),
        elapsed: now,
        rate: now > 0 ? (count('finished', 'collected') * 1000) / now : 0,
        speed_up: now > 0 ? busy_ms / now : 0,
        efficiency: 0,
        times: { count: times.length, median: at(0.5), high: at(0.95), longest: at(1) },
        failures: [],
      },
      slaves: { total: 0, rows: [] },
    };
  }

  series(): RunSeries {
    const nothing = { interval: 1000, at: [], values: [] };
    return { throughput: nothing, running: nothing };
  }

  story(): [] {
    return [];
  }

  log_file(): undefined {
    return undefined;
  }

  explain(): string {
    const text = {
      running: 'The run goes on.',
      finished: 'The run has come to its end.',
      broken_off:
        'No master has the file open, and the run has not come to its end: run it again with restart: true to go on.',
    }[this.#standing()];
    const hosts = [...(this.#status.records.by_kind.get('host') ?? [])].map(
      ([host, { state, reason }]) => `${host}: ${state}${reason === undefined ? '' : `, ${reason}`}`,
    );
    const problem = this.#problem === undefined ? [] : [this.#problem];
    return [`This is what ${this.#file} says.`, text, ...problem, ...hosts].join('\n');
  }

  metrics(): undefined {
    return undefined;
  }

  sections(): readonly SectionRow[] {
    return section_rows(this.#status.records.by_kind) ?? [];
  }

  files(): readonly FileRow[] {
    return file_rows(this.#status.records.by_kind) ?? [];
  }

  /** The logs mostly stand beside the status file. */
  section_log(id: string): string | undefined {
    return section_log(this.sections(), id, { log_dir: dirname(this.#file), jobname: this.jobname });
  }

  #hosts(wanted: string): string[] {
    const hosts = [...(this.#status.records.by_kind.get('host') ?? [])];
    return hosts.filter(([, { state }]) => state === wanted).map(([host]) => host);
  }

  #standing(): Standing {
    if (this.#status.records.by_kind.get('run')?.has('finished') === true) return 'finished';
    return is_held(this.#file) ? 'running' : 'broken_off';
  }

  #look_later(): () => void {
    return this.#timers.set_timer(LOOK_EVERY, () => {
      this.#look();
      this.#cancel_look = this.#look_later();
    });
  }

  #look(): void {
    try {
      const { mtimeMs, size } = statSync(this.#file);
      // the clock of a file system may be coarse
      if (mtimeMs !== this.#changed_at || size !== this.#size) {
        this.#changed_at = mtimeMs;
        this.#size = size;
        this.#status = read_status(this.#file);
      }
      this.#problem = undefined;
    } catch (error) {
      // what was read last is still shown
      this.#problem = (error as Error).message;
    }
    for (const look of this.#looks) look();
  }
}
