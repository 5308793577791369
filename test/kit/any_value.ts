/** Values: any that parjob sends, as arbitraries of fast-check. */
import fc from 'fast-check';
import { ATTACH_BYTES } from '../../src/wire/graph.js';

/** Strings with anything in them, halves of surrogate pairs too. */
const any_string: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.integer({ min: 0xd700, max: 0xe000 }), { maxLength: 4 })
    .map((units) => String.fromCharCode(...units)),
);

const any_key: fc.Arbitrary<string> = fc.oneof(
  any_string,
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'then',
    'length',
    '',
    '0',
    '-1',
    'cause',
  ),
);

const any_primitive: fc.Arbitrary<unknown> = fc.oneof(
  any_string,
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(
    null,
    undefined,
    Number.NaN,
    -0,
    0,
    Infinity,
    -Infinity,
    2 ** 53,
    -(2 ** 31),
    2 ** 32,
    2n ** 64n,
  ),
);

const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** Bytes in a buffer of their own, now and then as many as travel beside the body. */
const any_buffer: fc.Arbitrary<ArrayBuffer> = fc.oneof(
  { weight: 12, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes).buffer) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: ATTACH_BYTES - 9, max: ATTACH_BYTES + 64 }), fc.nat(255))
      .map(([length, fill]) => new Uint8Array(length).fill(fill).buffer),
  },
);

export const any_binary: fc.Arbitrary<ArrayBuffer | ArrayBufferView> = fc.oneof(
  any_buffer,
  any_buffer.map((buffer) => new DataView(buffer, buffer.byteLength >> 1)),
  any_buffer.map((buffer) => Buffer.from(buffer, Math.min(3, buffer.byteLength))),
  fc.tuple(fc.constantFrom(...VIEWS), any_buffer, fc.nat(1)).map(([VIEW, buffer, skip]) => {
    const items = Math.floor(buffer.byteLength / VIEW.BYTES_PER_ELEMENT);
    const first = Math.min(items, skip);
    return new VIEW(buffer, first * VIEW.BYTES_PER_ELEMENT, items - first);
  }),
);

const any_leaf_object: fc.Arbitrary<object> = fc.oneof(
  any_binary,
  fc.date({ noInvalidDate: false }),
  fc
    .tuple(
      fc.constantFrom('a', '(?<n>x)\\k<n>', '\\u2028|/', ''),
      fc.constantFrom('', 'g', 'dgimsuy', 'v'),
      fc.nat(9),
    )
    .map(([source, flags, last_index]) =>
      Object.assign(new RegExp(source, flags), { lastIndex: last_index }),
    ),
  fc
    .oneof(any_string, fc.double(), fc.boolean(), fc.bigInt())
    .map((primitive) => Object(primitive) as object),
);

function object_of(entries: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(entries);
}

function with_holes([items, holes]: readonly [unknown[], number[]]): unknown[] {
  for (const hole of holes) delete items[hole % (items.length + 1)];
  items.length += (holes[0] ?? 0) % 3;
  return items;
}

const ERROR_CLASSES = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
] as const;

interface ErrorRecipe {
  ERROR_CLASS: (typeof ERROR_CLASSES)[number];
  message: string;
  cause: unknown;
  fields: [string, unknown][];
  name: string | undefined;
}

const ERROR_KEYS = new Set([
  'name',
  'message',
  'stack',
  'cause',
  'errors',
  '__proto__',
  'constructor',
  'toString',
]);

function error_of({ ERROR_CLASS, message, cause, fields, name }: ErrorRecipe): Error {
  const error = cause === undefined ? new ERROR_CLASS(message) : new ERROR_CLASS(message, { cause });
  for (const [key, field] of fields) if (!ERROR_KEYS.has(key)) Object.assign(error, { [key]: field });
  if (name !== undefined)
    Object.defineProperty(error, 'name', {
      value: name,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  return error;
}

const { tree } = fc.letrec<{ tree: unknown }>((tie) => {
  const part = tie('tree');
  const parts = fc.array(part, { maxLength: 5 });
  const entries = fc.array(fc.tuple(any_key, part), { maxLength: 5 });
  return {
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      any_primitive,
      any_leaf_object,
      parts,
      entries.map(object_of),
      fc.tuple(parts, fc.array(fc.nat(8), { maxLength: 3 })).map(with_holes),
      fc.array(fc.tuple(part, part), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      parts.map((items) => new Set(items)),
      fc
        .record({
          ERROR_CLASS: fc.constantFrom(...ERROR_CLASSES),
          message: any_string,
          cause: part,
          fields: entries,
          name: fc.option(any_string, { nil: undefined }),
        })
        .map(error_of),
    ),
  };
});

/** A tree of all kinds of value. */
export const any_tree: fc.Arbitrary<unknown> = tree;

/** Values in which the same objects stand in several places. */
export const any_shared: fc.Arbitrary<unknown> = fc
  .tuple(tree, tree, any_binary)
  .map(([a, b, c]) => [a, { b, c, again: [a, c] }, new Map([[a, b]]), new Set([b, c]), b, c]);

/** Objects, arrays, maps and sets that refer to each other at random, in circles too. */
export const any_web: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.array(fc.constantFrom('object', 'array', 'map', 'set'), { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(7), fc.nat(7), any_key), { maxLength: 24 }),
  )
  .map(([kinds, edges]) => {
    const knots = kinds.map((kind) =>
      kind === 'object' ? {} : kind === 'array' ? [] : kind === 'map' ? new Map() : new Set(),
    );
    for (const [from, to, key] of edges) {
      const [knot, target] = [knots[from % knots.length], knots[to % knots.length]];
      if (knot instanceof Map) knot.set(key.length % 2 === 0 ? target : key, target);
      else if (knot instanceof Set) knot.add(target);
      else if (Array.isArray(knot)) knot.push(target);
      else
        Object.defineProperty(knot, key, {
          value: target,
          enumerable: true,
          writable: true,
          configurable: true,
        });
    }
    return knots[0];
  });
