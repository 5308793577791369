import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check_places, default_command, redirections, stages_of } from '../../src/sections/command.js';
import { LineCutter, parse_report, parse_sep_line } from '../../src/sections/far/report_lines.js';
import { datapath_in, own_folder } from '../../src/sections/far/scratch.js';
import { Pars } from '../../src/sections/pars.js';
import { safe_name } from '../../src/sections/safe_name.js';
import {
  next_piece_state,
  next_section_state,
  PIECE_TRANSITIONS,
  SECTION_TRANSITIONS,
} from '../../src/sections/section_state.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { test_folder } from './kit.js';

const FILES = [
  { key: 'in', path: '/s/a b.H', tag: '<', reuse_words: [] },
  { key: 'vel', path: '/s/vel.H', tag: 'intag=', reuse_words: [] },
  { key: 'db', path: '/s/db', tag: '-db', reuse_words: [] },
  { key: 'out', path: '/s/out.H', tag: '>', reuse_words: ['add=y'] },
];

describe('the command of a section', () => {
  it('has parameters and paths behind the program, by their tags', () => {
    const pars = new Pars({ nt: 10, name: "it's $x" });
    expect(default_command('fdmod', {}, pars, 'key=value', FILES)).toEqual([
      'fdmod',
      'nt=10',
      "name=it's $x",
      'intag=/s/vel.H',
      '-db',
      '/s/db',
      'add=y',
    ]);
    expect(redirections(FILES, pars, 'key=value')).toEqual({
      stdin: { path: '/s/a b.H' },
      stdout: '/s/out.H',
    });
  });

  it('has them where a word names them, and leaves other braces alone', () => {
    const files = [{ key: 'in', path: '/s/q.fa', tag: undefined, reuse_words: [] }];
    const words = ['awk', '{print $1}', '{in}', 'id={id}'];
    expect(default_command(words, { id: '7' }, new Pars(), 'key=value', files)).toEqual([
      'awk',
      '{print $1}',
      '/s/q.fa',
      'id=7',
    ]);
  });

  it('is looked at before anything runs: places of files, tags of standard input and output', () => {
    const input = (tag?: string) => new SplitFile({ name: 'in.txt', usage: 'INPUT', tag });
    const output = (tag?: string) => new SplitFile({ name: 'out.txt', usage: 'OUTPUT', tag });
    const check =
      (files: Parameters<typeof check_places>[1], program?: string[], style = 'key=value') =>
      () =>
        check_places(program, files, style as 'json');
    expect(check({ a: input(), b: output('>'), c: input('in=') }, ['x', 'if={a}'])).not.toThrow();
    expect(check({ a: input() }, undefined)).not.toThrow();
    expect(check({ a: input() }, ['x', '{b}'])).toThrow(/the file a has no place in the command/);
    expect(() => input('>')).toThrow("the tag '>' is for an OUTPUT");
    expect(() => output('<')).toThrow("the tag '<' is for an INPUT");
    expect(check({ a: input('<'), b: input('<') })).toThrow(
      /only one file can be the standard input, and a, b/,
    );
    expect(check({ a: output('>'), b: output('>') })).toThrow(/only one file can be the standard output/);
    expect(check({ a: input('<') }, ['x'], 'json')).toThrow(/which the file a has the tag of/);
  });

  it('is refused when a file has no place in it', () => {
    const files = [{ key: 'in', path: '/s/q.fa', tag: undefined, reuse_words: [] }];
    expect(() => default_command('prog', {}, new Pars(), 'key=value', files)).toThrow(
      /the file in has no place/,
    );
  });

  it('gets JSON on its standard input, if that is free', () => {
    const pars = new Pars({ n: 3 });
    expect(default_command('prog', {}, pars, 'json', [])).toEqual(['prog']);
    expect(redirections([], pars, 'json').stdin).toEqual({ text: pars.to_json() });
  });

  it('may be a pipeline, and must be words', () => {
    expect(stages_of([['a', '1'], ['b']])).toEqual([{ words: ['a', '1'] }, { words: ['b'] }]);
    expect(stages_of({ stages: [{ words: ['a'], env: { N: '1' } }] })).toEqual([
      { words: ['a'], env: { N: '1' } },
    ]);
    const no_words = [[], [[]], ['a', 3], [['a', 3]], [''], [['a'], 'b'], [undefined]];
    const no_stages = [{}, { stages: 3 }, { stages: [null] }, { stages: [{ words: ['a'], env: 3 }] }];
    for (const bad of [...no_words, ...no_stages, undefined, null, 3, 'prog n=3', () => ['prog']])
      expect(() => stages_of(bad)).toThrow(/command_func: expected an array of words, .*; it gave /s);
  });
});

describe('what a program reports', () => {
  it('is understood line by line, and what is none is not', () => {
    expect(parse_report('progress 3 of 10')).toEqual({ kind: 'progress', done: 3, total: 10 });
    expect(parse_report('progress 3')).toEqual({ kind: 'progress', done: 3, total: undefined });
    expect(parse_report('checkpoint finished=3 t=1:2')).toEqual({
      kind: 'checkpoint',
      text: 'finished=3 t=1:2',
      is_progress: false,
    });
    expect(parse_report('error a: b')).toEqual({ kind: 'error', text: 'a: b' });
    expect(parse_report('started')).toEqual({ kind: 'begun' });
    for (const line of ['', 'progress x', 'hello', 'checkpoint']) expect(parse_report(line)).toBeUndefined();
  });

  it("may be SEP's line on standard error", () => {
    expect(parse_sep_line('Fdmod finished=3 of 20')).toEqual({ done: 3, total: 20 });
    expect(parse_sep_line('I have unfinished=3 of 20')).toBeUndefined();
  });

  it('comes in pieces of any size', () => {
    const lines: string[] = [];
    const cutter = new LineCutter((line) => lines.push(line));
    for (const byte of Buffer.from('ä 1\nb\nrest')) cutter.push(Uint8Array.of(byte));
    cutter.end();
    expect(lines).toEqual(['ä 1', 'b', 'rest']);
  });
});

describe('names', () => {
  it('are safe in a path, and never the same for two texts', () => {
    const texts = [
      '0',
      'a:b',
      'a_b',
      'a/b',
      '../x',
      '',
      '-x',
      '.',
      '~',
      'ä',
      'x'.repeat(300),
      `${'x'.repeat(299)}y`,
    ];
    const names = texts.map(safe_name);
    expect(new Set(names).size).toBe(texts.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_~][A-Za-z0-9._~-]{0,70}$/);
  });
});

describe('.datapath', () => {
  it('gives the last line that fits, for this host or for all', () => {
    const text = 'datapath=/scr1/\n n3 datapath=/big/ \nnonsense\n';
    expect(datapath_in(text, 'n3')).toBe('/big/');
    expect(datapath_in(text, 'n4')).toBe('/scr1/');
    expect(datapath_in('n3 datapath=/big/\ndatapath=/scr1/', 'n3')).toBe('/scr1/');
    expect(datapath_in('', 'n3')).toBeUndefined();
  });
});

describe('the tables of states', () => {
  it('lead to states that are in them, and refuse the rest', () => {
    for (const row of Object.values(SECTION_TRANSITIONS))
      for (const state of Object.values(row)) expect(SECTION_TRANSITIONS).toHaveProperty(state);
    for (const row of Object.values(PIECE_TRANSITIONS))
      for (const state of Object.values(row)) expect(PIECE_TRANSITIONS).toHaveProperty(state);
    expect(() => next_section_state('collected', 'back')).toThrow('a section that is collected cannot back');
    expect(() => next_piece_state('absent', 'arrive')).toThrow('a piece that is absent cannot arrive');
  });
});

describe('the folder in the temporary one', () => {
  it('is made for its user alone', () => {
    const folder = join(test_folder(), 'parjob-me');
    expect(own_folder(folder)).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(own_folder(folder)).toBe(folder);
  });

  it('is not used when others may write in it, or it is a link', () => {
    const folder = join(test_folder(), 'parjob-me');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    expect(() => own_folder(folder)).toThrow(/is not this user's alone: .*chmod go-w/);
    chmodSync(folder, 0o755);
    const link = join(test_folder(), 'link');
    symlinkSync(folder, link);
    expect(() => own_folder(link)).toThrow("is not this user's alone");
  });
});
