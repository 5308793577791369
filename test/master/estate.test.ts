import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Estate } from '../../src/master/estate.js';
import type { JobTask } from '../../src/master/queued_task.js';

const SECRET = Buffer.alloc(32, 7);

let folder: string;
let status_file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parjob-estate-'));
  status_file = join(folder, 'job.status');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a master with slaves 0 and 1 has recorded. This process stands for slave 0, nobody for slave 1. */
function facts(): Map<string, unknown> {
  return new Map<string, unknown>([
    ['listener', { local: 4711, network: 'no port' }],
    ['slave.0', { slave_id: 0, number: 3, launch: 2, pid: process.pid }],
    ['slave.1', { slave_id: 1, number: 4, launch: 0, pid: 2 ** 30 }],
    ['slave.2', { slave_id: 'two', number: -1 }],
  ]);
}

function left_estate(recorded: Map<string, unknown> | undefined = facts()): Estate {
  new Estate(status_file, undefined).leave_secret(SECRET);
  return new Estate(status_file, recorded);
}

const task = (name: string) => ({ name }) as unknown as JobTask;

describe('the secret of a dead master', () => {
  it('is found by the next, in a file that only its owner may read, with the port', () => {
    const { secret, ports } = left_estate();
    expect(secret).toEqual(SECRET);
    expect(ports).toEqual({ local: 4711, network: undefined });
    expect(statSync(`${status_file}.secret`).mode & 0o777).toBe(0o600);
    expect(readFileSync(`${status_file}.secret`, 'latin1').trim()).toBe(SECRET.toString('hex'));
  });

  it('is not taken from a file that others could have written or read', () => {
    left_estate();
    chmodSync(`${status_file}.secret`, 0o644);
    const estate = new Estate(status_file, facts());
    expect(estate.secret).toBeUndefined();
    expect(estate.heir(0)).toBeUndefined();
  });

  it('is not taken when it is none', () => {
    writeFileSync(`${status_file}.secret`, 'a word\n', { mode: 0o600 });
    expect(new Estate(status_file, facts()).secret).toBeUndefined();
  });

  it('is never written to a file that somebody has laid there', () => {
    writeFileSync(`${status_file}.secret.${process.pid}`, 'mine', { mode: 0o666 });
    left_estate();
    expect(readFileSync(`${status_file}.secret.${process.pid}`, 'utf8')).toBe('mine');
    expect(statSync(`${status_file}.secret`).mode & 0o777).toBe(0o600);
  });

  it('is gone when the job has ended', () => {
    left_estate().remove_secret();
    expect(existsSync(`${status_file}.secret`)).toBe(false);
    expect(() => new Estate(status_file, undefined).remove_secret()).not.toThrow();
  });
});

describe('the slaves of a dead master', () => {
  it('may come back, if their process lives', () => {
    const estate = left_estate();
    expect(estate.heir(0)).toEqual({ slave_id: 0, number: 3, launch: 2, pid: process.pid });
    expect(estate.heir(1)).toBeUndefined();
    expect(estate.heir(2)).toBeUndefined();
    expect(estate.highest_number).toBe(3);
  });

  it('are none when nobody had recorded any', () => {
    const estate = left_estate(new Map());
    expect(estate.heir(0)).toBeUndefined();
    expect(estate.highest_number).toBe(-1);
  });
});

describe('the tasks of a slave that may come back', () => {
  it('are kept for what it has made of them, under their place in that run', () => {
    const estate = left_estate();
    const [one, two] = [task('one'), task('two')];
    expect(estate.reserve(3, { task: one, index: 10, attempt: 1 })).toBe(true);
    expect(estate.reserve(3, { task: two, index: 11, attempt: 2 })).toBe(true);
    expect(estate.claim(3, 10, 2), 'of another attempt').toBeUndefined();
    expect(estate.claim(3, 11, 2)).toBe(two);
    expect(estate.claim(3, 11, 2), 'a second time').toBeUndefined();
    const heir = estate.heir(0);
    expect(heir && estate.close(heir)).toEqual([one]);
    expect(estate.heir(0)).toBeUndefined();
  });

  it('are not kept for one that will not', () => {
    expect(left_estate().reserve(4, { task: task('one'), index: 0, attempt: 1 })).toBe(false);
  });
});
