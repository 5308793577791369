import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOG_LEVELS, Log, type LogLevel, plain_line } from '../../src/base/log.js';

type Line = Record<string, unknown>;

let folder: string;
let file: string;
let fd: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parjob-log-'));
  file = join(folder, 'log');
  fd = openSync(file, 'w');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

function lines(): Line[] {
  const text = readFileSync(file, 'utf8');
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
}

/** Any descriptor serves; the type names those that parjob uses. */
const descriptor = () => fd as 1;

function write_all(log: Log): void {
  log.debug({ n: 1 }, 'debug');
  log.info({ n: 2 }, 'info');
  log.warn({ n: 3 }, 'warn');
  log.error({ n: 4 }, 'error');
}

describe('a log', () => {
  it('writes JSON lines with its bindings to its descriptor', () => {
    new Log({ fd: descriptor(), level: 'info', bindings: { slave: 'x.slave1' } }).info(
      { answer: 42 },
      'hello',
    );
    expect(lines()).toMatchObject([{ level: 30, slave: 'x.slave1', answer: 42, msg: 'hello' }]);
  });

  it.each<[LogLevel | undefined, string[]]>([
    ['trace', ['debug', 'info', 'warn', 'error']],
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    [undefined, ['warn', 'error']],
    ['error', ['error']],
    ['fatal', []],
    ['silent', []],
  ])('of level %s writes the lines %j', (level, written) => {
    write_all(new Log({ fd: descriptor(), level }));
    expect(lines().map((line) => line['msg'])).toEqual(written);
  });

  it('holds lines back while it is deferred, and writes them with their times on flush', () => {
    const log = new Log({ fd: descriptor(), level: 'info', deferred: true });
    const before = Date.now();
    log.info({ n: 1 }, 'first');
    log.debug({ n: 0 }, 'too low');
    log.warn({ n: 2 }, 'second');
    const after = Date.now();
    expect(lines()).toEqual([]);
    log.flush();
    expect(lines()).toMatchObject([
      { n: 1, msg: 'first' },
      { n: 2, msg: 'second' },
    ]);
    for (const line of lines()) {
      expect(line['queued_at']).toBeGreaterThanOrEqual(before);
      expect(line['queued_at']).toBeLessThanOrEqual(after);
    }
    log.info({}, 'third');
    expect(lines().at(-1)).toMatchObject({ msg: 'third' });
    expect(lines().at(-1)).not.toHaveProperty('queued_at');
  });

  it('writes nothing twice when it is flushed twice', () => {
    const log = new Log({ fd: descriptor(), deferred: true });
    log.error({}, 'once');
    log.flush();
    log.flush();
    expect(lines()).toHaveLength(1);
  });

  it('leaves the choice of lines to a logger that it was given', () => {
    const logger = pino({ level: 'debug' }, pino.destination({ dest: fd, sync: true }));
    write_all(new Log({ logger, level: 'error' }));
    expect(lines().map((line) => line['msg'])).toEqual(['debug', 'info', 'warn', 'error']);
  });

  it('knows the levels of pino, in their order', () => {
    const values = LOG_LEVELS.map((level) => pino.levels.values[level] ?? Infinity);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });
});

describe('a line for people', () => {
  const plain = (fields: Record<string, unknown>) =>
    plain_line(`${JSON.stringify({ level: 40, time: 1, job: 'x', msg: 'a slave was lost', ...fields })}\n`);

  it('has the text, what it is about and the first line of the reason', () => {
    const fields = { slave: 'x.slave0', why: 'died', reason: 'exited with code 3\n  log: x.slave0' };
    expect(plain(fields)).toBe('parjob: a slave was lost: slave x.slave0, why died: exited with code 3\n');
    expect(plain({})).toBe('parjob: a slave was lost\n');
  });

  it('does not say twice what the reason says', () => {
    const fields = { slave: 'x.slave0', reason: 'slave x.slave0 did not start' };
    expect(plain(fields)).toBe('parjob: a slave was lost: slave x.slave0 did not start\n');
  });

  it('has the stack of an error', () => {
    expect(plain({ err: { type: 'Error', stack: 'Error: no\n    at x.js:1' } })).toBe(
      'parjob: a slave was lost: Error: no\n    at x.js:1\n',
    );
  });
});
