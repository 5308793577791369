import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { HELP, parse_options, UsageError } from '../../../examples/alignment/options.js';

describe('the command line', () => {
  it('may be empty', () => {
    const options = parse_options([]);
    expect(options).toMatchObject({
      on: `local:${availableParallelism()}`,
      out: 'alignment-out',
      once: false,
      help: false,
    });
    expect(options.file).toMatch(/swissprot100\.fa$/);
  });

  it('takes a file and options in any order', () => {
    const options = parse_options(['--slaves', '3', 'my.fasta', '--out=there', '--block', '5', '--once']);
    expect(options).toEqual({
      file: 'my.fasta',
      on: 'local:3',
      out: 'there',
      block: 5,
      once: true,
      help: false,
    });
  });

  it.each([
    ['an option that there is not', ['--slave', '3'], '--slave'],
    ['an option without its value', ['--slaves'], '--slaves'],
    [
      'a number that is none',
      ['--slaves', 'many'],
      'expected a whole number above 0 after --slaves, got "many"',
    ],
    ['no slaves', ['--slaves', '0'], 'got "0"'],
    ['half a slave', ['--slaves', '1.5'], 'got "1.5"'],
    ['two ways of saying how many', ['--slaves', '2', '--on', 'local:3'], '--slaves and --on'],
    ['two files', ['a.fa', 'b.fa'], 'expected one file, got 2: a.fa b.fa'],
  ])('is refused with %s', (_, args, problem) => {
    expect(() => parse_options(args)).toThrow(UsageError);
    expect(() => parse_options(args)).toThrow(problem);
  });

  it('has all its options in the help', () => {
    for (const option of ['--slaves', '--on', '--out', '--block', '--once', '--help'])
      expect(HELP).toContain(option);
  });
});
