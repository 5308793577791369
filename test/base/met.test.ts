import { describe, expect, it } from 'vitest';
import { Met } from '../../src/base/met.js';

describe('Met', () => {
  it('knows each object that it has met, however many they are', () => {
    const met = new Met();
    const objects = Array.from({ length: 100 }, (_, i) => ({ i }));
    expect(objects.map((object) => met.meet(object))).not.toContain(true);
    expect(objects.map((object) => met.meet(object))).not.toContain(false);
    // one that only looks the same
    expect(met.meet({ i: 1 })).toBe(false);
  });

  it.each([1, 8, 9, 100])('forgets all of %i', (count) => {
    const met = new Met();
    const objects = Array.from({ length: count }, () => ({}));
    for (const object of objects) met.meet(object);
    met.clear();
    expect(objects.map((object) => met.meet(object))).not.toContain(true);
  });
});
