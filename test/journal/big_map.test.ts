import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BigMap } from '../../src/journal/big_map.js';

it('is a map, however many parts it has', () => {
  const any_writes = fc.array(fc.tuple(fc.constantFrom(...'abcdefghijkl'), fc.nat(9)), { maxLength: 40 });
  fc.assert(
    fc.property(any_writes, fc.integer({ min: 1, max: 5 }), (writes, part_entries) => {
      const map = new BigMap<number>(part_entries);
      const model = new Map<string, number>();
      for (const [key, value] of writes) {
        map.set(key, value);
        model.set(key, value);
        expect(map.size).toBe(model.size);
      }
      expect([...map]).toEqual([...model]);
      for (const key of 'abcdefghijkl') expect(map.get(key)).toBe(model.get(key));
    }),
    { numRuns: 300 },
  );
});
