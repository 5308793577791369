import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { job_of_exec, job_of_spec } from '../../src/sections/spec.js';
import { hosts, in_folder, test_folder } from './kit.js';

const WORDS = Array.from({ length: 9 }, (_, i) => `word ${i}\n`).join('');

describe('a spec', () => {
  it('runs as the ParJob that it describes', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.txt'), WORDS);
    const spec = {
      sect_pars: { first: {}, second: {}, third: {} },
      program: ['sed', 's/word/WORD/', '{in}'],
      files: {
        in: { type: 'split', usage: 'INPUT', name: join(folder, 'in.txt') },
        out: { type: 'split', usage: 'OUTPUT', name: join(folder, 'out.txt'), tag: '>', like: 'in' },
      },
    };
    const parjob = job_of_spec(JSON.parse(JSON.stringify(spec)), {
      ...in_folder(folder),
      slaves: hosts('a'),
    });
    expect((await parjob.run()).done).toEqual(['first', 'second', 'third']);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(WORDS.replaceAll('word', 'WORD'));
  });

  it('that cannot be is refused, and what is wrong is named', () => {
    expect(() => job_of_spec([])).toThrow(/a spec must be an object/);
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: { a: { name: 'a' } } })).toThrow(
      /the file a of the spec needs a type/,
    );
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', atempts: 2 })).toThrow(/did you mean 'attempts'/);
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', attempts: '3' })).toThrow(
      /option 'attempts' must be/,
    );
  });
});

describe('a program with files around it', () => {
  it('is run over parts of its input, as many as there are records for', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.txt'), WORDS);
    writeFileSync(join(folder, 'map.sed'), 's/word/Word/\n');
    const parjob = await job_of_exec({
      ...in_folder(folder),
      program: ['sed', '-f', '{copy}'],
      split: [`LINES:${join(folder, 'in.txt')}`],
      copy: [join(folder, 'map.sed')],
      collect: [join(folder, 'out.txt')],
      njobs: 3,
      slaves: hosts('a', 'b'),
    });
    expect((await parjob.run()).done).toHaveLength(9);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(WORDS.replaceAll('word', 'Word'));
  });
});
