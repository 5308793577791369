import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/base/ring.js';

const any_step = fc.oneof(
  { weight: 4, arbitrary: fc.nat().map((item) => ({ do: 'push' as const, item })) },
  { weight: 2, arbitrary: fc.nat().map((item) => ({ do: 'unshift' as const, item })) },
  { weight: 2, arbitrary: fc.constant({ do: 'shift' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pop' as const }) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 4 }).map((part) => ({ do: 'filter' as const, part })) },
);

describe('a ring', () => {
  it('does what an array does, whatever the order of steps', () => {
    fc.assert(
      fc.property(fc.array(any_step, { maxLength: 200 }), (steps) => {
        const ring = new Ring<number>();
        let model: number[] = [];
        for (const step of steps) {
          if (step.do === 'push') {
            ring.push(step.item);
            model.push(step.item);
          } else if (step.do === 'unshift') {
            ring.unshift(step.item);
            model.unshift(step.item);
          } else if (step.do === 'shift') {
            expect(ring.shift()).toBe(model.shift());
          } else if (step.do === 'pop') {
            expect(ring.pop()).toBe(model.pop());
          } else {
            ring.filter_in_place((item) => item % step.part === 0);
            model = model.filter((item) => item % step.part === 0);
          }
          expect(ring.length).toBe(model.length);
          expect(ring.at(0)).toBe(model[0]);
          expect(ring.at(model.length - 1)).toBe(model.at(-1));
        }
        expect([...ring]).toEqual(model);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps its order when it grows while its head is in the middle', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 10; i++) ring.push(i);
    for (let i = 0; i < 10; i++) ring.shift();
    for (let i = 0; i < 1000; i++) ring.push(i);
    expect([...ring]).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('finds an item by its place from either end, as an array does, and nothing outside', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.nat(20),
        fc.integer({ min: -25, max: 25 }),
        (items, skip, place) => {
          const ring = new Ring<number>();
          for (let i = 0; i < skip; i++) ring.push(i);
          for (const item of items) ring.push(item);
          for (let i = 0; i < skip; i++) ring.shift();
          expect(ring.at(place)).toBe(items.at(place));
        },
      ),
    );
  });

  it('holds an item that is undefined', () => {
    const ring = new Ring<undefined>();
    ring.push(undefined);
    expect(ring.length).toBe(1);
    expect([...ring]).toEqual([undefined]);
    ring.shift();
    expect(ring.length).toBe(0);
  });

  it('is empty and of use after a clear', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 100; i++) ring.push(i);
    ring.clear();
    expect(ring.length).toBe(0);
    expect(ring.shift()).toBeUndefined();
    expect(ring.pop()).toBeUndefined();
    ring.unshift(7);
    expect([...ring]).toEqual([7]);
  });
});
