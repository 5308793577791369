import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StatusFileError } from '../../src/errors.js';
import { Lock, STALE_AFTER } from '../../src/journal/lock.js';
import { is_running, new_owner, type Owner, parse_owner } from '../../src/journal/owner.js';
import { Program } from '../kit/processes.js';
import { wait_until } from '../kit/wait_until.js';
import { temporary_folders } from './kit.js';

const new_folder = temporary_folders();
const ROOT = new URL('../..', import.meta.url).pathname;

function new_file(): string {
  return join(new_folder(), 'align.status');
}

/** The lock of a process that is gone. */
function dead_owner(more: Partial<Owner> = {}): Owner {
  return { ...new_owner(), pid: 2 ** 30, ...more };
}

function put(file: string, owner: Owner | string): void {
  writeFileSync(`${file}.lock`, typeof owner === 'string' ? owner : JSON.stringify(owner));
}

function refusal(file: string): StatusFileError {
  try {
    Lock.acquire(file).release();
  } catch (error) {
    expect(error).toBeInstanceOf(StatusFileError);
    return error as StatusFileError;
  }
  throw new Error('it was not refused');
}

function age(file: string, ms: number): void {
  const then = (Date.now() - ms) / 1000;
  utimesSync(`${file}.lock`, then, then);
}

describe('a lock', () => {
  it('is there while it is held, and gone without a trace afterwards', () => {
    const file = new_file();
    const lock = Lock.acquire(file);
    expect(parse_owner(readFileSync(lock.path, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.check();
    lock.release();
    lock.release();
    expect(readdirSync(dirname(file))).toEqual([]);
  });

  it('keeps others out, and says who holds it, since when, and what to do', () => {
    const file = new_file();
    put(file, {
      ...new_owner(),
      pid: process.ppid,
      started: undefined,
      host: 'node7',
      since: '2026-01-02T03:04:05.000Z',
    });
    const { message, problem } = refusal(file);
    expect(problem).toBe('locked');
    expect(message).toContain(
      `${file} is in use by process ${process.ppid} on node7, since 2026-01-02T03:04:05.000Z`,
    );
    expect(message).toContain(`remove ${file}.lock`);
    expect(readdirSync(dirname(file))).toEqual(['align.status.lock']);
  });

  it('keeps out a second job of the same process', () => {
    const file = new_file();
    const lock = Lock.acquire(file);
    expect(refusal(file).message).toContain('another job of this process');
    lock.release();
    Lock.acquire(file).release();
  });

  it.each([
    ['is gone', dead_owner()],
    ['is gone, and its number is that of another process', { ...new_owner(), started: 1 }],
  ])('of a process that %s is taken over, with a notice', (_what, owner) => {
    const file = new_file();
    put(file, owner);
    const notices: string[] = [];
    const lock = Lock.acquire(file, (text) => notices.push(text));
    expect(notices).toEqual([expect.stringContaining(`process ${owner.pid} on ${owner.host}`)]);
    expect(readdirSync(dirname(file))).toEqual(['align.status.lock']);
    lock.release();
  });

  it.each([
    ['another machine', JSON.stringify({ ...dead_owner(), host: 'node7', machine: 'another' })],
    ['nobody we know', 'what is this?'],
    ['nobody', ''],
  ])('of %s is taken over when it was not refreshed for a minute, not before', (_what, text) => {
    const file = new_file();
    put(file, text);
    age(file, STALE_AFTER - 20_000);
    expect(refusal(file).problem).toBe('locked');
    age(file, STALE_AFTER + 20_000);
    Lock.acquire(file).release();
    expect(readdirSync(dirname(file))).toEqual([]);
  });

  it('is taken over after a master that was ended while it did just that', () => {
    const file = new_file();
    const stale = dead_owner();
    put(file, stale);
    const claim = dead_owner({ token: '0123456789ab' });
    writeFileSync(`${file}.lock.${stale.token}`, JSON.stringify(claim));
    Lock.acquire(file).release();
    expect(readdirSync(dirname(file))).toEqual([]);
  });

  it('is not taken over while another does just that', () => {
    const file = new_file();
    const stale = dead_owner();
    put(file, stale);
    writeFileSync(`${file}.lock.${stale.token}`, JSON.stringify(new_owner()));
    expect(refusal(file).problem).toBe('locked');
    expect(parse_owner(readFileSync(`${file}.lock`, 'utf8'))).toEqual(stale);
  });

  it('cannot be made where nothing can be written', () => {
    expect(refusal(join(new_folder(), 'no', 'such', 'folder')).problem).toBe('unwritable');
  });
});

describe('a lock that is held for long', () => {
  afterEach(() => vi.useRealTimers());

  it('is refreshed', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const file = new_file();
    const lock = Lock.acquire(file);
    put(file, { ...(JSON.parse(readFileSync(lock.path, 'utf8')) as Owner), machine: 'another' });
    age(file, STALE_AFTER + 20_000);
    vi.advanceTimersByTime(10_000);
    expect(refusal(file).problem).toBe('locked');
    lock.release();
  });

  it('and was taken over is noticed, and not given back', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const file = new_file();
    const lock = Lock.acquire(file);
    const other = { ...new_owner(), pid: process.ppid };
    put(file, other);
    lock.check();
    vi.advanceTimersByTime(10_000);
    expect(() => lock.check()).toThrow(/was taken over by process \d+ on .*must not write any more/);
    lock.release();
    expect(parse_owner(readFileSync(lock.path, 'utf8'))?.token).toBe(other.token);
  });

  it('is looked at before a write, when the process was held up', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const file = new_file();
    const lock = Lock.acquire(file);
    put(file, { ...new_owner(), pid: process.ppid });
    vi.setSystemTime(Date.now() + 40_000);
    expect(() => lock.check()).toThrow(/was taken over/);
    lock.release();
  });

  it('is made again when somebody has removed it', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const file = new_file();
    const lock = Lock.acquire(file);
    rmSync(lock.path);
    vi.advanceTimersByTime(10_000);
    lock.check();
    expect(refusal(file).problem).toBe('locked');
    lock.release();
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});

describe('an owner', () => {
  it('runs, or does not, or cannot be told', () => {
    expect(is_running(new_owner())).toBe(true);
    expect(is_running(dead_owner())).toBe(false);
    expect(is_running({ ...new_owner(), machine: 'another', host: 'another' })).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux')('does not run when it only waits to be reaped', async () => {
    // sleep takes the place of the shell and never asks for the shell's child
    const script = 'sleep 1000 & echo $!; exec sleep 1000';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const owner = { ...new_owner(), pid: Number(line), started: undefined };
      const name_of = (pid: number | undefined) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      await wait_until(
        () => name_of(parent.pid) === 'sleep' && name_of(owner.pid) === 'sleep',
        'two sleepers',
      );
      expect(is_running(owner)).toBe(true);
      process.kill(owner.pid);
      await wait_until(() => is_running(owner) === false, 'the end of the child');
      expect(existsSync(`/proc/${owner.pid}/stat`)).toBe(true);
    } finally {
      parent.kill();
    }
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['nothing', '{}'],
    ['a pid that is none', JSON.stringify({ ...new_owner(), pid: -1 })],
    ['a token that is a path', JSON.stringify({ ...new_owner(), token: '../../x' })],
  ])('is not read from %s', (_what, text) => {
    expect(parse_owner(text)).toBeUndefined();
  });
});

describe('masters that race for a lock, stale or not', () => {
  it('never hold it at the same time, and none is kept out for ever', async () => {
    const file = new_file();
    const args = ['--import', 'tsx', 'test/journal/programs/lock_racer.ts', file, '150'];
    const racers = [1, 2, 3].map(() => new Program(args, { cwd: ROOT }));
    for (const racer of racers) expect(await racer.line()).toBe('ready');
    writeFileSync(`${file}.go`, '');
    const reports = await Promise.all(racers.map((racer) => racer.line()));
    for (const report of reports) expect(JSON.parse(report)).toMatchObject({ taken: 150, violations: 0 });
    const refused = reports.map((report) => (JSON.parse(report) as { refused: number }).refused);
    expect(Math.max(...refused)).toBeGreaterThan(0);
    await Promise.all(racers.map(({ ended }) => ended));
    rmSync(`${file}.go`);
    expect(readdirSync(dirname(file)).filter((name) => name !== 'align.status.lock')).toEqual([]);
  });

  it('leave no lock behind when they end by process.exit', () => {
    const file = new_file();
    const url = new URL('../../src/journal/lock.ts', import.meta.url).href;
    const script = `const { Lock } = await import(${JSON.stringify(url)}); Lock.acquire(${JSON.stringify(file)}); process.exit(0)`;
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: ROOT });
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});
