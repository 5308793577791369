import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { is_json_exact } from '../../src/journal/json_exact.js';
import { any_shared, any_tree } from '../kit/any_value.js';
import { difference } from '../kit/difference.js';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { next: value };
  return value;
}

const shared = { a: 1 };
const circle: unknown[] = [];
circle.push(circle);

describe('a value that JSON keeps exactly', () => {
  it('comes back as it was', () => {
    let exact = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          any_tree as fc.Arbitrary<unknown>,
          any_shared as fc.Arbitrary<unknown>,
          fc.jsonValue(),
          fc.anything(),
        ),
        (value) => {
          if (!is_json_exact(value)) return;
          exact++;
          expect(difference(value, JSON.parse(JSON.stringify(value)))).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
    expect(exact).toBeGreaterThan(200);
  });

  it.each([
    [null],
    [0],
    [-1.5],
    [1e300],
    [''],
    ['é\n'],
    [true],
    [[]],
    [{}],
    [{ a: [1, { b: null }] }],
    [{ constructor: 1, toString: 'x' }],
    [{ toJSON: 'text' }],
    [nested(64)],
    [Array.from({ length: 100 }, (_, i) => ({ i }))],
  ])('is %j', (value) => {
    expect(is_json_exact(value)).toBe(true);
  });

  it.each([
    ['undefined', undefined],
    ['-0', -0],
    ['NaN', Number.NaN],
    ['Infinity', [Infinity]],
    ['a bigint', 1n],
    ['half a surrogate pair', '\ud800'],
    ['such a key', { '\udc00': 1 }],
    ['a field that is undefined', { a: undefined }],
    ['a hole', Object.assign(new Array(3), { 0: 1, 2: 2 })],
    ['a field of an array', Object.assign([1], { more: 2 })],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['bytes', new Uint8Array(2)],
    ['a class', new (class Point {})()],
    ['an object without prototype', Object.create(null)],
    ['a symbol', { [Symbol('x')]: 1 }],
    ['a __proto__ field', JSON.parse('{"__proto__":1}')],
    ['an object met twice', [shared, shared]],
    ['an object met twice among many', [...Array.from({ length: 30 }, (_, i) => ({ i })), shared, [shared]]],
    ['a circle', circle],
    ['what is too deep', nested(65)],
    ['far too deep', nested(100_000)],
    ['a hidden toJSON', Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 2 })],
    ['a function', () => {}],
  ])('is not %s', (_what, value) => {
    expect(is_json_exact(value)).toBe(false);
  });
});
