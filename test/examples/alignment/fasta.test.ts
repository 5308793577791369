import { describe, expect, it } from 'vitest';
import { FastaError, parse_fasta } from '../../../examples/alignment/fasta.js';

/** The error that parsing `text` throws. */
function error_of(text: string): FastaError {
  try {
    parse_fasta(text, 'some.fa');
  } catch (error) {
    if (error instanceof FastaError) return error;
    throw error;
  }
  throw new Error(`parse_fasta took ${JSON.stringify(text)} without complaint`);
}

describe('a FASTA file', () => {
  it('gives names, descriptions and sequences, joined over lines and in upper case', () => {
    expect(parse_fasta('>one first protein\nMKV\nlaw\n\n>two\nMK VL\n', 'some.fa')).toEqual([
      { name: 'one', description: 'first protein', sequence: 'MKVLAW' },
      { name: 'two', description: '', sequence: 'MKVL' },
    ]);
  });

  it('may have the line ends of Windows, a byte order mark, and no line end at the end', () => {
    const records = parse_fasta('\uFEFF>one a b \r\nMKV\r\nLAW\r\n>two\r\nMKVL', 'some.fa');
    expect(records.map((record) => record.sequence)).toEqual(['MKVLAW', 'MKVL']);
    expect(records[0]!.description).toBe('a b');
  });

  it('may end a sequence with a stop sign, which is dropped', () => {
    expect(parse_fasta('>one\nMKV*\n>two\nMKVL\n*\n', 'some.fa').map((record) => record.sequence)).toEqual([
      'MKV',
      'MKVL',
    ]);
  });

  it('may hold all 26 letters', () => {
    expect(parse_fasta('>one\nACDEFGHIKLMNPQRSTVWY\n>two\nBZXUOJ', 'some.fa')).toHaveLength(2);
  });
});

describe('a FASTA file that cannot be used', () => {
  it.each([
    ['has no > at first', '\nMKVL\n>one\nMKV', 2, 'expected a line that starts with >, got "MKVL"', '>NAME'],
    [
      'has a record without a name',
      '>one\nMKV\n>\nMKV',
      3,
      'expected a name after >, got ">"',
      'right after the >',
    ],
    ['has a blank before a name', '> one\nMKV', 1, 'expected a name after >, got "> one"', 'no blank'],
    [
      'has an empty sequence',
      '>one\nMKV\n>two\n\n>three\nMKV',
      3,
      'expected a sequence after the name two',
      'add',
    ],
    ['ends after a name', '>one\nMKV\n>two', 3, 'expected a sequence after the name two', 'add the sequence'],
    [
      'has a sequence of a stop sign alone',
      '>one\n*\n>two\nMKV',
      1,
      'expected a sequence after the name one',
      'add',
    ],
    ['has a name twice', '>one\nMKV\n>two\nMKV\n>one\nMKV', 5, 'got one, which line 1 has already', 'rename'],
    [
      'has a character that is no letter',
      '>one\nMKV\nMK3L',
      3,
      'got "3" at residue 3 of the line',
      '20 amino acids',
    ],
    ['has gaps of dashes', '>one\nMK--V', 2, 'got "-" at residue 3 of the line', 'aligned already'],
    ['has gaps of dots', '>one\nMK..V', 2, 'got "." at residue 3 of the line', 'aligned already'],
    ['has a stop sign within a line', '>one\nMK*V', 2, 'got "*" at residue 3 of the line', 'last letter'],
    ['has a stop sign before the last line', '>one\nMK*\nV', 3, 'to end at *', 'last letter'],
    ['has a > within a line', '>one\nMKV>two\nMKV', 2, 'got ">" at residue 4 of the line', 'new line'],
    ['has one sequence', '>one\nMKV\n', 1, 'expected two sequences or more, got only one', 'one file'],
    ['is empty', '', 1, 'the file is empty', 'one file'],
    ['has only blank lines', '\n \n\n', 1, 'the file is empty', 'one file'],
    [
      'holds DNA',
      `>one\n${'ACGT'.repeat(10)}\n>two\n${'acgn'.repeat(10)}`,
      1,
      'this is DNA or RNA',
      'translated',
    ],
  ])('is refused when it %s', (_, text, line, problem, hint) => {
    const error = error_of(text);
    expect(error.message).toContain(`some.fa:${line}: expected`);
    expect(error.message).toContain(problem);
    expect(error.hint).toContain(hint);
    expect(error).toMatchObject({ name: 'FastaError', file: 'some.fa', line });
  });

  it('is shown in part when the line at fault is long', () => {
    expect(error_of('x'.repeat(10_000)).message.length).toBeLessThan(120);
  });

  it('keeps its line numbers with the line ends of Windows', () => {
    expect(error_of('>one\r\nMKV\r\n>two\r\nM1').line).toBe(4);
  });
});
