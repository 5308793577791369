import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LaunchOrder } from '../../src/launch/launcher.js';
import { write_script } from '../../src/launch/script_file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parjob-script-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function order(): LaunchOrder {
  return { slave_id: 3, launch: 1, secret_file: () => join(folder, 'x.secret') } as unknown as LaunchOrder;
}

it('writes a script that only its owner may read and run, and removes it', () => {
  const { path, remove } = write_script(order(), 'true\n');
  expect(path).toBe(join(folder, 'x.secret.3.1.sh'));
  expect(readFileSync(path, 'utf8')).toBe('true\n');
  expect(statSync(path).mode & 0o777).toBe(0o700);
  remove();
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

it('writes neither through a link nor into a file that somebody has laid there', () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, join(folder, 'x.secret.3.1.sh'));
  expect(() => write_script(order(), 'true\n')).toThrow(/EEXIST/);
  expect(readFileSync(victim, 'utf8')).toBe('precious');
});
