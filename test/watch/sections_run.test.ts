import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StatusFile } from '../../src/sections/status_file.js';
import { SectionsRun } from '../../src/watch/sections_run.js';
import { unit_folder } from '../kit/fake_slave.js';
import { ManualClock } from '../kit/manual_clock.js';
import { fake_run } from './fake_job.js';

function new_status() {
  const file = join(unit_folder(), 'blast.sections');
  const status = StatusFile.open({ file, jobname: 'blast' }, false);
  onTestFinished(() => status.close());
  status.write('file', 'hits', { name: 'hits.tsv', usage: 'OUTPUT' });
  status.write('section', 'a', { state: 'collected', attempt: 1, host: 'node1', run_ms: 900 });
  status.write('section', 'b', { state: 'running', attempt: 2, host: 'node2', done: 3, total: 4 });
  status.write('section', 'c', { state: 'todo' });
  status.write('piece', 'out/hits#a.1', {
    file: 'hits',
    state: 'present',
    files: [{ size: 70 }, { size: 7 }],
  });
  status.write('piece', 'out/hits#b.2', { file: 'hits', state: 'staging' });
  status.write('host', 'node3', { state: 'benched', reason: 'no room' });
  return { file, status };
}

describe('SectionsRun', () => {
  it('tells where sections and files stand, while the file changes', () => {
    const { file, status } = new_status();
    const clock = new ManualClock();
    const run = new SectionsRun(file, clock);
    onTestFinished(() => run.close());
    expect(SectionsRun.is_one(file)).toBe(true);
    expect(run.snapshot().overview).toMatchObject({
      standing: 'running',
      counts: { queued: 3, waiting: 1, running: 1, done: 1, failed: 0, retried: 1 },
      benched_hosts: ['node3'],
    });
    expect(run.sections()).toMatchObject([
      { id: 'a' },
      { id: 'b', done: 3, total: 4 },
      { id: 'c', attempt: 0 },
    ]);
    expect(run.files()).toEqual([
      { key: 'hits', name: 'hits.tsv', usage: 'OUTPUT', pieces: { present: 1, staging: 1 }, bytes: 77 },
    ]);
    expect(run.explain()).toContain('node3: benched, no room');
    // the log of the last attempt, if it stands beside the file; nothing but a section has one
    writeFileSync(join(dirname(file), 'blast.b.1.log'), 'old');
    expect(run.section_log('b')).toBeUndefined();
    writeFileSync(join(dirname(file), 'blast.b.2.log'), 'new');
    expect(run.section_log('b')).toBe(join(dirname(file), 'blast.b.2.log'));
    expect(['c', 'd', '../b', ''].map((id) => run.section_log(id))).toEqual(Array(4).fill(undefined));
    status.write('run', 'finished', { at: '', failed: 0 });
    status.close();
    clock.pass(500);
    expect(run.snapshot().overview.standing).toBe('finished');
  });
});

describe('a job of sections', () => {
  it('shows what its master knows of them', () => {
    const { status } = new_status();
    const { view } = fake_run();
    expect([view.sections(), view.files()]).toEqual([undefined, undefined]);
    const other = fake_run(2, {}, { section_records: () => status.records });
    expect(other.view.sections()?.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'collected'],
      ['b', 'running'],
      ['c', 'todo'],
    ]);
    expect(other.view.files()?.map(({ key, bytes }) => [key, bytes])).toEqual([['hits', 77]]);
  });
});
