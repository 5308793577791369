import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { report_file } from '../../src/cli/report.js';
import { StatusFileError, UsageError } from '../../src/errors.js';
import { Journal } from '../../src/journal/journal.js';
import { unit_folder } from '../kit/fake_slave.js';

let said: string[] = [];

beforeEach(() => {
  said = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
});

function status_file(): string {
  const file = join(unit_folder(), 'align.status');
  const journal = Journal.create({ file, jobname: 'align', program: {}, fsync: 'never' });
  const task = { index: 0, key: 'k', name: 'needle.js#align' };
  journal.append({ kind: 'done', task, attempt: 1, slave: 'align.slave0', run_ms: 5, value: { json: 1 } });
  journal.close();
  return file;
}

it('writes the page beside the file, or where it is told, and says where', () => {
  const file = status_file();
  const beside = file.replace('.status', '.html');
  expect(report_file(file)).toBe(0);
  expect(readFileSync(beside, 'utf8')).toContain('<h1>align</h1>');
  const out = join(unit_folder(), 'run.html');
  expect(report_file(file, out)).toBe(0);
  expect(readFileSync(out, 'utf8')).toBe(readFileSync(beside, 'utf8'));
  expect(said).toEqual([beside, out]);
});

it('never writes over the status file', () => {
  const file = status_file();
  const before = readFileSync(file, 'utf8');
  expect(() => report_file(file, file)).toThrow(UsageError);
  expect(readFileSync(file, 'utf8')).toBe(before);
});

it('says what it cannot read or write', () => {
  const file = status_file();
  expect(() => report_file(file, join(unit_folder(), 'no', 'run.html'))).toThrow(/cannot be written: ENOENT/);
  expect(() => report_file(`${file}.not`)).toThrow(StatusFileError);
  expect(said).toEqual([]);
});
