import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { function_name, KeyCounter, MAX_NAME_LENGTH, task_key } from '../../src/journal/task_key.js';

const HERE = 'file:///home/ada/project';
const bytes = (text: string) => Buffer.from(text);

describe('the key of a task', () => {
  it('is short and the same each time', () => {
    const key = task_key(`${HERE}/needle.js`, 'align', [bytes('ab')], HERE);
    expect(key).toMatch(/^[\w-]{22}$/);
    expect(task_key(`${HERE}/needle.js`, 'align', [bytes('ab')], `${HERE}/`)).toBe(key);
  });

  it('stays when the project is moved as a whole, and only then', () => {
    const there = 'file:///scratch/ada/project';
    const key = task_key(`${HERE}/src/needle.js`, 'align', [], HERE);
    expect(task_key(`${there}/src/needle.js`, 'align', [], there)).toBe(key);
    expect(task_key(`${there}/src/needle.js`, 'align', [], HERE)).not.toBe(key);
    expect(task_key(`${HERE}2/src/needle.js`, 'align', [], HERE)).not.toBe(key);
  });

  it('takes the working directory when no folder is given', () => {
    const folder = pathToFileURL(`${process.cwd()}/`).href;
    expect(task_key(`${folder}x.js`, 'f', [])).toBe(task_key(`${HERE}/x.js`, 'f', [], HERE));
  });

  it('differs when any part differs, small or large', () => {
    const any_call = fc.record({
      module: fc.constantFrom('a.js', 'b.js', 'a.js#f'),
      name: fc.constantFrom('f', 'g', 'f#g'),
      args: fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 3 }),
          fc.constantFrom(new Uint8Array(20_000), new Uint8Array(20_001), new Uint8Array(16_370)),
        ),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(any_call, any_call, (one, other) => {
        const key_of = (call: typeof one) => task_key(call.module, call.name, call.args, HERE);
        const text_of = ({ module, name, args }: typeof one) =>
          JSON.stringify([`${module}#${name}`, args.map((piece) => Buffer.from(piece).toString('hex'))]);
        expect(key_of(one) === key_of(other)).toBe(text_of(one) === text_of(other));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the pieces of the arguments', () => {
  it('are told apart from others that join to the same bytes', () => {
    const [a, b, zeros] = [bytes('a'), bytes('b'), new Uint8Array(8)];
    const lists = [[a, b], [bytes('ab')], [a, b, bytes('')], [Buffer.concat([a, zeros, b])], [a, zeros, b]];
    expect(new Set(lists.map((list) => task_key('x.js', 'f', list))).size).toBe(lists.length);
  });
});

describe('the name of a function', () => {
  it('is its module below the folder, or the whole URL', () => {
    expect(function_name(`${HERE}/src/needle.js`, 'align', HERE)).toBe('src/needle.js#align');
    expect(function_name('file:///usr/lib/needle.js', 'align', HERE)).toBe('file:///usr/lib/needle.js#align');
  });

  it('is short for a module that is all in its URL, and still its own', () => {
    const name_of = (end: string) =>
      function_name(`data:text/javascript,${'x'.repeat(5000)}${end}`, 'f', HERE);
    expect(name_of('1').length).toBeLessThan(MAX_NAME_LENGTH);
    expect(name_of('1')).not.toBe(name_of('2'));
  });
});

describe('tasks with the same key', () => {
  it('are told apart by their order', () => {
    const counter = new KeyCounter();
    expect(['a', 'b', 'a', 'a', 'b'].map((key) => counter.next(key))).toEqual([
      'a',
      'b',
      'a#2',
      'a#3',
      'b#2',
    ]);
  });

  it('never get a key that another task has', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'a#2', 'a#2#2', 'a#3', 'b'), { maxLength: 30 }), (keys) => {
        const counter = new KeyCounter();
        expect(new Set(keys.map((key) => counter.next(key))).size).toBe(keys.length);
      }),
      { numRuns: 500 },
    );
  });
});
