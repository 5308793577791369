import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { align } from '../../../examples/alignment/align.js';
import { align_block } from '../../../examples/alignment/tasks.js';

describe('align_block', () => {
  it('gives the figures of each pair in the order of the pairs', () => {
    const sequences = ['MKVLAW', 'MKVLW', 'WWW'];
    const result = align_block(sequences, Uint32Array.of(2, 0, 0, 1));
    const expected = [align('WWW', 'MKVLAW'), align('MKVLAW', 'MKVLW')];
    expect([...result.scores]).toEqual(expected.map(({ score }) => score));
    expect([...result.identical]).toEqual(expected.map(({ identical }) => identical));
    expect([...result.lengths]).toEqual(expected.map(({ length }) => length));
  });

  it('gives empty figures for no pairs', () => {
    expect(align_block(['MKV'], new Uint32Array(0)).scores).toHaveLength(0);
  });

  it('is in a module that does not import parjob, since slaves load it', () => {
    const source = readFileSync(new URL('../../../examples/alignment/tasks.ts', import.meta.url), 'utf8');
    const imports = [...source.matchAll(/from '(.*)'/g)].map((match) => match[1]);
    expect(imports).toEqual(['./align.js', './blosum62.js']);
  });
});
