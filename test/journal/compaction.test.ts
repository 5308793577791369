import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compact, write_anew } from '../../src/journal/compaction.js';
import { Journal } from '../../src/journal/journal.js';
import type { JournalRecord } from '../../src/journal/record.js';
import { Replay } from '../../src/journal/replay.js';
import { any_steps, play, read_picture, temporary_folders } from './kit.js';
import { options_of, SMALL_LIMIT, task_of } from './options.js';

const new_folder = temporary_folders();

function progress(number: number, note: string): JournalRecord {
  return { kind: 'progress', task: task_of(number), done: 1, note };
}

describe('compaction', () => {
  it('keeps what the file says, in the fewest lines', () => {
    const folder = new_folder();
    let runs = 0;
    fc.assert(
      fc.property(any_steps, (steps) => {
        const file = join(folder, `${runs++}.status`);
        const model = play(file, steps);
        writeFileSync(file, `${readFileSync(file, 'utf8')}{"kind":"torn`);
        expect(compact(file)).toBe(statSync(file).size);
        expect(read_picture(file)).toEqual(model.picture());
        const replay = Replay.read(file) as Replay;
        expect(replay.garbage_bytes).toBeLessThanOrEqual('{"kind":"finished","at":0}\n'.length);
        replay.close();
        const once = readFileSync(file, 'utf8');
        compact(file);
        expect(readFileSync(file, 'utf8')).toBe(once);
        rmSync(file);
      }),
      { numRuns: 100 },
    );
  });

  it('removes the files beside that no line names, and no others', () => {
    const file = join(new_folder(), 'align.status');
    const run = { kind: 'done', attempt: 1, slave: 'align.slave0', run_ms: 1 } as const;
    const journal = Journal.create(options_of(file, { inline_limit: SMALL_LIMIT }));
    journal.append({ ...run, task: task_of(1), value: { json: 'x'.repeat(500) } });
    journal.append({ kind: 'checkpoint', task: task_of(2), value: { json: 'y'.repeat(500) } });
    journal.close();
    const folder = join(
      dirname(file),
      readdirSync(dirname(file)).find((name) => name.endsWith('.d')) as string,
    );
    const named = readdirSync(folder);
    writeFileSync(join(folder, '7-0123abcd-0.bin'), 'left by a crash');
    writeFileSync(join(folder, 'notes.txt'), 'of the user');
    compact(file);
    expect(readdirSync(folder).toSorted()).toEqual([...named, 'notes.txt'].toSorted());
    expect(read_picture(file)?.tasks).toMatchObject([
      { state: 'done' },
      { checkpoint: { json: 'y'.repeat(500) } },
    ]);
  });

  it('goes on after a crash that left its new file', () => {
    const file = join(new_folder(), 'align.status');
    const model = play(file, [{ kind: 'record', record: progress(1, 'x') }]);
    writeFileSync(`${file}.new`, 'half of a fi'.repeat(1000));
    compact(file);
    expect(read_picture(file)).toEqual(model.picture());
    expect(readdirSync(dirname(file))).toEqual(['align.status']);
  });

  it('leaves the file as it was when it fails, and nothing else', () => {
    const file = join(new_folder(), 'align.status');
    writeFileSync(file, 'as it was');
    const lines = function* () {
      yield 'one';
      throw new Error('ENOSPC');
    };
    expect(() => write_anew(file, lines())).toThrow(/could not be written anew: ENOSPC/);
    expect(readFileSync(file, 'utf8')).toBe('as it was');
    expect(readdirSync(dirname(file))).toEqual(['align.status']);
  });
});

describe('a journal most of which is useless', () => {
  it('is compacted by a commit, and goes on', () => {
    const file = join(new_folder(), 'align.status');
    const journal = Journal.create(options_of(file, { compact_above: 20_000 }));
    let largest = 0;
    const task = (n: number) => ({ ...task_of(n), key: `k${n}` });
    for (let i = 0; i < 500; i++) {
      journal.append({ kind: 'died', task: task(1), attempt: 1, slave: 's', reason: '' });
      journal.append({ ...progress(0, 'x'.repeat(200)), task: task(0), done: i } as JournalRecord);
      journal.append({
        kind: 'done',
        task: task(i + 2),
        attempt: 1,
        slave: 's',
        run_ms: 0,
        value: { json: i },
      });
      journal.commit();
      largest = Math.max(largest, statSync(file).size);
    }
    expect(largest).toBeGreaterThan(40_000);
    expect(largest).toBeLessThan(220_000);
    journal.close();
    const tasks = read_picture(file)?.tasks ?? [];
    expect(tasks).toHaveLength(502);
    expect(tasks.find(({ key }) => key === 'k0')).toMatchObject({ progress: { done: 499 } });
    expect(tasks.find(({ key }) => key === 'k1')?.dead_runs).toHaveLength(500);
  });

  it('is compacted when it is opened', () => {
    const file = join(new_folder(), 'align.status');
    const model = play(
      file,
      Array.from({ length: 200 }, (_, i) => ({ kind: 'record', record: progress(1, `${i}`) })),
    );
    const before = statSync(file).size;
    const journal = Journal.open(options_of(file, { compact_above: 1000 }));
    expect(statSync(file).size).toBeLessThan(before / 10);
    expect(journal.replay?.get(task_of(1).key)?.progress()).toMatchObject({ note: '199' });
    journal.close();
    expect(read_picture(file)?.tasks).toEqual(model.picture().tasks);
  });

  it('is left as it is, with a notice, when that fails', () => {
    const file = join(new_folder(), 'align.status');
    const notices: string[] = [];
    const journal = Journal.create(
      options_of(file, { compact_above: 1000, on_notice: (text) => notices.push(text) }),
    );
    const append = (count: number) => {
      for (let i = 0; i < count; i++) journal.append(progress(1, 'x'.repeat(100)));
      journal.commit();
    };
    append(2);
    // somebody has put a line of another hand into it, which nobody but the compaction reads
    const bytes = readFileSync(file);
    bytes.fill('?', bytes.length - 4, bytes.length - 1);
    writeFileSync(file, bytes);
    append(20);
    expect(notices).toEqual([expect.stringMatching(/line \d+ .* is damaged/)]);
    append(1);
    expect(notices).toHaveLength(1);
    expect(journal.waiting).toBe(0);
    journal.close();
  });

  it('can still be read where it was, by who had opened it before', () => {
    const file = join(new_folder(), 'align.status');
    const run = { kind: 'done', attempt: 1, slave: 's', run_ms: 1 } as const;
    const first = Journal.create(options_of(file, { inline_limit: SMALL_LIMIT }));
    for (let i = 0; i < 5; i++)
      first.append({ ...run, task: task_of(i), value: { json: `${i}`.repeat(200) } });
    first.close();
    const journal = Journal.open(options_of(file, { inline_limit: SMALL_LIMIT, compact_above: 1000 }));
    const size = statSync(file).size;
    for (let i = 0; i < 100; i++) journal.append(progress(9, 'x'.repeat(100)));
    journal.commit();
    expect(statSync(file).size).toBeLessThan(size + 400);
    for (let i = 0; i < 5; i++) {
      expect(journal.replay?.get(task_of(i).key)?.outcome()).toMatchObject({
        value: { json: `${i}`.repeat(200) },
      });
    }
    journal.close();
  });
});
