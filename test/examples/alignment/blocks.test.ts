import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut_blocks, enter_block, new_table, pairs_of } from '../../../examples/alignment/blocks.js';
import { align_block } from '../../../examples/alignment/tasks.js';

const sequences = fc.array(
  fc.integer({ min: 1, max: 9 }).map((length) => 'A'.repeat(length)),
  { minLength: 2, maxLength: 25 },
);
const side = fc.integer({ min: 1, max: 30 });

describe('blocks', () => {
  it('hold each pair once, the earlier sequence first', () => {
    fc.assert(
      fc.property(sequences, side, (all, k) => {
        const seen = cut_blocks(all, k).flatMap(({ places }) =>
          Array.from(
            { length: places.length / 2 },
            (_, pair) => `${places[2 * pair]},${places[2 * pair + 1]}`,
          ),
        );
        const expected = [...pairs_of(all.length)].map(([i, j]) => `${i},${j}`);
        expect(seen.sort()).toEqual(expected.sort());
      }),
    );
  });

  it('carry the sequences of their pairs, and none twice', () => {
    const all = ['A', 'CC', 'DDD', 'EEEE', 'FFFFF', 'GGGGGG', 'HHHHHHH'];
    for (const block of cut_blocks(all, 3)) {
      const named = Array.from(block.pairs, (index) => block.sequences[index]);
      expect(named).toEqual(Array.from(block.places, (place) => all[place]));
      expect(new Set(block.sequences).size).toBe(block.sequences.length);
      expect(block.sequences.length).toBeLessThanOrEqual(6);
    }
  });

  it('come with the largest first', () => {
    fc.assert(
      fc.property(sequences, side, (all, k) => {
        const cells = cut_blocks(all, k).map((block) => block.cells);
        expect(cells).toEqual([...cells].sort((a, b) => b - a));
      }),
    );
  });

  it('are as many as the picture in blocks.ts says', () => {
    expect(cut_blocks(['A', 'A', 'A', 'A', 'A', 'A'], 2)).toHaveLength(6);
  });
});

describe('the table of pairs', () => {
  it('is the same however the pairs are cut', () => {
    const all = ['MKVLAW', 'MKVLW', 'WWW', 'MKAAW', 'VLAW'];
    const tables = [1, 2, 3, 9].map((k) => {
      const table = new_table(all.length);
      for (const block of cut_blocks(all, k))
        enter_block(table, block, align_block(block.sequences, block.pairs));
      return table;
    });
    for (const table of tables) expect(table).toEqual(tables[0]);
  });

  it('is symmetric, with identity 1 on the diagonal', () => {
    const all = ['MKVLAW', 'MKVLW', 'WWW'];
    const table = new_table(3);
    for (const block of cut_blocks(all, 2))
      enter_block(table, block, align_block(block.sequences, block.pairs));
    for (let i = 0; i < 3; i++) {
      expect(table.identity[i * 3 + i]).toBe(1);
      for (let j = 0; j < 3; j++) expect(table.identity[i * 3 + j]).toBe(table.identity[j * 3 + i]);
    }
    expect(table.identity[1]).toBe(5 / 6);
  });
});
