import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

  it('may have sections without parameters, as YAML writes them; what a section cannot have is told with its id', async () => {
    const folder = test_folder();
    const options = { ...in_folder(folder), slaves: hosts('a') };
    const parjob = job_of_spec({ sect_pars: { first: null, second: 'x=1' }, program: 'true' }, options);
    expect((await parjob.run()).done).toEqual(['first', 'second']);
    const bad = job_of_spec({ sect_pars: { first: {}, second: 3 }, program: 'true' }, options);
    await expect(bad.run()).rejects.toThrow(/section second: parameters must be/);
  });

  it('that cannot be run leaves the status file of the run before where it is', async () => {
    const folder = test_folder();
    const options = { ...in_folder(folder), slaves: hosts('a'), attempts: 1 };
    await expect(job_of_spec({ sect_pars: 1, program: 'false' }, options).run()).rejects.toThrow();
    const file = { type: 'split', usage: 'INPUT', name: join(folder, 'test.sections'), format: 'LINES' };
    const without_place = job_of_spec({ sect_pars: 1, program: 'true', files: { in: file } }, options);
    await expect(without_place.run()).rejects.toThrow(/the file in has no place/);
    const bad_job = job_of_spec({ sect_pars: 1, program: 'true' }, { ...options, job: { port: -1 } });
    await expect(bad_job.run()).rejects.toThrow(/option 'port'/);
    expect(existsSync(join(folder, 'test.sections.old'))).toBe(false);
    expect(readFileSync(join(folder, 'test.sections'), 'utf8')).toContain('"state":"failed"');
  });

  it('that cannot be is refused, and what is wrong is named', () => {
    expect(() => job_of_spec([])).toThrow(/a spec must be an object/);
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: { a: { name: 'a' } } })).toThrow(
      /the file a of the spec: it needs a type/,
    );
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', atempts: 2 })).toThrow(/did you mean 'attempts'/);
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', attempts: '3' })).toThrow(
      /option 'attempts' must be/,
    );
    const file = { type: 'split', usage: 'INPUT', name: 'a' };
    for (const files of [[file], 3])
      expect(() => job_of_spec({ sect_pars: 1, program: 'x', files })).toThrow(
        /files of the spec must be an object/,
      );
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: { a: { ...file, usage: 'IN' } } })).toThrow(
      /the file a of the spec: SplitFile: option 'usage' must be/,
    );
    expect(() =>
      job_of_spec({ sect_pars: 1, program: 'x', files: { a: { ...file, like: 'toString' } } }),
    ).toThrow(/the file a of the spec: it is like 'toString'/);
    const output = { type: 'split', usage: 'OUTPUT', name: 'a', format: 'LINES' };
    const two = { a: output, b: { ...output, name: './a' } };
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: two })).toThrow(
      /the files a and b are both collected as .\/a/,
    );
    const in_place = { a: { ...output, usage: 'INPUT' }, b: { ...output, name: './a' } };
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: in_place })).toThrow(
      /the output b would replace the input a, .*\/a, which a restart needs/,
    );
    const one = { ...two, b: { ...two.b, collect_it: false } };
    expect(() => job_of_spec({ sect_pars: 1, program: 'x', files: one })).not.toThrow();
    expect(() => job_of_spec({ sect_pars: 1, program: [] })).toThrow(
      /'program' must be .*the first of them the program/,
    );
  });
});

describe('a program with files around it', () => {
  it('is refused when it names a file that was not given', async () => {
    const refused = (program: string[]) => job_of_exec({ program, sections: 1, split: ['LINES:a'] });
    await expect(refused(['cat', '{in2}'])).rejects.toThrow(
      /the program has \{in2\}, .*: --split gives it one/,
    );
    await expect(refused(['cat', 'x={out}'])).rejects.toThrow(/the program has \{out\}, .*: --collect gives/);
    await expect(refused(['awk', '{print}', '{in}'])).resolves.toBeDefined();
  });

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

  it('has one header over its table, when a table is split', async () => {
    const folder = test_folder();
    const table = 'word,n\nfig,1\npear,2\nlime,3\n';
    const text = join(folder, 'out.txt');
    const out = join(folder, 'out.csv');
    writeFileSync(join(folder, 'in.csv'), table);
    const parjob = await job_of_exec({
      ...in_folder(folder),
      program: ['tee', '{out}'],
      split: [join(folder, 'in.csv')],
      collect: [out, text],
      sections: 3,
      slaves: hosts('a'),
    });
    await parjob.run();
    expect(readFileSync(out, 'utf8')).toBe(table);
    expect(readFileSync(text, 'utf8')).toBe('word,n\nfig,1\nword,n\npear,2\nword,n\nlime,3\n');
    expect(parjob.files['out']?.format?.name).toBe('CSV');
    const of_text = await job_of_exec({
      program: ['cat'],
      split: ['LINES:a'],
      collect: ['hits.tsv'],
      sections: 1,
    });
    expect(of_text.files['out']?.format?.name).not.toBe('TSV');
  });
});
