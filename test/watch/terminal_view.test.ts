import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { divert_stderr, Log } from '../../src/base/log.js';
import { TerminalView } from '../../src/watch/terminal_view.js';
import { unit_folder } from '../kit/fake_slave.js';

it('makes room for the lines of the log', () => {
  let written = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += text;
    return true;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const view = new TerminalView(process.stderr, () => [['a view of the run']]);
  view.draw();
  const log = new Log({ level: 'warn' });
  log.warn({}, 'something is amiss');
  // the line that was shown is erased first
  const [, between = ''] = /a view of the run\n(.*)\{.*"msg":"something is amiss"\}\n$/s.exec(written) ?? [];
  expect(between).toContain('\u001b[2K');
  view.close();
  const taken: string[] = [];
  const give_back = divert_stderr((text) => taken.push(text));
  log.warn({}, 'more');
  give_back();
  expect(taken.length).toBe(1);
});

it('leaves logs to other descriptors alone', () => {
  const file = join(unit_folder(), 'log');
  const fd = openSync(file, 'w');
  onTestFinished(() => closeSync(fd));
  const give_back = divert_stderr(() => {
    throw new Error('it was given the line');
  });
  new Log({ level: 'warn', fd: fd as 1 }).warn({}, 'to the file');
  give_back();
  expect(readFileSync(file, 'utf8')).toContain('to the file');
});
