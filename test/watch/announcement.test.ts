import { existsSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  announce,
  announcement_file,
  announcement_files,
  read_announcement,
} from '../../src/watch/dashboard/announcement.js';
import { unit_folder } from '../kit/fake_slave.js';

const refuse = (error: Error) => {
  throw error;
};

describe('an announcement', () => {
  it('says where the dashboard is, to this user alone, until it is withdrawn', () => {
    const folder = unit_folder();
    const withdraw = announce(folder, 'align', 'http://127.0.0.1:5/#token=x', refuse);
    const file = announcement_file(folder, 'align');
    expect(read_announcement(file)).toMatchObject({
      jobname: 'align',
      url: 'http://127.0.0.1:5/#token=x',
      pid: process.pid,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(announcement_files(folder)).toEqual([file]);
    withdraw();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leads nowhere that somebody else has prepared', () => {
    const folder = unit_folder();
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'as it was', { mode: 0o666 });
    symlinkSync(elsewhere, announcement_file(folder, 'align'));
    announce(folder, 'align', 'http://127.0.0.1:5/#token=x', refuse);
    expect(statSync(elsewhere).size).toBe('as it was'.length);
    expect(statSync(announcement_file(folder, 'align')).mode & 0o777).toBe(0o600);
  });

  it('of a later job of the same name stays', () => {
    const folder = unit_folder();
    const first = announce(folder, 'align', 'http://127.0.0.1:5/#token=x', refuse);
    const second = announce(folder, 'align', 'http://127.0.0.1:6/#token=y', refuse);
    first();
    expect(existsSync(announcement_file(folder, 'align'))).toBe(true);
    second();
    expect(existsSync(announcement_file(folder, 'align'))).toBe(false);
  });

  it('that cannot be written is told of, and no more', () => {
    const errors: Error[] = [];
    const withdraw = announce(join(unit_folder(), 'no'), 'align', 'http://x', (error) => errors.push(error));
    withdraw();
    expect(errors).toMatchObject([{ code: 'ENOENT' }]);
  });

  it('is not found where something else stands', () => {
    const file = join(unit_folder(), 'x.dashboard');
    expect(read_announcement(file)).toBeUndefined();
    writeFileSync(file, '{"jobname":"x"}');
    expect(read_announcement(file)).toBeUndefined();
  });
});
