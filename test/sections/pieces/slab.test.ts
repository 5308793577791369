import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range } from '../../../src/sections/pieces/ranges.js';
import { copy_runs, offsets_of, runs_bytes, runs_of } from '../../../src/sections/pieces/slab.js';
import { any_shape, counted_bytes } from './kit.js';

const all = (n: number): Range => ({ start: 0, step: 1, count: n });

const any_slab = any_shape.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    element_bytes: fc.constantFrom(1, 3, 4, 8, 40),
    slab: fc.tuple(
      ...shape.map((n) =>
        fc.tuple(fc.nat(n - 1), fc.integer({ min: 1, max: n })).chain(([start, step]) =>
          fc.record({
            start: fc.constant(start),
            step: fc.constant(step),
            count: fc.nat(Math.ceil((n - start) / step)),
          }),
        ),
      ),
    ),
  }),
);

/** Offsets of the elements of a slab, found one by one. */
function elements_of(shape: readonly number[], slab: readonly Range[]): number[] {
  let found = [0];
  let unit = shape.reduce((product, n) => product * n, 1);
  for (let k = shape.length - 1; k >= 0; k--) {
    unit /= shape[k] as number;
    const { start, step, count } = slab[k] as Range;
    const here = unit;
    found = found.flatMap((base) =>
      Array.from({ length: count }, (_, i) => base + (start + i * step) * here),
    );
  }
  return found;
}

describe('the runs of a slab', () => {
  it('are those of the picture', () => {
    const slab = [all(4), { start: 1, step: 1, count: 1 }, all(2)];
    expect(runs_of([4, 3, 2], slab, 1)).toEqual({ first: 4, run: 4, levels: [{ stride: 12, count: 2 }] });
  });

  it('are one, when the slab is contiguous', () => {
    const slab = [all(4), all(3), { start: 2, step: 1, count: 3 }, { start: 1, step: 1, count: 1 }];
    expect(runs_of([4, 3, 9, 2], slab, 4)).toEqual({ first: 528, run: 144, levels: [] });
  });

  it('are in one level, when they are equally far apart', () => {
    const slab = [{ start: 1, step: 2, count: 2 }, all(3)];
    expect(runs_of([4, 3], slab, 4).levels).toEqual([{ stride: 8, count: 6 }]);
  });

  it('hold the elements of the slab, in order', () => {
    fc.assert(
      fc.property(any_slab, ({ shape, slab, element_bytes }) => {
        const { first, run, levels } = runs_of(shape, slab, element_bytes);
        const elements = elements_of(shape, slab).map((at) => at * element_bytes);
        expect(runs_bytes({ first, run, levels })).toBe(elements.length * element_bytes);
        const found: number[] = [];
        for (const offset of offsets_of(levels)) {
          for (let at = 0; at < run; at += element_bytes) found.push(first + offset + at);
        }
        expect(found).toEqual(elements);
      }),
      { numRuns: 500 },
    );
  });
});

describe('runs that are copied', () => {
  it('arrive, whatever their lengths and places', () => {
    const any = fc.record({
      run: fc.constantFrom(1, 2, 4, 12, 63, 64, 200),
      gap: fc.constantFrom(0, 1, 4),
      from: fc.nat(9),
      to: fc.nat(9),
      count: fc.nat(5),
    });
    fc.assert(
      fc.property(any, ({ run, gap, from, to, count }) => {
        const source = counted_bytes(4096);
        const target = new Uint8Array(4096);
        const expected = new Uint8Array(4096);
        for (let i = 0; i < count * run; i++) {
          expected[to + i] = source[from + Math.floor(i / run) * (run + gap) + (i % run)] as number;
        }
        copy_runs(source, from, run + gap, target, to, run, run, count);
        expect(Buffer.compare(target, expected)).toBe(0);
      }),
    );
  });
});
