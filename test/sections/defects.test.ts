/**
 * The reference's list of 18 defects and its 18 checks: each has tests with its number in their names, `(9, defect 6)`. Here
 * are those of defects that no other file is about.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ssh_slaves } from '../../src/master/remote/ssh_slave.js';
import { ParJob } from '../../src/sections/par_job.js';
import { job_of_spec } from '../../src/sections/spec.js';
import { test_folder } from './kit.js';

const HERE = import.meta.dirname;
const ALL = Array.from({ length: 18 }, (_, i) => i + 1);

/** Numbers in the brackets at the end of names of tests: of checks, and of defects. */
function numbers_in_names(): { checks: Set<number>; defects: Set<number> } {
  const found = { checks: new Set<number>(), defects: new Set<number>() };
  for (const file of readdirSync(HERE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts')) continue;
    const text = readFileSync(join(HERE, file), 'utf8');
    for (const [, numbers = ''] of text.matchAll(/\(((?:\d|defect)[^()]*)\)['`],/g)) {
      const [, check] = /^(\d+)/.exec(numbers) ?? [];
      if (check !== undefined) found.checks.add(Number(check));
      const [, list = ''] = /defects? (\d+(?:(?:, | and )\d+)*)/.exec(numbers) ?? [];
      for (const [number] of list.matchAll(/\d+/g)) found.defects.add(Number(number));
    }
  }
  return found;
}

describe('the lists of the reference', () => {
  it('have a test for each of their numbers', () => {
    const { checks, defects } = numbers_in_names();
    expect(ALL.filter((number) => !checks.has(number))).toEqual([]);
    expect(ALL.filter((number) => !defects.has(number))).toEqual([]);
  });
});

describe('a machine file', () => {
  it('may name a host again, count its slots, and have comments (1, defect 1)', () => {
    const mfile = join(test_folder(), 'mfile');
    writeFileSync(mfile, '# our machines\na\n\nb:2   # the fast one\na\nc slots=2\n3/d\n');
    const slots = ssh_slaves(mfile).map(({ launcher }) => launcher.host);
    expect(slots.join(' ')).toBe('a a b b c c d d d');
  });
});

describe('options', () => {
  const job = { sect_pars: 1, files: {}, program: 'true' };

  it('are numbers where they are compared: text is refused, not taken for no limit (defect 2)', () => {
    for (const attempts of ['3', '', 0, 1.5, Number.NaN, null]) {
      expect(() => new ParJob({ ...job, attempts: attempts as number })).toThrow(
        /option 'attempts' must be a whole number/,
      );
      expect(() => job_of_spec({ ...job, attempts })).toThrow(/option 'attempts' must be a whole number/);
    }
    expect(() => new ParJob({ ...job, attempts: 3 })).not.toThrow();
  });

  it('that nobody would read are refused, with one that is like them (defect 17)', () => {
    for (const [wrong, right] of [
      ['attemps', 'attempts'],
      ['logdir', 'log_dir'],
      ['njob', 'njobs'],
    ] as const)
      expect(() => new ParJob({ ...job, [wrong]: 3 })).toThrow(new RegExp(`'${wrong}'.*'${right}'`));
    for (const other of ['mach_njobs', 'mpich_bindir', 'redo_collect'])
      expect(() => new ParJob({ ...job, [other]: 3 })).toThrow(other);
  });
});
