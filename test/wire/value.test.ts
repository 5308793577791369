import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError, UsageError } from '../../src/errors.js';
import { AttachmentCursor } from '../../src/wire/restore.js';
import { decode_value, encode_value, encoded_bytes, GRAPH, PLAIN, unpack } from '../../src/wire/value.js';
import { any_binary, any_shared, any_tree, any_web } from '../kit/any_value.js';
import { difference } from '../kit/difference.js';
import { round_trip } from '../kit/round_trip.js';

const NO_ATTACHMENTS = new AttachmentCursor([]);

/** Whether it goes as plain msgpack, which is fast, or as a graph. */
function form_of(value: unknown): number {
  return encode_value(value, 'value').form;
}

/** `{ next: { next: ... } }`, so many levels deep. */
function nested(levels: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { next: value } : [value];
  return value;
}

describe('a value that was sent', () => {
  it.each([
    ['trees of everything', any_tree],
    ['graphs with shared objects', any_shared],
    ['webs with circles', any_web],
    ['binaries', any_binary],
  ])('arrives as it was: %s', (_what, any_value) => {
    fc.assert(
      fc.property(any_value as fc.Arbitrary<unknown>, (value) => {
        expect(difference(value, round_trip(value))).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('arrives as structuredClone keeps it', () => {
    const any_json = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
    });
    fc.assert(
      fc.property(any_json, (value) => {
        const clone = structuredClone(value);
        expect(difference(clone, round_trip(value))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it.each([48, 49, 1000, 50_000])('may be %d levels deep', (levels) => {
    const value = nested(levels);
    expect(difference(value, round_trip(value))).toBeUndefined();
  });

  it('keeps the identity of an object that stands in several places', () => {
    const shared = { n: 1 };
    const value = [shared, { shared }, new Map([[shared, shared]]), [shared]];
    const [first, holder, map, list] = round_trip(value) as [
      object,
      { shared: object },
      Map<object, object>,
      object[],
    ];
    expect(holder.shared).toBe(first);
    expect([...map]).toEqual([[first, first]]);
    expect([...map.keys()][0]).toBe(first);
    expect(list[0]).toBe(first);
  });

  it('may contain itself', () => {
    const circle: unknown[] = [];
    circle.push(circle, { circle });
    const arrived = round_trip(circle) as [unknown, { circle: unknown }];
    expect(arrived[0]).toBe(arrived);
    expect(arrived[1].circle).toBe(arrived);
  });

  it.each([
    ['constructor', { constructor: 1 }],
    ['constructor and toJSON', { constructor: 1, toJSON: 'text' }],
    ['toJSON, without a prototype', Object.assign(Object.create(null), { toJSON: 1 })],
    ['__proto__', JSON.parse('{"__proto__":{"polluted":true}}')],
    ['then', Object.fromEntries([['then', 1]])],
    ['hasOwnProperty', { hasOwnProperty: 2 }],
  ])('may have fields with the name %s', (_names, value) => {
    expect(difference({ ...value }, round_trip(value))).toBeUndefined();
    expect(
      difference({ ...value, seen: new Set() }, round_trip({ ...value, seen: new Set() })),
    ).toBeUndefined();
  });

  it('does not change when the sender changes it afterwards, unless it is a large binary', () => {
    const value = { list: [1, 2], bytes: new Uint8Array([1, 2]) };
    const { form, bytes, start, end } = encode_value(value, 'value');
    const body = Buffer.from(bytes.subarray(start, end));
    value.list.push(3);
    value.bytes.fill(9);
    expect(decode_value(form, unpack(body, 0, body.length), NO_ATTACHMENTS)).toEqual({
      list: [1, 2],
      bytes: new Uint8Array([1, 2]),
    });
  });

  it('is not overwritten by the next frame in the same buffer', () => {
    const { form, bytes, start, end } = encode_value({ bytes: Buffer.from('keep me'), text: 'é' }, 'value');
    const body = Buffer.from(bytes.subarray(start, end));
    const arrived = decode_value(form, unpack(body, 0, body.length), NO_ATTACHMENTS);
    body.fill(0xee);
    expect(arrived).toEqual({ bytes: Buffer.from('keep me'), text: 'é' });
  });

  it('is not overwritten either when it is a binary that another library sent as plain msgpack', () => {
    const body = Buffer.from([0x91, 0xc4, 3, 1, 2, 3]);
    const arrived = decode_value(PLAIN, unpack(body, 0, body.length), NO_ATTACHMENTS) as Uint8Array[];
    body.fill(0xee);
    expect([...(arrived[0] ?? [])]).toEqual([1, 2, 3]);
  });
});

describe('encode_value', () => {
  it.each([
    [[1, 'a', null, undefined, true, 1.5, { a: { b: [] } }]],
    [nested(48)],
    [Object.create(null) as object],
    [Array.from({ length: 100 }, (_, i) => ({ i }))],
  ])('sends a plain tree as plain msgpack: %j', (value) => {
    expect(form_of(value)).toBe(PLAIN);
  });

  it.each([
    [
      'an object met twice',
      [NO_ATTACHMENTS].flatMap(() => {
        const twice = {};
        return [twice, twice];
      }),
    ],
    [
      'an object met twice among many',
      Array.from({ length: 30 }, (_, i) => ({ i })).flatMap((item, i) => (i === 20 ? [item, item] : [item])),
    ],
    ['-0', [-0]],
    ['half a surrogate pair', '\ud800'],
    ['such a key', { '\ud800': 1 }],
    ['a hole', new Array(1)],
    ['a field __proto__', JSON.parse('{"__proto__":1}')],
    [
      'an instance of a class',
      new (class Model {
        size = 1;
      })(),
    ],
    ['too many levels', nested(49)],
  ])('sends what msgpack does not keep as a graph: %s', (_what, value) => {
    expect(form_of(value)).toBe(GRAPH);
  });

  it('counts attachments as bytes of the value', () => {
    const small = encoded_bytes(encode_value({ bytes: new Uint8Array(10) }, 'value'));
    const large = encoded_bytes(encode_value({ bytes: new Uint8Array(100_000) }, 'value'));
    expect(small).toBeLessThan(100);
    expect(large).toBeGreaterThan(100_000);
    expect(large).toBeLessThan(100_100);
  });

  it('serves the next value after one that could not be sent', () => {
    const again = { n: 1 };
    expect(() => encode_value([again, () => 1], 'value')).toThrow(UsageError);
    expect(form_of([again])).toBe(PLAIN);
    expect(round_trip([again])).toEqual([again]);
  });

  it('serves the next value after one whose getter threw', () => {
    const again = { n: 1 };
    const trap = {
      again,
      get trap() {
        throw new Error('no');
      },
    };
    expect(() => encode_value(trap, 'value')).toThrow();
    expect(form_of(again)).toBe(PLAIN);
  });
});

describe('decode_value', () => {
  it('refuses a form that there is not', () => {
    for (const form of [2, -1, '0', null, undefined, {}, { toString: 0 }])
      expect(() => decode_value(form, 1, NO_ATTACHMENTS)).toThrow(ProtocolError);
  });
});

describe('unpack', () => {
  it('throws nothing but a ProtocolError, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          unpack(Buffer.from(garbage), 0, garbage.length);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('decodes the next body rightly after one that was garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.jsonValue(), (garbage, value) => {
        expect(() =>
          unpack(Buffer.concat([Buffer.from([0xc1]), garbage, Buffer.from([0xc1])]), 0, garbage.length + 2),
        ).toThrow(ProtocolError);
        const plain = JSON.parse(JSON.stringify(value));
        expect(difference(plain, round_trip(plain))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['a body that ends too early', [0x93, 1, 2]],
    ['a body with something behind it', [0x01, 0x02]],
    ['no bytes', []],
    ['a huge array that is not there', [0xdd, 0x7f, 0xff, 0xff, 0xff]],
    ['a huge text that is not there', [0xdb, 0x7f, 0xff, 0xff, 0xff]],
    ['a huge binary that is not there', [0xc6, 0x7f, 0xff, 0xff, 0xff]],
    ['100,000 arrays, one in another', Array.from({ length: 100_000 }, () => 0x91)],
  ])('refuses %s', (_what, bytes) => {
    expect(() => unpack(Buffer.from(bytes), 0, bytes.length)).toThrow(ProtocolError);
  });
});
