import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatusFileError } from '../../src/errors.js';
import { report_page } from '../../src/watch/report.js';
import { read_report } from '../../src/watch/report_data.js';
import { unit_folder } from '../kit/fake_slave.js';

const HEADER = {
  parjob: 'status',
  format: 1,
  jobname: 'align',
  program: { main_script: 'main.js' },
  run_id: '1a5a716feedd9d47',
  created: '2026-11-22T00:29:26.977Z',
  folder: 'align.status.1a5a716f.d',
};

function status_file(...lines: object[]): string {
  const file = join(unit_folder(), 'align.status');
  const all = [HEADER, { kind: 'function', fn: 0, name: 'needle.js#align' }, ...lines];
  writeFileSync(file, `${all.map((line) => JSON.stringify(line)).join('\n')}\n`);
  return file;
}

const done = (index: number, at: number, run_ms: number, slave = 'align.slave0') => ({
  kind: 'done',
  index,
  key: `k${index}`,
  fn: 0,
  at,
  slave,
  run_ms,
  value: index,
});

function some_run(): string {
  return status_file(
    done(0, 1000, 1000),
    done(1, 1500, 1500, 'align.slave1'),
    {
      kind: 'died',
      index: 2,
      key: 'k2',
      fn: 0,
      at: 1600,
      attempt: 1,
      slave: 'align.slave1',
      reason: 'was ended by SIGKILL',
    },
    done(2, 3000, 900),
    {
      kind: 'failed',
      index: 3,
      key: 'k3',
      fn: 0,
      at: 2000,
      slave: 'align.slave0',
      run_ms: 300,
      error: { name: 'TypeError', message: '<b>no</b>', stack: 'TypeError\n at far' },
    },
    { kind: 'queued', index: 4, key: 'k4', fn: 0, at: 2000 },
  );
}

describe('read_report', () => {
  it('gathers what became of the tasks', () => {
    const data = read_report(some_run());
    expect(data?.counts).toEqual({ queued: 1, assigned: 0, done: 3, failed: 1, cancelled: 0 });
    expect([data?.from, data?.to, data?.busy_ms, data?.slave_count]).toEqual([0, 3000, 3700, 2]);
    expect(data?.rows.map(({ name, tasks, busy_ms }) => [name, tasks, busy_ms])).toEqual([
      ['align.slave0', 3, 2200],
      ['align.slave1', 1, 1500],
    ]);
    const busy = data?.rows[1]?.busy ?? [];
    expect([busy[0], busy[239], busy[240]]).toEqual([1, 1, 0]);
    expect(data?.slowest.map(({ index }) => index)).toEqual([1, 0, 2]);
    expect(data?.troubles.map(({ index, kind, text }) => [index, kind, text])).toEqual([
      [2, 'died', 'was ended by SIGKILL'],
      [3, 'failed', 'TypeError: <b>no</b>'],
    ]);
  });

  it('leaves out ends that later lines made void', () => {
    const data = read_report(
      status_file(
        done(0, 1000, 900, 'align.slave7'),
        { kind: 'queued', index: 0, key: 'k0', fn: 0, at: 1100 },
        done(0, 2000, 500),
        done(1, 3000, 700, 'align.slave8'),
        { kind: 'queued', index: 1, key: 'k1', fn: 0, at: 3100 },
        { kind: 'cancelled', index: 2, key: 'k2', fn: 0, at: 3200, reason: 'no need' },
      ),
    );
    expect(data?.counts).toEqual({ queued: 1, assigned: 0, done: 1, failed: 0, cancelled: 1 });
    expect([data?.times.count, data?.busy_ms, data?.from, data?.to]).toEqual([1, 500, 1500, 2000]);
    expect(data?.rows.map(({ name, tasks }) => [name, tasks])).toEqual([['align.slave0', 1]]);
    expect(data?.boxes.map(({ index, start, run_ms }) => [index, start, run_ms])).toEqual([[0, 1500, 500]]);
    expect(data?.troubles.map(({ kind, text }) => [kind, text])).toEqual([['cancelled', 'no need']]);
  });

  it('tells the first failures, and counts all', () => {
    const failed = (index: number) => ({
      kind: 'failed',
      index,
      key: `k${index}`,
      fn: 0,
      at: index,
      error: { name: 'Error', message: `bad luck ${index}` },
    });
    const data = read_report(status_file(...Array.from({ length: 250 }, (_, i) => failed(i))));
    expect([data?.troubles.length, data?.further_troubles]).toEqual([200, 50]);
    expect(data?.troubles[199]?.text).toBe('Error: bad luck 199');
  });

  it('draws shares of time instead of boxes when there are many tasks', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => done(i, (i + 1) * 10, 5, `align.slave${i % 100}`));
    const data = read_report(status_file(...lines));
    expect([data?.boxes.length, data?.rows.length, data?.further_slaves]).toEqual([0, 64, 36]);
    expect(data?.slowest.length).toBe(25);
  });

  it('says so when there is nothing, or no status file', () => {
    const file = join(unit_folder(), 'empty.status');
    writeFileSync(file, '{"parjob":"sta');
    expect(read_report(file)).toBeUndefined();
    expect(report_page(file)).toContain('holds nothing');
    expect(() => report_page(`${file}.not`)).toThrow(StatusFileError);
  });
});

describe('report_page', () => {
  it('is one page that asks for nothing else and runs nothing', () => {
    const html = report_page(some_run());
    expect(html).not.toMatch(/<script|https?:\/\/|src=|@import|url\(/i);
    expect(html).toContain('prefers-color-scheme: dark');
    expect(html).toContain('<dt>of</dt><dd>not known, 5 or more</dd>');
    for (const heading of [
      'Timeline',
      'Slaves at work',
      'Times of tasks',
      'Slowest tasks',
      'What went wrong',
    ])
      expect(html).toContain(`<h2>${heading}</h2>`);
    expect(html).toContain('not finished: 1 task left of those it names');
    expect(html).toContain('<dt>speed-up</dt><dd>1.2</dd>');
  });

  it('draws tasks that failed in their own colour, and a run in which all did', () => {
    expect(report_page(some_run())).toMatch(/<rect class="box bad".*?failed after 300 ms/);
    const error = { name: 'Error', message: 'bad luck' };
    const html = report_page(
      status_file({ kind: 'failed', index: 0, key: 'k', fn: 0, at: 9, slave: 's', run_ms: 5, error }),
    );
    expect(html).toContain('<h2>Timeline</h2>');
    expect(html).not.toContain('<h2>Times of tasks</h2>');
  });

  it('takes nothing in the file for markup', () => {
    const html = report_page(some_run());
    expect(html).not.toContain('<b>no</b>');
    expect(html).toContain('TypeError: &lt;b&gt;no&lt;/b&gt;');
  });
});
