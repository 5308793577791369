/**
 * Status files: what a restart reads, damaged in any way. What is read must be the same after a compaction, and
 * nothing but the file and its folder may be touched.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParjobError } from '../../../src/errors.js';
import { compact } from '../../../src/journal/compaction.js';
import { Journal } from '../../../src/journal/journal.js';
import type { JournalRecord, StoredValue } from '../../../src/journal/record.js';
import { Replay } from '../../../src/journal/replay.js';
import { check_fit } from '../fit_value.js';
import type { Random } from '../random.js';
import { type Input, insist, is_taken, type Target } from '../target.js';

/** A folder in memory, where there is one. */
const ROOM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Values above go to the folder beside. */
const INLINE_LIMIT = 100;
/** Every so many inputs are compacted. */
const COMPACT_EVERY = 8;
/** Reading takes a buffer of 256 KiB or two, and compaction a few more. */
const MAX_BYTES = 8 * 2 ** 20;

const SMALL: StoredValue = { json: { score: 1.5, list: [1, 'two', null] } };
const LARGE: StoredValue = { json: 'long '.repeat(30) };
const ENCODED: StoredValue = { encoding: 'msgpack', bytes: [Buffer.from('small'), Buffer.alloc(3)] };
const ASIDE: StoredValue = { encoding: 'graph', bytes: [Buffer.alloc(150, 1), Buffer.alloc(20, 2)] };

function task(number: number) {
  return {
    index: number,
    key: `key ${number}`,
    name: number % 2 === 0 ? 'align.js#align' : 'score.js#score',
  };
}

/** Each kind of record, in an order that makes sense. */
const RECORDS: readonly JournalRecord[] = [
  { kind: 'facts', facts: { port: 4711, hosts: ['node7'] } },
  { kind: 'queued', task: task(0) },
  { kind: 'assigned', task: task(0), attempt: 1, slave: 'a.slave0' },
  { kind: 'progress', task: task(0), done: 3, total: 10, note: 'a third' },
  { kind: 'checkpoint', task: task(0), value: ASIDE },
  { kind: 'died', task: task(0), attempt: 1, slave: 'a.slave0', reason: 'SIGKILL', signal: 'SIGKILL' },
  { kind: 'done', task: task(1), attempt: 1, slave: 'a.slave1', run_ms: 2.5, value: SMALL },
  { kind: 'done', task: task(2), attempt: 2, slave: 'a.slave1', run_ms: 0, value: LARGE },
  { kind: 'done', task: task(3), attempt: 1, slave: 'a.slave0', run_ms: 7, value: ENCODED },
  { kind: 'done', task: task(0), attempt: 2, slave: 'a.slave0', run_ms: 9, value: ASIDE },
  {
    kind: 'failed',
    task: task(4),
    attempt: 1,
    slave: 'a.slave1',
    run_ms: 1,
    error: { name: 'TypeError', message: 'no', stack: 'at x' },
    value: SMALL,
  },
  { kind: 'cancelled', task: task(5), reason: 'enough' },
  { kind: 'queued', task: task(4) },
  { kind: 'assigned', task: task(4), attempt: 1, slave: 'a.slave1' },
  { kind: 'checkpoint', task: task(4), value: { json: undefined } },
  { kind: 'progress', task: task(6), done: 1 },
  { kind: 'finished' },
];

/** A folder with status files and the values beside them. */
class Desk {
  readonly folder = mkdtempSync(join(ROOM, 'parjob-fuzz-'));
  readonly file = join(this.folder, 'a.status');
  readonly samples: Input[] = [];
  readonly #beside: { path: string; bytes: Buffer }[] = [];

  constructor() {
    for (const count of [0, 5, 9, RECORDS.length]) this.#write_sample(RECORDS.slice(0, count));
    writeFileSync(this.precious, 'keep');
  }

  get precious(): string {
    return join(this.folder, 'precious');
  }

  #write_sample(records: readonly JournalRecord[]): void {
    const options = {
      file: this.file,
      jobname: 'a',
      program: { main_script: 'a.js' },
      inline_limit: INLINE_LIMIT,
    };
    const journal = Journal.create({ ...options, fsync: 'never' });
    for (const record of records) journal.append(record);
    journal.close();
    this.samples.push({ bytes: readFileSync(this.file) });
    for (const name of readdirSync(this.folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(this.folder, name);
      if (path.endsWith('.bin')) this.#beside.push({ path, bytes: readFileSync(path) });
    }
    rmSync(this.file);
  }

  lay_out(status: Buffer): void {
    writeFileSync(this.file, status);
    for (const { path, bytes } of this.#beside) {
      if (existsSync(path)) continue;
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, bytes);
    }
  }

  /** A digest of all that the file says; undefined when it says nothing. */
  read(): number | undefined {
    const replay = Replay.read(this.file);
    if (replay === undefined) return undefined;
    try {
      const tasks = [...replay.tasks()].map((task) => {
        const { key, name, index, state } = task;
        insist(typeof name === 'string', 'a task has no name');
        const more = [task.dead_runs(), task.assigned(), task.progress(), task.checkpoint(), task.outcome()];
        insist(replay.get(key)?.state === state, 'a task is not found by its key');
        return [key, name, index, state, ...more];
      });
      const { jobname, functions, program } = { ...replay.summary };
      return check_fit([jobname, program, functions, tasks, replay.facts, replay.is_finished]);
    } finally {
      replay.close();
    }
  }
}

export function status_files_target(): Target {
  const desk = new Desk();
  return {
    name: 'status_files',
    layout: 'lines',
    samples: desk.samples,
    max_bytes: MAX_BYTES,
    run({ bytes }: Input, random: Random): boolean {
      desk.lay_out(bytes);
      let before: number | undefined;
      const taken = is_taken(ParjobError, () => {
        before = desk.read();
      });
      if (!taken || !random.one_in(COMPACT_EVERY)) return taken;
      compact(desk.file);
      insist(desk.read() === before, 'a status file says something else after a compaction');
      insist(existsSync(desk.precious), 'a compaction removed what is not the journal’s');
      return taken;
    },
    close: () => rmSync(desk.folder, { recursive: true, force: true }),
  };
}
