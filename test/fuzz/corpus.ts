/** Corpus: good inputs, made by the real writers: each kind of message, each form of value, each node of a graph. */
import fc from 'fast-check';
import { BatchWriter } from '../../src/wire/batch.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.js';
import { type PulseMessage, write_pulse_message } from '../../src/wire/pulse_messages.js';
import { encode_value } from '../../src/wire/value.js';
import { any_order, any_report, type Written } from '../kit/any_message.js';
import { any_shared, any_tree, any_web } from '../kit/any_value.js';
import type { Input } from './target.js';

const SAMPLES_SEED = 7;
/** Larger samples cost time and find no more. */
const MAX_SAMPLE_BYTES = 2048;

/** One of each kind that structuredClone keeps. */
export const VALUES: readonly unknown[] = [
  null,
  undefined,
  true,
  -0,
  1.5,
  2 ** 53,
  123456789012345678901234567890n,
  'text',
  'half \ud800',
  [],
  {},
  [1, [2, [3, ['four', null, undefined, false]]]],
  { a: 1, b: { c: 'd', e: [1, 2, 3] }, 'any key': 2 },
  JSON.parse('{"__proto__":{"a":1},"constructor":2,"prototype":3,"toJSON":4,"then":5}'),
  // biome-ignore lint/suspicious/noSparseArray: holes are kept
  [1, , 3],
  Object.assign([], { 100000: 1 }),
  new Map<unknown, unknown>([
    ['a', 1],
    [{}, new Map()],
  ]),
  new Set<unknown>([1, 'a', new Set([2])]),
  new Date(86_400_000),
  /ab+c/gi,
  Object('boxed'),
  Object(7n),
  Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 'E_NO', detail: { at: 1 } }),
  new AggregateError([new RangeError('a'), 'b'], 'both'),
  new Uint8Array([1, 2, 3]).buffer,
  new Uint8Array([1, 2, 3]),
  Buffer.from('bytes'),
  new DataView(new ArrayBuffer(5), 1),
  new Float64Array([1.5, 2.5]),
  new BigInt64Array([1n]),
  new Uint16Array(9000).fill(7),
  [Buffer.alloc(17_000, 1), Buffer.alloc(16_384, 2), new Float32Array(4096)],
  circle(),
  shared(),
];

function circle(): unknown {
  const knot: { list: unknown[]; map: Map<unknown, unknown>; self?: unknown } = { list: [], map: new Map() };
  knot.self = knot;
  knot.list.push(knot.list, knot);
  knot.map.set(knot, knot.map);
  return knot;
}

function shared(): unknown {
  let value: unknown = [];
  // who writes it out writes 2^24 arrays
  for (let i = 0; i < 24; i++) value = [value, value];
  return value;
}

function samples_of<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: SAMPLES_SEED });
}

/** Bodies of values: what stands in a message after the form. */
export function values(form: number): Input[] {
  const all = [
    ...VALUES,
    ...samples_of(any_tree, 60),
    ...samples_of(any_shared, 15),
    ...samples_of(any_web, 40),
  ];
  return all.flatMap((value) => {
    const encoded = encode_value(value, 'value');
    const bytes = Buffer.from(encoded.bytes.subarray(encoded.start, encoded.end));
    if (encoded.form !== form || bytes.length > MAX_SAMPLE_BYTES) return [];
    return [{ bytes, attachments: encoded.attachments?.map(own_bytes) }];
  });
}

/** Bodies with orders, and with reports. */
export const orders = (): Input[] => bodies(Object.values<fc.Arbitrary<Written<unknown>>>(any_order));
export const reports = (): Input[] => bodies(Object.values<fc.Arbitrary<Written<unknown>>>(any_report));

function bodies(kinds: readonly fc.Arbitrary<Written<unknown>>[]): Input[] {
  const each = kinds.flatMap((kind) => samples_of(kind, 6).map((written) => [written]));
  const many = samples_of(fc.array(fc.oneof(...kinds), { maxLength: 6 }), 30);
  return [...each, ...many].map(body_of).filter(({ bytes }) => bytes.length <= MAX_SAMPLE_BYTES);
}

function body_of(messages: readonly Written<unknown>[]): Input {
  const writer = new BatchWriter();
  for (const { write } of messages) write(writer);
  const [head, _table, ...attachments] = writer.take() as [Uint8Array, ...Uint8Array[]];
  return {
    bytes: Buffer.from(head.subarray(FRAME_HEADER_BYTES)),
    attachments: attachments.length > 0 ? attachments.map(own_bytes) : undefined,
  };
}

/** As a FrameReader hands attachments over. */
function own_bytes(attachment: Uint8Array): Uint8Array {
  const own = Buffer.allocUnsafeSlow(attachment.byteLength);
  own.set(attachment);
  return own;
}

const PULSE_MESSAGES: readonly PulseMessage[] = [
  { kind: 'take_back', from: 0, to: 3 },
  { kind: 'take_back', from: 70_000, to: 2 ** 40 },
  { kind: 'stop' },
  { kind: 'heartbeat', vitals: { rss: 123_456_789, peak: 2 ** 31, cpu: 5000, stalled: 0 } },
  { kind: 'kill', seq: 300 },
  { kind: 'round_trip', ms: 200 },
  { kind: 'alive' },
  { kind: 'killed', seq: 7, why: 'too_large' },
  { kind: 'killed', seq: undefined, why: 'timed_out' },
  { kind: 'taken_back', from: 200, to: 300 },
];

export function pulse_bodies(): Input[] {
  const batches = [...PULSE_MESSAGES.map((message) => [message]), PULSE_MESSAGES, []];
  return batches.map((messages) => {
    const writer = new BatchWriter();
    for (const message of messages) write_pulse_message(writer, message);
    return { bytes: Buffer.concat(writer.take()).subarray(FRAME_HEADER_BYTES) };
  });
}
