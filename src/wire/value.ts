/**
 * Values: what users send, as msgpack and back.
 *
 * A plain value (a tree of primitives, arrays and plain objects) is msgpack as it is. Anything else that
 * structuredClone keeps goes as a graph (graph.ts). The form travels before the value.
 *
 * Nothing here knows which message a value is in.
 */
// the entry without the native string reader: half the time to load, no difference for short strings
import { Packr, Unpackr } from 'msgpackr/pack';
import { Met } from '../base/met.js';
import { ProtocolError, UsageError } from '../errors.js';
import { check_msgpack } from './check_msgpack.js';
import { flatten, text_of } from './graph.js';
import { type AttachmentCursor, restore } from './restore.js';

export const PLAIN = 0;
export const GRAPH = 1;
export type Form = typeof PLAIN | typeof GRAPH;

/** An encoded value. `bytes[start, end)` is only good until the next encode: copy it, or write it out. */
export interface EncodedValue {
  form: Form;
  bytes: Buffer;
  start: number;
  end: number;
  attachments: readonly Uint8Array[] | undefined;
}

// Plain maps, no record extensions: any msgpack library can read them. (Records without a sequence of their own are slower.)
const packr = new Packr({ useRecords: false, useToJSON: false } as ConstructorParameters<typeof Packr>[0]);
// Bodies lie in a buffer that the next read overwrites, so binaries must be copied out of it.
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true } as ConstructorParameters<
  typeof Unpackr
>[0]);

/** msgpackr: hand out its own buffer with `start` and `end`, and begin at the same place next time. */
const REUSE_BUFFER = 512 | 1024;

/** Deeper values go as graphs, which do not recurse. */
const PLAIN_DEPTH = 48;

/**
 * Encodes `value`, which an error calls `name`.
 * @param lenient put a text in the place of what cannot be sent, instead of throwing
 * @throws UsageError (PARJOB_ERR_USAGE) with the path to what cannot be sent
 */
export function encode_value(value: unknown, name: string, lenient = false): EncodedValue {
  if (!lenient && is_plain(value)) return pack(PLAIN, value, undefined);
  const { nodes, attachments } = flatten(value, name, lenient);
  return pack(GRAPH, nodes, attachments.length > 0 ? attachments : undefined);
}

function pack(form: Form, value: unknown, attachments: readonly Uint8Array[] | undefined): EncodedValue {
  try {
    const bytes = packr.pack(value, REUSE_BUFFER) as Buffer & { start: number; end: number };
    return { form, bytes, start: bytes.start, end: bytes.end, attachments };
  } catch (error) {
    throw new UsageError(`the value cannot be encoded: ${(error as Error).message}`, { cause: error });
  }
}

/** Bytes that the value takes in a frame, with its attachments. */
export function encoded_bytes(encoded: EncodedValue): number {
  let total = encoded.end - encoded.start;
  for (const attachment of encoded.attachments ?? []) total += attachment.byteLength;
  return total;
}

/** The value that was sent in `form` as `raw`. */
export function decode_value(form: unknown, raw: unknown, attachments: AttachmentCursor): unknown {
  if (form === PLAIN) return raw;
  if (form !== GRAPH) throw new ProtocolError(`a value has the unknown form ${text_of(form)}`);
  try {
    return restore(raw, attachments);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError(`a value could not be rebuilt: ${(error as Error).message}`, { cause: error });
  }
}

/** Decodes the msgpack of `bytes[start, end)`. */
export function unpack(bytes: Buffer, start: number, end: number): unknown {
  check_msgpack(bytes, start, end);
  try {
    return unpackr.unpack(bytes, { start, end });
  } catch (error) {
    throw new ProtocolError(`a message body is not msgpack: ${(error as Error).message}`, { cause: error });
  }
}

const met = new Met();

/** True for a tree of primitives, dense arrays and plain objects: what msgpack keeps as it is. */
function is_plain(value: unknown): boolean {
  try {
    return is_plain_at(value, 0);
  } finally {
    met.clear();
  }
}

function is_plain_at(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || is_plain_object(value, depth + 1);
    default:
      return false;
  }
}

function is_plain_object(value: object, depth: number): boolean {
  if (depth > PLAIN_DEPTH || met.meet(value)) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (item === undefined && !(i in value)) return false;
      if (!is_plain_at(item, depth)) return false;
    }
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (key === '__proto__' || !key.isWellFormed()) return false;
    if (!is_plain_at((value as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}
