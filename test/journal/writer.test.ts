import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusFileError, UsageError } from '../../src/errors.js';
import { Journal } from '../../src/journal/journal.js';
import type { JournalOptions } from '../../src/journal/journal_options.js';
import type { JournalRecord } from '../../src/journal/record.js';
import { type Disk, SYSTEM_DISK } from '../../src/journal/writer.js';
import { wait_until } from '../kit/wait_until.js';
import { any_steps, Model, read_picture, temporary_folders } from './kit.js';
import { options_of, SMALL_LIMIT, task_of } from './options.js';

const new_folder = temporary_folders();

function new_journal(more: Partial<JournalOptions> = {}): Journal {
  return Journal.create(
    options_of(join(new_folder(), 'align.status'), { inline_limit: SMALL_LIMIT, ...more }),
  );
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

function checkpoint(number: number, json: unknown): JournalRecord {
  return { kind: 'checkpoint', task: task_of(number), value: { json } };
}

/** Names in the folder beside; none while there is no folder. */
function side_files(journal: Journal): string[] {
  const folder = dirname(journal.file);
  const name = readdirSync(folder).find((entry) => entry.endsWith('.d'));
  return name === undefined ? [] : readdirSync(join(folder, name));
}

const full = (): never => {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
};

describe('records', () => {
  it('are in the file when commit has returned, and not before', () => {
    const journal = new_journal();
    const before = statSync(journal.file).size;
    journal.append(done(1));
    journal.append(done(2));
    expect(journal.waiting).toBe(2);
    expect(statSync(journal.file).size).toBe(before);
    journal.commit();
    expect(journal.waiting).toBe(0);
    expect(read_picture(journal.file)?.tasks.map(({ key }) => key)).toEqual([task_of(1).key, task_of(2).key]);
    journal.close();
  });

  it('are short: a key stands once for each task', () => {
    const journal = new_journal();
    const { task } = done(1) as { task: { key: string } } & JournalRecord;
    const records: JournalRecord[] = [1, 2, 3].map((n) => ({ kind: 'progress', task: task_of(1), done: n }));
    for (const record of [...records, done(1)]) journal.append(record);
    journal.commit();
    expect(readFileSync(journal.file, 'utf8').split(task.key)).toHaveLength(2);
    const before = statSync(journal.file).size;
    journal.append(done(2, 3.14));
    journal.close();
    expect(statSync(journal.file).size - before).toBeLessThan(120);
  });

  it('never break the file, whatever numbers and texts are in them', () => {
    const journal = new_journal();
    const task = task_of(1);
    const long = '\u0000"\ud800'.repeat(200_000);
    journal.append({ kind: 'progress', task, done: Number.NaN, total: Infinity, note: long });
    journal.append({
      kind: 'died',
      task,
      attempt: Number.NaN,
      slave: '',
      reason: long,
      exit_code: Number.NaN,
    });
    journal.append({
      kind: 'failed',
      task,
      attempt: Infinity,
      slave: long,
      run_ms: -1,
      error: { name: long, message: long, stack: long },
      value: { encoding: 'msgpack', bytes: [new Uint8Array(SMALL_LIMIT)] },
    });
    journal.append({
      ...done(2),
      run_ms: Infinity,
      task: { ...task_of(2), key: '"\n'.repeat(256) },
    } as JournalRecord);
    journal.append({ kind: 'cancelled', task: task_of(3), reason: long });
    journal.commit();
    expect(read_picture(journal.file)?.tasks.map(({ state }) => state)).toEqual([
      'failed',
      'done',
      'cancelled',
    ]);
    journal.close();
  });

  it('of the largest texts and values fit in a line', () => {
    const journal = new_journal({ inline_limit: 2 ** 19 });
    const text = '\u0001'.repeat(20_000);
    journal.append({
      kind: 'failed',
      task: { ...task_of(1), key: '\u0001'.repeat(512) },
      attempt: 1,
      slave: text,
      error: { name: text, message: text, stack: text },
      value: { encoding: 'msgpack', bytes: [new Uint8Array(2 ** 19)] },
    });
    journal.close();
    expect(read_picture(journal.file)?.tasks).toHaveLength(1);
  });

  it.each([
    ['an empty key', { ...task_of(1), key: '' }],
    ['a long key', { ...task_of(1), key: 'k'.repeat(513) }],
    ['half a character in the key', { ...task_of(1), key: '\ud800' }],
    ['no name', { ...task_of(1), name: '' }],
    ['a negative index', { ...task_of(1), index: -1 }],
  ])('with %s are refused, and harm nothing', (_what, task) => {
    const journal = new_journal();
    expect(() => journal.append({ ...done(1), task } as JournalRecord)).toThrow(UsageError);
    expect(() => journal.append({ kind: 'progress', task, done: 1 })).toThrow(UsageError);
    journal.append(done(2));
    journal.close();
    expect(read_picture(journal.file)?.tasks).toHaveLength(1);
  });

  it('with facts that are no JSON, or too many, are refused', () => {
    const journal = new_journal();
    expect(() => journal.append({ kind: 'facts', facts: { when: new Date() } })).toThrow(UsageError);
    expect(() => journal.append({ kind: 'facts', facts: { text: 'x'.repeat(70_000) } })).toThrow(UsageError);
    journal.close();
  });
});

describe('a commit that fails', () => {
  it('loses nothing and doubles nothing, however often and wherever it fails', () => {
    const folder = new_folder();
    let runs = 0;
    const any_fault = fc.constantFrom(
      'none',
      'write',
      'short',
      'short and truncate',
      'sync',
      'sync and truncate',
    );
    fc.assert(
      fc.property(
        any_steps,
        fc.infiniteStream(any_fault),
        fc.infiniteStream(fc.nat(60)),
        (steps, faults, lengths) => {
          let fault = 'none';
          const disk: Disk = {
            write(fd, bytes, start, position) {
              if (fault === 'write') full();
              if (!fault.startsWith('short')) return SYSTEM_DISK.write(fd, bytes, start, position);
              const end = Math.min(bytes.length, start + (lengths.next().value as number));
              if (end === start) full();
              return SYSTEM_DISK.write(fd, bytes.subarray(0, end), start, position);
            },
            truncate(fd, length) {
              if (fault.endsWith('truncate')) full();
              SYSTEM_DISK.truncate(fd, length);
            },
            sync() {
              if (fault.startsWith('sync')) full();
            },
            sync_later: async () => {},
          };
          const file = join(folder, `${runs++}.status`);
          const journal = Journal.create(
            options_of(file, { inline_limit: SMALL_LIMIT, disk, fsync: 'always' }),
          );
          const model = new Model();
          for (const step of steps) {
            if (step.kind !== 'record') continue;
            journal.append(step.record);
            model.take(step.record);
            fault = faults.next().value as string;
            try {
              journal.commit();
              expect(journal.waiting).toBe(0);
            } catch (error) {
              expect(error).toBeInstanceOf(StatusFileError);
              expect(journal.waiting).toBeGreaterThan(0);
              // what was cut back is whole
              if (!fault.endsWith('truncate')) expect(readFileSync(file, 'utf8')).toMatch(/\n$/);
            }
          }
          fault = 'none';
          journal.close();
          expect(read_picture(file)).toEqual(model.picture());
          const lines = readFileSync(file, 'utf8').trim().split('\n');
          const records = lines.filter((line) => !/^\{"(parjob|kind":"function)"/.test(line));
          expect(records).toHaveLength(steps.filter(({ kind }) => kind === 'record').length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('says what file, what happened, how much waits, and what to do', () => {
    let write = full as Disk['write'];
    const journal = new_journal({ disk: { ...SYSTEM_DISK, write: (...args) => write(...args) } });
    journal.append(done(1));
    journal.append(done(2));
    try {
      journal.commit();
      expect.unreachable();
    } catch (error) {
      const { message, problem, cause } = error as StatusFileError;
      expect(message).toContain(`${journal.file} could not be written: ENOSPC: no space left on device`);
      expect(message).toMatch(/2 records wait for the next try.*make room on the disk/);
      expect(problem).toBe('unwritable');
      expect(cause).toMatchObject({ code: 'ENOSPC' });
    }
    write = SYSTEM_DISK.write;
    journal.close();
    expect(read_picture(journal.file)?.tasks).toHaveLength(2);
  });

  it('is one, too, when the file beside cannot be written', () => {
    const journal = new_journal();
    const header = JSON.parse(readFileSync(journal.file, 'utf8')) as { folder: string };
    const in_the_way = join(dirname(journal.file), header.folder);
    writeFileSync(in_the_way, '');
    journal.append(done(1, 'x'.repeat(500)));
    expect(() => journal.commit()).toThrow(/1 record waits/);
    rmSync(in_the_way);
    journal.close();
    expect(read_picture(journal.file)?.tasks).toMatchObject([{ state: 'done' }]);
  });

  it('when the last one fails, lets go of the file and the lock all the same', () => {
    const journal = new_journal({ disk: { ...SYSTEM_DISK, write: full } });
    journal.append(done(1));
    expect(() => journal.close()).toThrow(StatusFileError);
    journal.close();
    Journal.open(options_of(journal.file)).close();
  });
});

describe('forcing to the disk', () => {
  function counting(): { disk: Disk; synced: string[]; fail: boolean } {
    const state = { synced: [] as string[], fail: false };
    const disk: Disk = {
      ...SYSTEM_DISK,
      sync: () => state.synced.push('now'),
      sync_later: async () => {
        if (state.fail) full();
        state.synced.push('later');
      },
    };
    return Object.assign(state, { disk });
  }

  it('always: before a commit returns', () => {
    const { disk, synced } = counting();
    const journal = new_journal({ fsync: 'always', disk });
    journal.append(done(1));
    expect(synced).toEqual([]);
    journal.commit();
    expect(synced).toEqual(['now']);
    journal.close();
  });

  it('never: not even at the end', () => {
    const { disk, synced } = counting();
    const journal = new_journal({ fsync: 'never', disk });
    journal.append(done(1));
    journal.close();
    expect(synced).toEqual([]);
  });

  it('at intervals: in the background, and at the end', async () => {
    const { disk, synced } = counting();
    const journal = new_journal({ fsync: 'interval', fsync_interval: 1, disk });
    for (const number of [1, 2]) {
      journal.append(done(number));
      journal.commit();
    }
    expect(synced).toEqual([]);
    await wait_until(() => synced.length > 0, 'a sync');
    expect(synced).toEqual(['later']);
    journal.close();
    expect(synced).toEqual(['later', 'now']);
  });

  it('at intervals: what fails is told by the next commit, once', async () => {
    const state = counting();
    state.fail = true;
    let calls = 0;
    const { sync_later } = state.disk;
    const disk: Disk = {
      ...state.disk,
      sync_later: (fd) => {
        calls++;
        return sync_later(fd);
      },
    };
    const journal = new_journal({ fsync: 'interval', fsync_interval: 1, disk });
    journal.append(done(1));
    journal.commit();
    await wait_until(() => calls > 0, 'a sync');
    await Promise.resolve();
    journal.append(done(2));
    expect(() => journal.commit()).toThrow(/ENOSPC.*1 record waits/);
    journal.commit();
    journal.close();
    expect(read_picture(journal.file)?.tasks).toHaveLength(2);
  });
});

describe('the folder beside', () => {
  it('is there only when it is needed', () => {
    const journal = new_journal();
    journal.append(done(1));
    journal.close();
    expect(readdirSync(dirname(journal.file))).toEqual(['align.status']);
  });

  it.each(['always', 'interval', 'never'] as const)(
    'loses a checkpoint when a later one, or the end, is in the file: fsync %s',
    (fsync) => {
      const journal = new_journal({ fsync, fsync_interval: 60_000 });
      const large = (text: string) => text.repeat(SMALL_LIMIT);
      journal.append(checkpoint(1, large('one')));
      journal.commit();
      const [first] = side_files(journal);
      journal.append(checkpoint(1, large('two')));
      journal.append(checkpoint(2, large('other')));
      expect(side_files(journal)).toEqual([first]);
      journal.commit();
      // while it is not on the disk that there is a later one, the earlier is kept
      expect(side_files(journal)).toHaveLength(fsync === 'interval' ? 3 : 2);
      journal.append(done(1));
      journal.close();
      expect(side_files(journal)).toHaveLength(1);
      expect(read_picture(journal.file)?.tasks).toMatchObject([
        { state: 'done', checkpoint: undefined },
        { state: 'queued', checkpoint: { json: large('other') } },
      ]);
    },
  );

  it('loses the checkpoint of an earlier run, too', () => {
    const journal = new_journal();
    journal.append(checkpoint(1, 'x'.repeat(500)));
    journal.close();
    const next = Journal.open(options_of(journal.file));
    expect(next.replay?.get(task_of(1).key)?.checkpoint()).toEqual({ json: 'x'.repeat(500) });
    next.append(done(1));
    next.close();
    expect(side_files(journal)).toEqual([]);
  });
});
