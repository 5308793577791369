import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatusFileError, UsageError } from '../../src/errors.js';
import { move_aside } from '../../src/journal/aside.js';
import { Journal } from '../../src/journal/journal.js';
import type { JournalOptions } from '../../src/journal/journal_options.js';
import type { JournalRecord } from '../../src/journal/record.js';
import { Program } from '../kit/processes.js';
import { read_picture, temporary_folders } from './kit.js';
import { options_of, SMALL_LIMIT, task_of } from './options.js';

const new_folder = temporary_folders();
const ROOT = new URL('../..', import.meta.url).pathname;

/** A status file that does not exist yet, its options, and what it gives notice of. */
function new_file(more: Partial<JournalOptions> = {}) {
  const file = join(new_folder(), 'align.status');
  const notices: string[] = [];
  const options = options_of(file, {
    inline_limit: SMALL_LIMIT,
    on_notice: (text) => notices.push(text),
    ...more,
  });
  return { file, notices, options, names: () => readdirSync(dirname(file)).toSorted() };
}

function done(number: number, json: unknown = number): JournalRecord {
  return {
    kind: 'done',
    task: task_of(number),
    attempt: 1,
    slave: 'align.slave0',
    run_ms: 1.5,
    value: { json },
  };
}

function write(journal: Journal, ...records: JournalRecord[]): void {
  for (const record of records) journal.append(record);
  journal.close();
}

function error_of(action: () => Journal): StatusFileError {
  try {
    action().close();
  } catch (error) {
    expect(error).toBeInstanceOf(StatusFileError);
    return error as StatusFileError;
  }
  throw new Error('it was not refused');
}

describe('a new journal', () => {
  it('begins a file with a header, and holds the lock', () => {
    const { file, options, names } = new_file();
    const journal = Journal.create(options);
    expect(journal.replay).toBeUndefined();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      parjob: 'status',
      format: 1,
      jobname: 'align',
      program: { main_script: 'main.js' },
    });
    expect(names()).toEqual(['align.status', 'align.status.lock']);
    expect(error_of(() => Journal.open(options)).problem).toBe('locked');
    expect(error_of(() => Journal.create(options)).problem).toBe('locked');
    journal.close();
    journal.close();
    expect(names()).toEqual(['align.status']);
  });

  it('moves the file of an unfinished run aside, with a notice; its results stay with it', () => {
    const { file, notices, options, names } = new_file();
    write(Journal.create(options), done(1, 'x'.repeat(500)));
    write(Journal.create(options), done(2));
    write(Journal.create(options), done(3));
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(
      /holds a run that has not come to its end: it was moved to .*align\.status\.1\. .*restart: true/,
    );
    expect(names().filter((name) => !name.endsWith('.d'))).toEqual([
      'align.status',
      'align.status.1',
      'align.status.2',
    ]);
    expect(read_picture(`${file}.1`)?.tasks).toMatchObject([
      { outcome: { value: { json: 'x'.repeat(500) } } },
    ]);
    expect(read_picture(`${file}.2`)?.tasks).toMatchObject([{ key: task_of(2).key }]);
    // and with its name back, it can be gone on with
    renameSync(`${file}.1`, file);
    const journal = Journal.open(options);
    expect(journal.replay?.get(task_of(1).key)?.outcome()).toMatchObject({
      value: { json: 'x'.repeat(500) },
    });
    journal.close();
  });

  it('replaces that of a finished run, and its folder', () => {
    const { file, notices, options, names } = new_file();
    write(Journal.create(options), done(1, 'x'.repeat(500)), { kind: 'finished' });
    expect(names()).toHaveLength(2);
    Journal.create(options).close();
    expect(names()).toEqual(['align.status']);
    expect(notices).toEqual([]);
    expect(read_picture(file)?.tasks).toEqual([]);
  });

  it('replaces one that holds no more than a header, or part of it', () => {
    const { file, notices, options, names } = new_file();
    Journal.create(options).close();
    for (let size = statSync(file).size; size >= 0; size -= 10) {
      truncateSync(file, size);
      Journal.create(options).close();
    }
    expect(names()).toEqual(['align.status']);
    expect(notices).toEqual([]);
  });

  it.each([
    ['a run that went on after its end', [{ kind: 'finished' }, done(2)] as JournalRecord[], ''],
    ['one that was cut off after its end', [{ kind: 'finished' }] as JournalRecord[], '{"kind":"do'],
  ])('moves aside %s', (_what, records, more) => {
    const { file, notices, options, names } = new_file();
    write(Journal.create(options), done(1), ...records);
    writeFileSync(file, readFileSync(file, 'utf8') + more);
    Journal.create(options).close();
    expect(names()).toEqual(['align.status', 'align.status.1']);
    expect(notices).toHaveLength(1);
  });

  it.each(['my notes, not yours', '{"kind":"finished","at":1}\n', '\u0000'.repeat(9000)])(
    'moves aside what is no status file',
    (text) => {
      const { file, options } = new_file();
      writeFileSync(file, text);
      Journal.create(options).close();
      expect(readFileSync(`${file}.1`, 'utf8')).toBe(text);
    },
  );

  it('does not touch what is no file', () => {
    const { file, options, names } = new_file();
    mkdirSync(file);
    expect(error_of(() => Journal.create(options)).problem).toBe('not_a_status_file');
    expect(names()).toEqual(['align.status']);
  });

  it.each([
    [{ fsync: 'sometimes' }, /option 'fsync' must be one of/],
    [{ inline_limit: 2 ** 30 }, /option 'inline_limit' must be a whole number from 0 to 524288/],
    [{ fsinc: 'always' }, /did you mean 'fsync'/],
  ])('takes no option that cannot be: %j', (more, text) => {
    const { options, names } = new_file();
    const create = () => Journal.create({ ...options, ...more } as JournalOptions);
    expect(create).toThrow(UsageError);
    expect(create).toThrow(text);
    expect(names()).toEqual([]);
  });
});

describe('a journal that goes on', () => {
  it('begins a file when there is none, or nothing in it', () => {
    const { file, notices, options, names } = new_file();
    write(Journal.open(options), done(1));
    truncateSync(file, 30);
    write(Journal.open(options), done(2));
    expect(read_picture(file)?.tasks).toMatchObject([{ key: task_of(2).key }]);
    expect(names()).toEqual(['align.status']);
    expect(notices).toEqual([]);
  });

  it('has what was recorded, under the same keys, and adds to it', () => {
    const { file, options } = new_file();
    const died = {
      kind: 'died',
      task: task_of(2),
      attempt: 1,
      slave: 'align.slave1',
      reason: 'was ended by SIGKILL',
    } as const;
    const half_way: JournalRecord = { kind: 'checkpoint', task: task_of(2), value: { json: { row: 5 } } };
    const facts = { kind: 'facts', facts: { port: 4711 } } as const;
    write(Journal.create(options), facts, done(1), died, half_way);
    const journal = Journal.open(options);
    expect(journal.replay?.facts.get('port')).toBe(4711);
    expect(journal.replay?.is_finished).toBe(false);
    expect(journal.replay?.get('unknown')).toBeUndefined();
    expect(journal.replay?.get(task_of(1).key)?.outcome()).toMatchObject({
      slave: 'align.slave0',
      value: { json: 1 },
    });
    const task = journal.replay?.get(task_of(2).key);
    expect(task).toMatchObject({ state: 'queued', index: 2, name: 'needle.js#align' });
    expect(task?.dead_runs()).toMatchObject([{ attempt: 1, slave: 'align.slave1', charged: true }]);
    expect(task?.checkpoint()).toEqual({ json: { row: 5 } });
    // its place in the queue is another now
    write(journal, { ...done(2), task: task_of(2, 0) } as JournalRecord, { kind: 'finished' });
    const again = Journal.open(options);
    expect(again.replay?.is_finished).toBe(true);
    expect(again.replay?.size).toBe(2);
    expect(again.replay?.get(task_of(2).key)).toMatchObject({ state: 'done', index: 0 });
    again.close();
    expect(readFileSync(file, 'utf8').match(/"kind":"opened"/g)).toHaveLength(2);
  });

  it('numbers its functions on, also when the file has one twice', () => {
    const { file, options } = new_file();
    write(Journal.create(options), done(1));
    const [header = '', of_function = '', ...rest] = readFileSync(file, 'utf8').split('\n');
    const again = of_function.replace('"fn":0', '"fn":1');
    writeFileSync(file, [header, of_function, again, ...rest].join('\n'));
    write(Journal.open(options), done(2), done(3));
    expect(read_picture(file)?.tasks.map(({ name }) => name)).toEqual([1, 2, 3].map((n) => task_of(n).name));
  });

  it('leaves out a last line that was cut off, with a notice, and writes on after it', () => {
    const { file, notices, options } = new_file();
    write(Journal.create(options), done(1), done(2));
    truncateSync(file, statSync(file).size - 10);
    write(Journal.open(options), done(3));
    expect(notices).toEqual([expect.stringMatching(/the last line of .* was cut off after \d+ bytes/)]);
    expect(read_picture(file)?.tasks.map(({ key }) => key)).toEqual([task_of(1).key, task_of(3).key]);
  });

  it.each([
    [{ jobname: 'other' }, "its jobname is 'align', that of this program 'other'"],
    [{ program: { main_script: 'b.js' } }, "its main_script is 'main.js', that of this program 'b.js'"],
  ])('refuses that of another program, and says what differs', (more, text) => {
    const { file, options, names } = new_file();
    write(Journal.create(options), done(1));
    const before = readFileSync(file, 'utf8');
    const error = error_of(() => Journal.open({ ...options, ...more }));
    expect(error.problem).toBe('other_program');
    expect(error.message).toContain(`${file} is the status file of another program: ${text}. Move it away`);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(names()).toEqual(['align.status']);
  });

  it('refuses one whose tasks this program would not run', () => {
    const { options } = new_file();
    write(Journal.create(options), done(0), done(1), done(2));
    const journal = Journal.open(options);
    journal.check_functions(['needle.js#align', 'new.js#task']);
    journal.check_functions([]);
    expect(() => journal.check_functions(['new.js#task'])).toThrow(
      /it holds 1 task of other.js#score, 2 tasks of needle.js#align, this program queues new.js#task/,
    );
    journal.close();
  });

  it('refuses a damaged one, and leaves it and its lock alone', () => {
    const { file, options, names } = new_file();
    write(Journal.create(options), done(1), done(2));
    const text = readFileSync(file, 'utf8').replace('"run_ms":1.5', '"run_ms":?');
    writeFileSync(file, text);
    expect(error_of(() => Journal.open(options))).toMatchObject({ problem: 'damaged', line: 3 });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(names()).toEqual(['align.status']);
  });

  it('does not write any more when another master has taken it over', () => {
    const { file, options } = new_file();
    const journal = Journal.create(options);
    journal.append(done(1));
    const lock = JSON.parse(readFileSync(`${file}.lock`, 'utf8')) as object;
    writeFileSync(`${file}.lock`, JSON.stringify({ ...lock, token: '0123456789ab' }));
    const held_up = Date.now() + 60_000;
    const now = Date.now;
    try {
      Date.now = () => held_up;
      expect(() => journal.commit()).toThrow(/was taken over/);
      expect(() => journal.close()).toThrow(/was taken over/);
    } finally {
      Date.now = now;
    }
    expect(read_picture(file)?.tasks).toEqual([]);
  });

  it('is whole after its master was killed at any moment: what was committed is there', async () => {
    const { file, notices, options } = new_file();
    const program = new Program(['--import', 'tsx', 'test/journal/programs/endless_run.ts', file], {
      cwd: ROOT,
    });
    let last = -1;
    while (last < 150) last = Number(await program.line());
    program.child.kill('SIGKILL');
    const rest = await program.rest();
    // its pipe closes before the process is gone
    await program.ended;
    last = Number(rest.split('\n').at(-1) || last);
    const journal = Journal.open(options);
    expect(notices).toContainEqual(expect.stringContaining(`process ${program.child.pid}`));
    for (let index = 0; index <= last; index++) {
      expect(journal.replay?.get(task_of(index).key)?.outcome()).toMatchObject({
        value: { json: String(index).repeat(40) },
      });
    }
    expect(journal.replay?.size).toBeLessThanOrEqual(last + 2);
    journal.close();
  });
});

it('leaves no lock behind when its master is ended by Ctrl-C', async () => {
  const { file, options } = new_file();
  const program = new Program(['--import', 'tsx', 'test/journal/programs/idle_run.ts', file], { cwd: ROOT });
  expect(await program.line()).toBe('ready');
  expect(existsSync(`${file}.lock`)).toBe(true);
  program.child.kill('SIGINT');
  expect(await program.ended).toEqual({ code: null, signal: 'SIGINT' });
  expect(existsSync(`${file}.lock`)).toBe(false);
  Journal.open(options).close();
});

describe('moving aside', () => {
  it('takes the first name that is free', () => {
    const file = join(new_folder(), 'x.status');
    const made = ['a', 'b', 'c'].map((text) => {
      writeFileSync(file, text);
      return move_aside(file);
    });
    expect(made).toEqual([`${file}.1`, `${file}.2`, `${file}.3`]);
    expect(made.map((name) => readFileSync(name, 'utf8'))).toEqual(['a', 'b', 'c']);
    expect(() => move_aside(file)).toThrow(StatusFileError);
  });
});
