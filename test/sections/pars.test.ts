import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Pars, type ParValue } from '../../src/sections/pars.js';

const folder = mkdtempSync(join(tmpdir(), 'parjob-pars-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file_with(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const any_text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", ',', '#', '=', '\t', '\n', 'é', '\\', '$') }),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
);
const any_key = fc
  .stringMatching(/^[A-Za-z_][\w.-]{0,6}$/)
  .filter((key) => key !== 'par' && key !== '__proto__');
const any_value = fc.oneof(any_text, fc.array(any_text, { minLength: 2, maxLength: 4 }));
const any_texts = fc.dictionary(any_key, any_value, { noNullPrototype: true });

describe('parameters from text', () => {
  it('are the words with =, the last one of each name', () => {
    expect(Pars.parse('n1=3 Window: bob n1=4\n\to1=0.5').to_object()).toEqual({ n1: '4', o1: '0.5' });
  });

  it('are what a checkpoint says: finished=23 of 40', () => {
    expect(Pars.parse('c=27 d=28 e=1,2,3 finished=23 of 40').to_object()).toEqual({
      c: '27',
      d: '28',
      e: ['1', '2', '3'],
      finished: '23',
    });
  });

  it('keep blanks, commas and the other quote within quotes', () => {
    const pars = Pars.parse(`a="Offset (km)" b='say "it"' c="1,2" d=x,"y, z" e="" f='don'"'"'t'`);
    expect(pars.to_object()).toEqual({
      a: 'Offset (km)',
      b: 'say "it"',
      c: '1,2',
      d: ['x', 'y, z'],
      e: '',
      f: "don't",
    });
  });

  it('take a quote that is not closed, or not at the start, as it is', () => {
    expect(Pars.parse(`a=Bob's b=5" c="5 d=1`).to_object()).toEqual({ a: "Bob's", b: '5"', c: '"5', d: '1' });
  });

  it('end at a word that begins with a hash, until the next line', () => {
    expect(Pars.parse('a=1 # b=2\nc=x#y').to_object()).toEqual({ a: '1', c: 'x#y' });
  });

  it('have no name without a letter: =5 is no assignment, a= is an empty one', () => {
    expect(Pars.parse('=5 a= b==c').to_object()).toEqual({ a: '', b: '=c' });
  });

  it('are the same after they were written as text, whatever is in them', () => {
    fc.assert(
      fc.property(any_texts, (object) => {
        const pars = new Pars(object);
        expect(Pars.parse(pars.toString()).to_object()).toEqual(object);
      }),
      { numRuns: 1000 },
    );
  });

  it('never fail, whatever the text is', () => {
    const any = fc.string({ unit: fc.constantFrom('a', '=', '"', "'", ',', ' ', '\n', '#') });
    fc.assert(
      fc.property(any, (text) => {
        const pars = Pars.parse(text);
        expect(Pars.parse(pars.toString()).to_object()).toEqual(pars.to_object());
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parameter files', () => {
  it('are read in place, from the folder of the file that names them', () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    file_with('sub/inner.par', 'b=inner c=inner par=innermost.par');
    file_with('sub/innermost.par', 'd="deep down"');
    const file = file_with('outer.par', 'a=outer b=outer par=sub/inner.par c=outer');
    expect(Pars.read(file).to_object()).toEqual({ a: 'outer', b: 'inner', c: 'outer', d: 'deep down' });
    expect(Pars.parse('par=outer.par b=last', { folder }).text('b')).toBe('last');
  });

  it('may be read twice, and several at once', () => {
    file_with('one.par', 'x=1');
    file_with('two.par', 'y=2 par=one.par');
    expect(Pars.parse('par=one.par,two.par x=3 par=one.par', { folder }).to_object()).toEqual({
      x: '1',
      y: '2',
    });
  });

  it('that read themselves are refused, and the loop is named', () => {
    const a = file_with('loop_a.par', 'par=loop_b.par');
    const b = file_with('loop_b.par', 'n=1 par=loop_a.par');
    expect(() => Pars.read(a)).toThrow(`a parameter file reads itself: ${a} reads ${b} reads ${a}`);
  });

  it('that are not there are named, with the file that asks for them', () => {
    const file = file_with('asks.par', 'par=nowhere.par');
    expect(() => Pars.read(file)).toThrow(
      `the parameter file ${join(folder, 'nowhere.par')} (par= in ${file}) cannot be read: ENOENT`,
    );
    expect(() => Pars.parse('par=nowhere.par', { folder })).toThrow(UsageError);
  });

  it('keep their lines when a set is written to them: who wrote, and what has changed, comes behind', async () => {
    const file = file_with('history.par', 'n1=3 o1=0\n# said before');
    await Pars.merge({ n1: 4, o1: 0, label: 'a b' }).write(file, { program: 'test program' });
    const text = readFileSync(file, 'utf8').split('\n');
    expect(text.slice(0, 2)).toEqual(['n1=3 o1=0', '# said before']);
    expect(text[2]).toMatch(/^# test program: \S+@\S+ \d{4}-\d\d-\d\dT/);
    expect(text[2]).toContain(`@${hostname()} `);
    expect(text.slice(3)).toEqual(['n1=4', 'label="a b"', '']);
    expect(Pars.read(file).to_object()).toEqual({ n1: '4', o1: '0', label: 'a b' });
  });

  it('are left as they are when an open quote in them would swallow what is written', async () => {
    const file = file_with('open.par', 'label="not closed');
    await expect(new Pars('a=2 b="q r"').write(file)).rejects.toThrow(
      /open\.par has a quote that nothing closes, and would not give back a=2/,
    );
    expect(readFileSync(file, 'utf8')).toBe('label="not closed');
  });

  it('hold any set', async () => {
    await fc.assert(
      fc.asyncProperty(any_texts, async (object) => {
        const file = join(folder, 'any.par');
        rmSync(file, { force: true });
        await new Pars(object).write(file);
        expect(Pars.read(file).to_object()).toEqual(object);
      }),
      { numRuns: 40 },
    );
  });
});

describe('sets of parameters', () => {
  it('are merged: the later one is taken, or the first one', () => {
    const merged = Pars.merge({ a: 1, b: 1 }, 'b=2 c=2', new Pars({ c: 3 }));
    expect(merged.to_object()).toEqual({ a: 1, b: '2', c: 3 });
    expect(merged.add({ a: 9, d: 9 }, { overwrite: false }).to_object()).toEqual({
      a: 1,
      b: '2',
      c: 3,
      d: 9,
    });
  });

  it('do not share what they hold', () => {
    const list = [1, 2];
    const pars = new Pars({ list });
    const copy = pars.clone().set('more', true);
    list.push(3);
    (copy.to_object()['list'] as number[]).push(4);
    expect(pars.to_object()).toEqual({ list: [1, 2] });
    expect(copy.delete('list')).toBe(true);
    expect(copy.keys()).toEqual(['more']);
    expect(pars.has('list')).toBe(true);
    expect(pars.size).toBe(1);
  });

  it('give out those with a prefix, without it', () => {
    const pars = new Pars({ 'mig.nz': 3, 'mig.dz': 0.5, nz: 9, 'mig.': 1 });
    expect(pars.extract('mig.').to_object()).toEqual({ nz: 3, dz: 0.5 });
  });

  it('are made of no object that hides what it holds, such as a Map', () => {
    for (const source of [new Map([['n', 3]]), new Set(['n=3']), ['n=3'], Buffer.from('n=3'), null, 3])
      expect(() => new Pars(source as never)).toThrow(/must be text, an object or a Pars, got /);
  });

  it('refuse what no text can say, by name', () => {
    const bad = (object: object) => () => new Pars(object as Record<string, ParValue>);
    expect(bad({ 'a b': 1 })).toThrow("must be a word without blanks, quotes, commas, = or #, got 'a b'");
    expect(bad({ a: [] })).toThrow("parameter 'a'");
    expect(bad({ a: Number.NaN })).toThrow(
      "parameter 'a' must be text without a zero character, a finite number",
    );
    expect(bad({ a: { b: 1 } })).toThrow('got { b: 1 }');
    expect(bad({ a: [1, null] })).toThrow('got null');
    expect(bad({ a: 'x\0' })).toThrow(UsageError);
    expect(() => new Pars(['a=1'] as unknown as string)).toThrow('must be text, an object or a Pars');
  });
});

describe('typed parameters', () => {
  const pars = Pars.parse("n=12 x=-1.5e3 f=2d-1 t='a b' yes=y no=0 some=1,2,3 words=a,b one=7 half=1.5");

  it('are texts, numbers, truths and lists', () => {
    expect(pars.integer('n')).toBe(12);
    expect(pars.number('x')).toBe(-1500);
    expect(pars.number('f')).toBe(0.2);
    expect(pars.text('t')).toBe('a b');
    expect([pars.logic('yes'), pars.logic('no')]).toEqual([true, false]);
    expect(pars.integers('some')).toEqual([1, 2, 3]);
    expect(pars.texts('words')).toEqual(['a', 'b']);
    expect(pars.numbers('one')).toEqual([7]);
  });

  it('may be given as what they are', () => {
    const typed = new Pars({ n: 3, flag: true, one: ['x'] });
    expect([typed.integer('n'), typed.text('n'), typed.logic('flag'), typed.text('one')]).toEqual([
      3,
      '3',
      true,
      'x',
    ]);
  });

  it('have a default only if they are not set', () => {
    expect([pars.integer('m', 5), pars.integer('n', 5)]).toEqual([5, 12]);
    expect(pars.texts('m', ['d'])).toEqual(['d']);
    expect(pars.logic('m', false)).toBe(false);
  });

  it('that are wrong are named, with what was expected, what came, and the file', () => {
    expect(() => pars.integer('half')).toThrow("parameter 'half' must be a whole number, got '1.5'");
    expect(() => pars.number('some')).toThrow("parameter 'some' must be a number, got [ '1', '2', '3' ]");
    expect(() => pars.integers('words')).toThrow(
      "parameter 'words' must be a list of whole numbers, got 'a' in [ 'a', 'b' ]",
    );
    expect(() => pars.logic('t')).toThrow("parameter 't' must be y or n, got 'a b'");
    expect(() => pars.text('m')).toThrow("parameter 'm' is not set: expected text");
    expect(() => pars.numbers('m')).toThrow("parameter 'm' is not set: expected a list of numbers");
    const file = file_with('typed.par', 'n=many');
    expect(() => Pars.read(file).integer('n')).toThrow(`got 'many' (read from ${file})`);
    expect(() => Pars.merge(Pars.read(file), { n: 'few' }).integer('n')).not.toThrow('read from');
  });

  it('are no number where JavaScript would see one', () => {
    for (const text of ['', ' ', '0x10', 'Infinity', '1_000', '1e', '--1']) {
      expect(() => new Pars({ n: text }).number('n')).toThrow(UsageError);
    }
  });
});

describe('parameters for a program', () => {
  const pars = new Pars({ n: 3, label: 'a b', list: [1, 2], on: true, off: false, minus: -5 });

  it('are words with =', () => {
    expect(pars.to_words()).toEqual(['n=3', 'label=a b', 'list=1,2', 'on=y', 'off=n', 'minus=-5']);
  });

  it('are options, of which those that are false are left out', () => {
    expect(pars.to_words('--key value')).toEqual([
      '--n',
      '3',
      '--label',
      'a b',
      '--list',
      '1,2',
      '--on',
      '--minus',
      '-5',
    ]);
    expect(() => pars.to_words('-k' as '--key value')).toThrow("must be 'key=value' or '--key value'");
  });

  it('are JSON, with their types', () => {
    expect(JSON.parse(pars.to_json())).toEqual({
      n: 3,
      label: 'a b',
      list: [1, 2],
      on: true,
      off: false,
      minus: -5,
    });
  });

  it('come to it as they are, since no shell sees them', () => {
    const nasty = { a: '$(touch /tmp/parjob_was_here); "quoted" \'too\'', b: 'line\nend', c: '*' };
    const script = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
    const words = new Pars(nasty).to_words();
    const seen = execFileSync(process.execPath, ['-e', script, '--', ...words], { encoding: 'utf8' });
    expect(JSON.parse(seen)).toEqual([`a=${nasty.a}`, `b=${nasty.b}`, 'c=*']);
    expect(Pars.from_words(words).to_object()).toEqual(nasty);
  });

  it('are read from words, each as it is', () => {
    expect(Pars.from_words(['a=x y', 'verbose', 'b="q"', 'c=1,2']).to_object()).toEqual({
      a: 'x y',
      b: '"q"',
      c: ['1', '2'],
    });
  });
});
