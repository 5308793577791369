import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dendrogram } from '../../../examples/alignment/dendrogram.js';
import { upgma } from '../../../examples/alignment/tree.js';

function tree_of(n: number, distance: (i: number, j: number) => number) {
  const d = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return i === j ? 0 : distance(Math.min(i, j), Math.max(i, j));
  });
  return upgma(d, n);
}

describe('a dendrogram', () => {
  it('has a line a leaf and a scale of identity', () => {
    const tree = tree_of(3, (i, j) => (i === 0 && j === 1 ? 0.2 : 0.6));
    expect(dendrogram(tree, ['HBA', 'HBB', 'MYG'], 48)).toBe(
      [
        '┌──────────────────────────┬───────────────  HBA',
        '│                          └───────────────  HBB',
        '└──────────────────────────────────────────  MYG',
        '┴────────────┴─────────────┴────────────┴  identity',
        '40%         60%           80%         100%',
      ].join('\n'),
    );
  });

  it('never is wider than asked for, and draws every name', () => {
    const sizes = fc.record({ n: fc.integer({ min: 2, max: 40 }), width: fc.integer({ min: 60, max: 140 }) });
    fc.assert(
      fc.property(
        sizes,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        ({ n, width }, stream) => {
          const names = Array.from({ length: n }, (_, k) => `protein_${k}${'x'.repeat(k)}`);
          const lines = dendrogram(
            tree_of(n, () => stream.next().value),
            names,
            width,
          ).split('\n');
          expect(lines).toHaveLength(n + 2);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
          for (const line of lines.slice(0, n)) expect(line).toMatch(/─ {2}protein_\d+x*…?$/);
        },
      ),
    );
  });

  it('shows sequences that are all the same', () => {
    const lines = dendrogram(
      tree_of(3, () => 0),
      ['a', 'b', 'c'],
      60,
    ).split('\n');
    expect(lines.slice(0, 3).map((line) => line.trim())).toEqual(['┌──  a', '├──  b', '└──  c']);
    expect(lines.at(-1)).toMatch(/100%$/);
  });
});
