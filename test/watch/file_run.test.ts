/** A run as its status file tells it, written by the journal itself. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StatusFileError } from '../../src/errors.js';
import { Journal } from '../../src/journal/journal.js';
import type { JournalRecord } from '../../src/journal/record.js';
import { FileRun } from '../../src/watch/file_run.js';
import { unit_folder } from '../kit/fake_slave.js';
import { ManualClock } from '../kit/manual_clock.js';

function new_journal(file = join(unit_folder(), 'align.status'), go_on = false) {
  const options = { file, jobname: 'align', program: {}, fsync: 'never' as const };
  const journal = go_on ? Journal.open(options) : Journal.create(options);
  onTestFinished(() => journal.close());
  const task = (index: number, name = 'needle.js#align') => ({ index, key: `key ${index}`, name });
  const write = (...records: JournalRecord[]) => {
    for (const record of records) journal.append(record);
    journal.commit();
  };
  const done = (index: number, run_ms = 5, slave = 'align.slave0', name?: string): JournalRecord => ({
    kind: 'done',
    task: task(index, name),
    attempt: 1,
    slave,
    run_ms,
    value: { json: `"kind" of ${index}` },
  });
  return { file, journal, task, write, done };
}

async function opened(file: string) {
  const clock = new ManualClock();
  const run = FileRun.open(file, clock);
  onTestFinished(() => run.close());
  await run.caught_up();
  const look = async () => {
    clock.pass(500);
    await run.caught_up();
  };
  const indices = () => Array.from(run.ring.indices).slice(0, run.ring.size);
  return { run, look, indices };
}

describe('FileRun', () => {
  it('tells what became of the tasks, and of the slaves', async () => {
    const { file, write, done, task } = new_journal();
    const error = { name: 'TypeError', message: 'no luck', stack: 'TypeError: no luck\n at far' };
    write(
      done(0, 12.5),
      {
        kind: 'died',
        task: task(1, 'needle.js#tree'),
        attempt: 1,
        slave: 'align.slave1',
        reason: 'was ended by SIGKILL',
      },
      { ...done(1, 7, 'align.slave2', 'needle.js#tree'), attempt: 2 } as JournalRecord,
      { kind: 'failed', task: task(2), attempt: 1, slave: 'align.slave0', error },
      { kind: 'cancelled', task: task(3) },
      { kind: 'assigned', task: task(4), attempt: 1, slave: 'align.slave2' },
    );
    const { run } = await opened(file);
    const { overview, slaves } = run.snapshot();
    expect(overview.counts).toMatchObject({ done: 2, failed: 1, cancelled: 1, running: 1, retried: 1 });
    const { queued, waiting, queued_at_least } = overview.counts;
    expect([queued, waiting, queued_at_least]).toEqual([undefined, undefined, 5]);
    expect([overview.standing, overview.times.count, overview.times.longest]).toEqual(['running', 2, 12.5]);
    expect(overview.failures.map(({ kind, index, text }) => [kind, index, text])).toEqual([
      ['slave_lost', 1, 'was ended by SIGKILL'],
      ['task_failed', 2, 'TypeError: no luck'],
    ]);
    expect(slaves.rows).toMatchObject([
      { name: 'align.slave0', state: 'connected', done: 1, failed: 1 },
      { name: 'align.slave1', losses: 1 },
      { name: 'align.slave2', state: 'running_task', running: { index: 4, name: 'needle.js#align' } },
    ]);
    const rows = Array.from({ length: run.ring.size }, (_, i) => run.ring.row(i));
    expect(rows.map((row) => [row?.index, run.names[row?.name as number], row?.attempt])).toEqual([
      [0, 'needle.js#align', 1],
      [1, 'needle.js#tree', 2],
      [2, 'needle.js#align', 1],
    ]);
    expect(run.story(2)).toMatchObject([{ kind: 'task_failed', stack: 'TypeError: no luck\n at far' }]);
    expect(run.hands).toBeUndefined();
  });

  it('goes on with a file that grows', async () => {
    const { file, journal, write, done, task } = new_journal();
    write(done(0));
    const { run, look, indices } = await opened(file);
    let looks = 0;
    run.on_look(() => looks++);
    write(done(1), { kind: 'assigned', task: task(2), attempt: 1, slave: 'align.slave3' });
    await look();
    expect([indices(), run.snapshot().overview.counts.running]).toEqual([[0, 1], 1]);
    // an index tells how many tasks were queued before
    write(done(41, 9, 'align.slave1'));
    await look();
    expect(run.snapshot().overview.counts.queued_at_least).toBe(42);
    expect(run.explain()).toContain('the run has 42 tasks or more');
    write(done(2, 9, 'align.slave3'), { kind: 'finished' });
    journal.close();
    await look();
    const { counts, standing } = run.snapshot().overview;
    expect([standing, counts.queued, counts.running, looks]).toEqual(['finished', 4, 0, 3]);
    // nothing happens any more, so no time passes
    expect(run.clock.now()).toBe(run.clock.now());
  });

  it('does not read a line before it is whole', async () => {
    const { file, journal, write, done } = new_journal();
    write(done(0));
    journal.close();
    const { run, look, indices } = await opened(file);
    const line = '{"kind":"done","index":1,"key":"k","fn":0,"at":1,"slave":"s","run_ms":2}\n';
    appendFileSync(file, line.slice(0, 30));
    await look();
    expect(indices()).toEqual([0]);
    appendFileSync(file, line.slice(30));
    await look();
    expect(indices()).toEqual([0, 1]);
    expect(run.snapshot().overview.standing).toBe('broken_off');
    expect(run.explain()).toContain('restart: true');
  });

  it('begins anew when another file has come in its place', async () => {
    const { file, journal, write, done } = new_journal();
    write(done(0), done(1));
    journal.close();
    const { run, look, indices } = await opened(file);
    const { ring } = run;
    const other = new_journal();
    other.write(other.done(7));
    other.journal.close();
    renameSync(other.file, file);
    await look();
    expect(indices()).toEqual([7]);
    expect(run.ring).not.toBe(ring);
  });

  it('knows a task again when another master goes on with the run', async () => {
    const { file, journal, write, done, task } = new_journal();
    const error = { name: 'Error', message: 'no' };
    write(done(0), { kind: 'failed', task: task(1), attempt: 1, slave: 'align.slave0', error });
    write({ kind: 'assigned', task: task(2), attempt: 1, slave: 'align.slave1' });
    journal.close();
    const next = new_journal(file, true);
    const of_now = (index: number, key: number) => ({ index, key: `key ${key}`, name: 'needle.js#align' });
    // in that run the tasks have other places
    next.write(
      { kind: 'queued', task: of_now(5, 1) },
      { ...next.done(5), task: of_now(5, 1) } as JournalRecord,
      { ...next.done(6), task: of_now(6, 2) } as JournalRecord,
      { kind: 'finished' },
    );
    next.journal.close();
    const { run } = await opened(file);
    expect(run.snapshot().overview.counts).toMatchObject({ queued: 3, done: 3, failed: 0, running: 0 });
  });

  it('shows what stands before a damaged line, and says which that is', async () => {
    const { file, journal, write, done } = new_journal();
    write(done(0));
    journal.close();
    appendFileSync(file, '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2}\n');
    const { run, look, indices } = await opened(file);
    await look();
    expect(indices()).toEqual([0]);
    expect(run.snapshot().overview.failures.map(({ text }) => text)).toEqual([
      expect.stringMatching(/Line 4 of .* is damaged, .* what task 1 is/),
    ]);
    const other = new_journal();
    other.write(other.done(7));
    other.journal.close();
    renameSync(other.file, file);
    await look();
    expect(indices()).toEqual([7]);
  });

  it('refuses what is no status file', () => {
    const file = join(unit_folder(), 'no.status');
    expect(() => FileRun.open(file)).toThrow(StatusFileError);
    writeFileSync(file, 'hello\n');
    expect(() => FileRun.open(file)).toThrow(/not a status file/);
  });
});
