import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError, UsageError } from '../../src/errors.js';
import { ATTACH_BYTES, flatten } from '../../src/wire/graph.js';
import { AttachmentCursor, restore } from '../../src/wire/restore.js';
import { decode_value, encode_value, GRAPH } from '../../src/wire/value.js';
import { any_tree } from '../kit/any_value.js';
import { difference } from '../kit/difference.js';
import { round_trip } from '../kit/round_trip.js';
import { HOSTILE_VALUES, UNFIT_VALUES } from '../kit/unfit_values.js';

class Opinion {
  size = 2;
  #secret = 1;
  get secret(): number {
    return this.#secret;
  }
}

/** An array with these items at these places, and holes elsewhere. */
function sparse(length: number, items: Record<number, unknown>): unknown[] {
  return Object.assign(new Array(length), items);
}

describe('flatten', () => {
  it('makes one node of each object, however often it is referred to', () => {
    const a: unknown[] = [];
    expect(flatten({ m: new Map([[1, a]]), a }, 'x', false)).toEqual({
      nodes: [[1], [0, 'm', [2], 'a', [3]], [3, 1, [3]], [1]],
      attachments: [],
    });
  });

  it('puts binaries beside the nodes from ATTACH_BYTES on, without a copy, in their order', () => {
    const [small, first, second] = [ATTACH_BYTES - 1, ATTACH_BYTES, ATTACH_BYTES + 1].map(
      (n) => new Uint8Array(n),
    );
    const { nodes, attachments } = flatten([second, small, first, second], 'x', false);
    expect(attachments.map((bytes) => bytes.byteLength)).toEqual([ATTACH_BYTES + 1, ATTACH_BYTES]);
    expect(attachments.map((bytes) => bytes.buffer)).toEqual([second?.buffer, first?.buffer]);
    expect(nodes.map((node) => (node as unknown[])[0])).toEqual([1, 1, 10, 9, 10]);
  });

  it('copies memory that is shared, for it may change while it waits', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(ATTACH_BYTES)).fill(5);
    const [attachment] = flatten(shared, 'x', false).attachments;
    shared.fill(6);
    expect(attachment?.every((byte) => byte === 5)).toBe(true);
  });
});

describe('what arrives', () => {
  it('is a plain object with the fields of an instance of a class', () => {
    const arrived = round_trip({ item: new Opinion() }) as { item: object };
    expect(arrived.item).toEqual({ size: 2 });
    expect(Object.getPrototypeOf(arrived.item)).toBe(Object.prototype);
  });

  it('is a plain object also when the class of the instance has a tag of its own', () => {
    class Tagged extends Opinion {
      get [Symbol.toStringTag](): string {
        return 'Tagged';
      }
    }
    expect(round_trip([new Tagged()])).toEqual([{ size: 2 }]);
  });

  it('is an error of the built-in class that its name says, with all that it had', () => {
    const cause = new RangeError('inner');
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E_X', cause_of: new Set([1]) });
    const arrived = round_trip(error) as typeof error;
    expect(arrived).toBeInstanceOf(TypeError);
    expect(arrived.cause).toBeInstanceOf(RangeError);
    expect(arrived.stack).toBe(error.stack);
    expect(difference(error, arrived)).toBeUndefined();
    expect(Object.keys(arrived)).toEqual(['code', 'cause_of']);
  });

  it('is an error with its own name when its class is not known here', () => {
    class ModelError extends Error {
      override name = 'ModelError';
      residue = 7;
    }
    const arrived = round_trip(new ModelError('bad')) as ModelError;
    expect(arrived).toBeInstanceOf(Error);
    expect([arrived.name, arrived.message, arrived.residue]).toEqual(['ModelError', 'bad', 7]);
    expect(Object.keys(arrived)).toEqual(['residue']);
  });

  it('is an AggregateError with its errors, and a DOMException as an Error with its name', () => {
    const both = new AggregateError([new Error('a'), 'b'], 'both');
    expect(difference(both, round_trip(both))).toBeUndefined();
    expect(round_trip(both)).toBeInstanceOf(AggregateError);
    expect(round_trip(new DOMException('stop', 'AbortError'))).toMatchObject({
      name: 'AbortError',
      message: 'stop',
    });
  });

  it('is a Buffer for a Buffer, and a view of its own for each view of one buffer', () => {
    const buffer = new ArrayBuffer(64);
    const views = [Buffer.from(buffer, 8, 4), new Uint16Array(buffer, 2, 3), new DataView(buffer, 1, 5)];
    const arrived = round_trip(views) as typeof views;
    expect(difference(views, arrived)).toBeUndefined();
    expect(Buffer.isBuffer(arrived[0])).toBe(true);
    expect(arrived[1]?.buffer).not.toBe(arrived[2]?.buffer);
    expect(arrived[1]?.buffer.byteLength).toBe(6);
  });

  it('is an ArrayBuffer for memory that was shared', () => {
    const shared = new SharedArrayBuffer(3);
    new Uint8Array(shared).set([1, 2, 3]);
    expect(difference(new Uint8Array([1, 2, 3]).buffer, round_trip(shared))).toBeUndefined();
  });

  it.each([
    ['its holes', sparse(3, { 0: 1, 2: 3 })],
    ['a hole at its end', sparse(3, { 0: 1, 1: 2 })],
    ['nothing but holes', sparse(5, {})],
  ])('is an array with %s', (_what, value) => {
    expect(difference(value, round_trip(value))).toBeUndefined();
  });

  it('costs what is in it when it is a sparse array, not what its length is', () => {
    let questions = 0;
    const value = new Proxy([1, 2], {
      has(target, key) {
        questions++;
        return Reflect.has(target, key);
      },
    });
    value.length = 100_000;
    expect(round_trip(value)).toHaveLength(100_000);
    expect(questions).toBeLessThan(1000);
  });

  it('is an array with its holes even if it had more properties, which are dropped', () => {
    const value = Object.assign(sparse(3, { 0: 1, 2: 3 }), { note: 'extra' });
    expect(difference(sparse(3, { 0: 1, 2: 3 }), round_trip(value))).toBeUndefined();
  });

  it('has memory of its own, also when its attachment came in a larger buffer', () => {
    const frame = Buffer.alloc(64, 7);
    const arrived = decode_value(
      GRAPH,
      [[1], [10, 'ArrayBuffer']],
      new AttachmentCursor([frame.subarray(8, 12)]),
    );
    frame.fill(0);
    expect(difference(new Uint8Array([7, 7, 7, 7]).buffer, arrived)).toBeUndefined();
  });

  it('has a field __proto__ as a field, and the prototype that it should have', () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"seen":1}');
    const arrived = round_trip(value) as object;
    expect(Object.keys(arrived)).toEqual(['__proto__', 'seen']);
    expect(Object.getPrototypeOf(arrived)).toBe(Object.prototype);
    expect('polluted' in arrived).toBe(false);
  });
});

describe('what cannot be sent', () => {
  it.each(UNFIT_VALUES)('is refused with the path to it: %s', (_what, value, text) => {
    expect(() => encode_value([value], 'args')).toThrow(UsageError);
    expect(() => encode_value([value], 'args')).toThrow(text);
  });

  it('includes a socket, for what it holds', () => {
    const socket = new Socket();
    expect(() => encode_value([{ socket }], 'args')).toThrow(/^args\[0\]\.socket\S* is a/);
    socket.destroy();
  });

  it.each(HOSTILE_VALUES.slice(0, 2))('includes %s', (_what, value) => {
    expect(() => encode_value([{ value }], 'args')).toThrow(UsageError);
    expect(() => encode_value([{ value }], 'args')).toThrow(/^args\[0\]\.value is /);
  });

  it('is named by the way that was found first, in a circle too', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    circle['list'] = [circle, { hook: () => 1 }];
    expect(() => encode_value(circle, 'data')).toThrow('data.list[1].hook is a function');
  });

  it('is sent as a text when lenient', () => {
    const sent = round_trip({ f: () => 1, s: Symbol('s'), p: Promise.resolve(), n: 1 }, true);
    expect(sent).toEqual({ f: '[[Function: f]]', s: '[Symbol(s)]', p: '[Promise { undefined }]', n: 1 });
  });

  it('never makes a lenient encoding throw', () => {
    const socket = new Socket();
    for (const [, value] of UNFIT_VALUES) expect(round_trip(value, true)).toBeDefined();
    expect(round_trip({ socket }, true)).toBeDefined();
    socket.destroy();
    fc.assert(
      fc.property(fc.tuple(any_tree, fc.func(fc.nat())), ([value, f]) => {
        expect(round_trip([value, f, { f }], true)).toHaveLength(3);
      }),
    );
  });

  it.each(HOSTILE_VALUES)('never makes a lenient encoding throw: %s', (_what, value) => {
    expect(round_trip([value], true)).toHaveLength(1);
  });
});

function restored(...nodes: unknown[]): unknown {
  return decode_value(GRAPH, nodes, new AttachmentCursor([]));
}

const any_slot = fc.oneof(
  fc.tuple(fc.integer({ min: -1, max: 6 })),
  fc.constantFrom<unknown>('__proto__', 'constructor', 'length', 'Uint8Array', 'Buffer', 'constructor'),
  fc.anything({ maxDepth: 1 }).filter((value) => typeof value !== 'number' || Math.abs(value) < 1000),
);
const any_node = fc
  .tuple(fc.integer({ min: 0, max: 14 }), fc.array(any_slot, { maxLength: 7 }))
  .map(([tag, slots]) => [tag, ...slots]);

describe('a graph that no flattener made', () => {
  it('gives a value or a ProtocolError, and changes no prototype', () => {
    const before = Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length;
    fc.assert(
      fc.property(fc.array(any_node, { maxLength: 6 }), (nodes) => {
        try {
          restored([1], ...nodes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
        expect(Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length).toBe(
          before,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, unknown[]]>([
    ['an unknown tag', [[1], [99]]],
    ['a tag that is no number', [[1], ['0']]],
    ['a node that is no array', [[1], { 0: 0 }]],
    ['a reference past the end', [[1], [1, [2]]]],
    ['a reference to the root', [[0], [1]]],
    ['a reference to no whole number', [[1], [1, [1.5]], [1]]],
    ['a binary of an unknown class', [[1], [9, 'constructor', Buffer.from('x')]]],
    ['a binary that is a number of bytes to allocate', [[1], [9, 'Buffer', 1000]]],
    ['an attachment that did not come', [[1], [10, 'Buffer']]],
    ['a regular expression with a syntax error', [[1], [6, '(', '', 0]]],
    ['a bigint that is none', [[1], [7, 'ten']]],
    ['a length that no array has', [[1], [2, -1]]],
    ['a place in an array that is no index', [[1], [2, 1, '__proto__', [2]], [0]]],
  ])('is refused for %s', (_what, nodes) => {
    expect(() => restored(...nodes)).toThrow(ProtocolError);
  });

  it.each([[undefined], [null], [{}], ['text'], [7]])('is refused when it is no list: %j', (nodes) => {
    expect(() => restore(nodes, new AttachmentCursor([]))).toThrow(ProtocolError);
  });
});
