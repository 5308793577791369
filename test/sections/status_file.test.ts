import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { leave_order, take_orders } from '../../src/sections/orders.js';
import { read_status, StatusFile } from '../../src/sections/status_file.js';
import { test_folder } from './kit.js';

const opened: StatusFile[] = [];
afterEach(() => {
  for (const status of opened.splice(0)) status.close();
});

function open(file: string, restart: boolean, on_notice?: (text: string) => void): StatusFile {
  const status = StatusFile.open({ file, jobname: 'test', on_notice }, restart);
  opened.push(status);
  return status;
}

describe('a status file of sections', () => {
  it('says what was written, the last of each field, when it is read again', () => {
    const file = join(test_folder(), 'test.sections');
    const status = open(file, false);
    status.write('section', 'a:b', { state: 'todo', checkpoint: 'x=1' });
    status.write('section', 'a:b', { state: 'sent', checkpoint: null });
    status.write('piece', 'p', { state: 'present' });
    status.write('piece', 'p', { gone: true });
    status.close();
    const again = open(file, true);
    expect(again.is_restart).toBe(true);
    expect(again.record('section', 'a:b')).toEqual({ state: 'sent' });
    expect(again.record('piece', 'p')).toBeUndefined();
    expect(again.header.run_id).toBe(status.header.run_id);
  });

  it('leaves out a last line that was cut off, and is written on behind the rest (defect 13)', () => {
    const file = join(test_folder(), 'test.sections');
    open(file, false).write('section', '0', { state: 'sent' });
    opened.splice(0)[0]?.close();
    appendFileSync(file, '{"kind":"section","id":"0","state":"fini');
    const notices: string[] = [];
    const status = open(file, true, (text) => notices.push(text));
    expect(status.record('section', '0')).toEqual({ state: 'sent' });
    expect(notices.join()).toMatch(/was cut off after 40 bytes/);
    status.write('section', '0', { state: 'running' });
    expect(read_status(file).records.by_kind.get('section')?.get('0')).toEqual({ state: 'running' });
  });

  it('takes what a person adds to it while no master has it open', () => {
    const file = join(test_folder(), 'test.sections');
    open(file, false).close();
    appendFileSync(file, '{"kind":"section","id":"7","state":"todo"}\n');
    expect(open(file, true).record('section', '7')).toEqual({ state: 'todo' });
  });

  it('refuses a second master, another job, another file, and a bad line by its number', () => {
    const folder = test_folder();
    const file = join(folder, 'test.sections');
    const first = open(file, false);
    expect(() => open(file, true)).toThrow(expect.objectContaining({ problem: 'locked' }));
    first.close();
    expect(() => StatusFile.open({ file, jobname: 'other' }, true)).toThrow(/is of job test, not of other/);
    appendFileSync(file, 'no json\n');
    expect(() => open(file, true)).toThrow(expect.objectContaining({ problem: 'damaged', line: 3 }));
    const other = join(folder, 'data.txt');
    writeFileSync(other, 'precious data\n');
    expect(() => open(other, true)).toThrow(expect.objectContaining({ problem: 'not_a_status_file' }));
    expect(readFileSync(other, 'utf8')).toBe('precious data\n');
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it('refuses what a section cannot have in a line by hand, by its number', () => {
    const file = join(test_folder(), 'test.sections');
    open(file, false).close();
    const before = readFileSync(file, 'utf8');
    for (const [fields, text] of [
      ['"state":"done"', /line 3 of .*: state cannot be "done"; a state is one of todo, sent, running/],
      ['"state":"todo","attempt":"2"', /attempt cannot be "2"/],
      ['"failed_on":"a"', /failed_on cannot be "a"/],
      ['"error":5', /error cannot be 5/],
    ] as const) {
      writeFileSync(file, `${before}{"kind":"section","id":"7",${fields}}\n`);
      expect(() => open(file, true)).toThrow(text);
    }
    writeFileSync(file, `${before}{"kind":"section","id":"7","state":"todo","host":null,"later":1}\n`);
    expect(open(file, true).record('section', '7')).toEqual({ state: 'todo', later: 1 });
  });

  it('is never written in place: only added to, or written anew beside itself and renamed (defect 13)', () => {
    const file = join(test_folder(), 'test.sections');
    const status = open(file, false);
    let before = statSync(file);
    let renamed = 0;
    for (let i = 0; i < 10_500; i++) {
      status.write('section', String(i % 3), { state: 'running', done: i });
      const now = statSync(file);
      if (now.ino !== before.ino) renamed++;
      else expect(now.size).toBeGreaterThan(before.size);
      before = now;
    }
    expect(renamed).toBe(1);
    expect(readdirSync(dirname(file)).toSorted()).toEqual(['test.sections', 'test.sections.lock']);
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(1000);
    status.close();
    expect(open(file, true).record('section', '0')).toEqual({ state: 'running', done: 10_497 });
  });
});

describe('orders of a person', () => {
  it('are taken once, in their order; what is none is removed and told', () => {
    const file = join(test_folder(), 'test.sections');
    expect(take_orders(file, () => {})).toEqual([]);
    leave_order(file, { kind: 'set_section', id: '7', state: 'todo' });
    leave_order(file, { kind: 'drain_host', host: 'n3' });
    writeFileSync(join(`${file}.orders`, '999999999999999-x.json'), '{"kind":"format_disk"}');
    const bad: string[] = [];
    expect(take_orders(file, (text) => bad.push(text))).toEqual([
      { kind: 'set_section', id: '7', state: 'todo' },
      { kind: 'drain_host', host: 'n3' },
    ]);
    expect(bad).toHaveLength(1);
    expect(take_orders(file, () => {})).toEqual([]);
  });
});
