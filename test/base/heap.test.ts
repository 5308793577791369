import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../src/base/heap.js';

function heap_of(...keys: number[]): Heap<string> {
  const heap = new Heap<string>();
  for (const key of keys) heap.push(key, `item ${key}`);
  return heap;
}

describe('a heap', () => {
  it('is empty when it is made', () => {
    const heap = heap_of();
    expect(heap.size).toBe(0);
    expect(heap.least).toBe(Infinity);
    expect(heap.pop()).toBeUndefined();
  });

  it('gives out what it was given, the least first', () => {
    const heap = heap_of(3, 1, 2);
    expect(heap.least).toBe(1);
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([
      'item 1',
      'item 2',
      'item 3',
      undefined,
    ]);
    expect(heap.least).toBe(Infinity);
  });

  it('takes the same number many times, and Infinity', () => {
    const heap = heap_of(5, 5, Infinity, 5);
    expect(heap.size).toBe(4);
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([
      'item 5',
      'item 5',
      'item 5',
      'item Infinity',
    ]);
  });

  it('shows all that is in it', () => {
    expect([...heap_of(2, 3, 1)].sort()).toEqual(['item 1', 'item 2', 'item 3']);
  });

  it('gives out the least of what it has, whatever is put in and taken out in whatever order', () => {
    const step = fc.oneof(fc.constant('pop' as const), fc.integer({ min: -50, max: 50 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Heap<number>();
        let sorted: number[] = [];
        for (const taken of steps) {
          if (taken === 'pop') {
            expect(heap.pop()).toBe(sorted[0]);
            sorted = sorted.slice(1);
          } else {
            heap.push(taken, taken);
            sorted = [...sorted, taken].sort((a, b) => a - b);
          }
          expect(heap.size).toBe(sorted.length);
          expect(heap.least).toBe(sorted[0] ?? Infinity);
        }
      }),
    );
  });
});
