import { describe, expect, it } from 'vitest';
import { cut_blocks, enter_block, new_table } from '../../../examples/alignment/blocks.js';
import { extremes, identity_tsv, run_line } from '../../../examples/alignment/report.js';
import { align_block } from '../../../examples/alignment/tasks.js';

const NAMES = ['one', 'two', 'three', 'four'];
const SEQUENCES = ['MKVLAW', 'MKVLW', 'DDD', 'MKVLAW'];

function table() {
  const filled = new_table(SEQUENCES.length);
  for (const block of cut_blocks(SEQUENCES, 2))
    enter_block(filled, block, align_block(block.sequences, block.pairs));
  return filled;
}

describe('the table of identities', () => {
  it('has a line for each pair, in the order of the sequences', () => {
    const lines = identity_tsv(NAMES, table()).split('\n');
    expect(lines[0]).toBe('name_1\tname_2\tidentity_percent\tidentical\tlength\tscore');
    expect(lines[1]).toBe('one\ttwo\t83.33\t5\t6\t19.0');
    expect(lines[3]).toBe('one\tfour\t100.00\t6\t6\t33.0');
    expect(lines).toHaveLength(1 + 6 + 1);
    expect(lines.at(-1)).toBe('');
  });
});

describe('the extremes', () => {
  it('are the closest and the farthest pair, with how many are like them', () => {
    expect(extremes(NAMES, table()).split('\n')).toEqual([
      'closest   one and four, 100.0% identical (6 of 6 columns)',
      'farthest  one and three, 0.0% identical (0 of 9 columns), and 2 other pairs',
    ]);
  });
});

describe('the line on a run', () => {
  it('has its time, its speed and the start-up apart', () => {
    expect(run_line(2, 2, 0.25, 250e6)).toBe(
      '2 slaves  2.00 s (125 million cells a second; start-up, not counted, 0.25 s)',
    );
  });

  it('stands in one column with that of one slave', () => {
    expect(run_line(1, 2, 0, 1).indexOf('2.00')).toBe(run_line(8, 2, 0, 1).indexOf('2.00'));
  });
});
