import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretFile } from '../../src/master/secret_file.js';
import { unit_folder } from '../kit/fake_slave.js';

const SECRET = 'ab'.repeat(32);
const before = process.cwd();
let folder: string;
const files: SecretFile[] = [];

beforeEach(() => {
  folder = unit_folder();
  process.chdir(folder);
});
afterEach(() => {
  for (const file of files.splice(0)) file.remove();
  process.chdir(before);
});

function secret_file(): SecretFile {
  const file = new SecretFile(() => SECRET);
  files.push(file);
  return file;
}

/** The number of a process that has ended. */
function dead_pid(): number {
  return spawnSync('true').pid;
}

const mine = (pid: number | string, end = 'abc.secret') => `.parjob.${hostname()}.${pid}.${end}`;

describe('the file with the secret', () => {
  it('is there when it is asked for, in the working directory, hidden, and for its owner alone', () => {
    const file = secret_file();
    expect(readdirSync(folder)).toEqual([]);
    const path = file.path();
    expect(readdirSync(folder)).toEqual([path.slice(folder.length + 1)]);
    expect(path.startsWith(join(folder, '.'))).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(`${SECRET}\n`);
    const mask = process.umask(0);
    try {
      expect(statSync(secret_file().path()).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(mask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is one, however often it is asked for, and another for another job', () => {
    const [one, other] = [secret_file(), secret_file()];
    expect(one.path()).toBe(one.path());
    expect(other.path()).not.toBe(one.path());
    one.remove();
    expect(existsSync(other.path())).toBe(true);
  });

  it('goes with the job, and may be removed twice, or without having been', () => {
    const file = secret_file();
    file.remove();
    const path = file.path();
    file.remove();
    file.remove();
    expect(existsSync(path)).toBe(false);
  });

  it('is not disturbed when somebody else has removed it', () => {
    const file = secret_file();
    rmSync(file.path());
    expect(() => file.remove()).not.toThrow();
  });

  it('goes with the process, too', () => {
    const program = `
      import { SecretFile } from ${JSON.stringify(new URL('../../src/master/secret_file.ts', import.meta.url).href)};
      process.chdir(${JSON.stringify(folder)});
      console.log(new SecretFile(() => 'x').path());
      throw new Error('nobody catches this');`;
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', program],
      {
        cwd: before,
        encoding: 'utf8',
      },
    );
    expect(status).toBe(1);
    expect(stdout.trim()).toMatch(/\.secret$/);
    expect(existsSync(stdout.trim())).toBe(false);
  });

  it('takes away what dead masters of this machine have left, and nothing else', () => {
    const left = [mine(dead_pid()), mine(dead_pid(), 'abc.secret.3.0.sh')];
    const kept = [
      mine(process.pid, 'other.secret'),
      mine(1, 'of_another_user.secret'),
      mine('x'),
      `.parjob.another_machine.${dead_pid()}.abc.secret`,
      'results.secret',
      '.parjob',
    ];
    for (const name of [...left, ...kept]) writeFileSync(join(folder, name), '');
    const path = secret_file().path();
    expect(readdirSync(folder).sort()).toEqual([...kept, path.slice(folder.length + 1)].sort());
  });

  it('is made though something of that name cannot be removed', () => {
    mkdirSync(join(folder, mine(dead_pid()), 'kept'), { recursive: true });
    expect(existsSync(secret_file().path())).toBe(true);
  });

  it('cannot be made where nobody may write, and says what to do', () => {
    // not even root may
    process.chdir('/proc/self');
    expect(() => secret_file().path()).toThrow(
      /cannot be written in \/proc\/.*start the program in a folder that/s,
    );
  });
});
