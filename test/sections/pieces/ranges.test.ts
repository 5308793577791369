import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { join_axis, type Range, split_axis, weights_of } from '../../../src/sections/pieces/ranges.js';

/** First and last element of each block. */
function ends(n: number, nblock: number, noverlap = 0): string {
  return split_axis(n, nblock, 'block', noverlap)
    .map(({ start, count }) => `${start}-${start + count - 1}`)
    .join(' ');
}

describe('an axis that is split in blocks', () => {
  it('gives the ranges of the reference (3, defect 14)', () => {
    expect(ends(10, 3)).toBe('0-3 4-6 7-9');
    expect(ends(10, 3, 1)).toBe('0-4 3-7 6-9');
    expect(ends(100, 4, 5)).toBe('0-29 20-54 45-79 70-99');
  });
});

describe('an axis that is dealt out in turn', () => {
  it('gives section i the elements i, i + N, ...', () => {
    expect(split_axis(10, 3, 'spread')).toEqual([
      { start: 0, step: 3, count: 4 },
      { start: 1, step: 3, count: 3 },
      { start: 2, step: 3, count: 3 },
    ]);
  });
});

const any_axis = fc.integer({ min: 1, max: 300 }).chain((n) =>
  fc.record({
    n: fc.constant(n),
    nblock: fc.integer({ min: 1, max: Math.min(n, 20) }),
    pattern: fc.constantFrom('block' as const, 'spread' as const),
    noverlap: fc.integer({ min: 0, max: 30 }),
  }),
);

describe('any axis', () => {
  it('has each element in one section, and sections that differ by one at most', () => {
    fc.assert(
      fc.property(any_axis, ({ n, nblock, pattern }) => {
        const ranges = split_axis(n, nblock, pattern);
        const all = ranges.flatMap(({ start, step, count }) =>
          Array.from({ length: count }, (_, i) => start + i * step),
        );
        expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        const counts = ranges.map(({ count }) => count);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is found again from the lengths of its sections, however far they overlap', () => {
    fc.assert(
      fc.property(any_axis, ({ n, nblock, pattern, noverlap }) => {
        const overlap = pattern === 'block' ? noverlap : 0;
        const ranges = split_axis(n, nblock, pattern, overlap);
        expect(
          join_axis(
            ranges.map(({ count }) => count),
            pattern,
            overlap,
          ),
        ).toEqual({ n, ranges });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('sections of other lengths than ours', () => {
  it('are put side by side', () => {
    expect(join_axis([2, 7, 1], 'block')).toEqual({
      n: 10,
      ranges: [
        { start: 0, step: 1, count: 2 },
        { start: 2, step: 1, count: 7 },
        { start: 9, step: 1, count: 1 },
      ],
    });
    expect(join_axis([3, 9, 4], 'block', 1)?.n).toBe(12);
  });

  it('cannot be dealt out, nor be shorter than their overlap', () => {
    expect(join_axis([2, 3], 'spread')).toBeUndefined();
    expect(join_axis([9, 3, 9], 'block', 2)).toBeUndefined();
  });
});

describe('weights', () => {
  it('sum to one at each element (16, defect 14)', () => {
    fc.assert(
      fc.property(any_axis, ({ n, nblock, noverlap }) => {
        const ranges = split_axis(n, nblock, 'block', noverlap);
        const sums = new Float64Array(n);
        weights_of(n, ranges, noverlap).forEach((weights, b) => {
          weights.forEach((weight, i) => {
            expect(weight).toBeGreaterThan(0);
            sums[(ranges[b] as Range).start + i]! += weight;
          });
        });
        for (const sum of sums) expect(sum).toBeCloseTo(1, 12);
      }),
    );
  });

  it('rise inwards from each edge that another block overlaps (16, defect 14)', () => {
    // long enough that no element is in three blocks
    const any = any_axis.filter(({ n, nblock, noverlap }) => noverlap > 0 && n >= nblock * 4 * noverlap);
    fc.assert(
      fc.property(any, ({ n, nblock, noverlap }) => {
        const ranges = split_axis(n, nblock, 'block', noverlap);
        weights_of(n, ranges, noverlap).forEach((weights, b) => {
          const rise = [...weights.subarray(0, 2 * noverlap + 1)];
          const fall = [...weights.subarray(-2 * noverlap - 1)].toReversed();
          for (const [edge, has_neighbour] of [
            [rise, b > 0],
            [fall, b < nblock - 1],
          ] as const) {
            if (!has_neighbour) expect(edge.every((weight) => weight === 1)).toBe(true);
            else for (let i = 1; i < edge.length; i++) expect(edge[i]!).toBeGreaterThan(edge[i - 1]!);
          }
        });
      }),
    );
  });

  it('are 1, 2, ... over 2v + 1 where a block begins', () => {
    const [first, second] = weights_of(10, split_axis(10, 2, 'block', 1), 1);
    expect([...(second as Float64Array)].slice(0, 4)).toEqual([1 / 3, 2 / 3, 1, 1]);
    expect([...(first as Float64Array)].slice(-4)).toEqual([1, 1, 2 / 3, 1 / 3]);
  });
});
