/**
 * Mutator: makes a bad input of a good one. Some changes know bytes only; others know what the bytes are, so
 * that the change gets past the first check: whole msgpack items, or lines of JSON, are put in each other's place.
 */
import { items_of } from './items.js';
import type { Random } from './random.js';
import { BYTES, ITEMS, JSON_TOKENS, NUMBERS } from './snippets.js';

/** What the bytes of an input are. */
export type Layout =
  /** Records with lengths. */
  | 'binary'
  /** One msgpack item. */
  | 'msgpack'
  /** Lines of JSON. */
  | 'lines';

/** No input grows beyond. */
const MAX_BYTES = 48 * 1024;

type Change = (bytes: Buffer, other: Buffer, random: Random) => Buffer;

/** Changes `bytes` once or several times. They stay as they are; `other` is another good input of the kind. */
export function mutate(bytes: Buffer, other: Buffer, layout: Layout, random: Random): Buffer {
  const changes = CHANGES[layout];
  let mutant: Buffer = Buffer.from(bytes);
  do mutant = random.pick(changes)(mutant, other, random);
  while (random.below(5) < 2);
  return mutant.length <= MAX_BYTES ? mutant : mutant.subarray(0, MAX_BYTES);
}

/** `bytes` with `filling` in the place of [start, end). */
export function replaced(bytes: Buffer, start: number, end: number, filling: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, start), filling, bytes.subarray(end)]);
}

function range_of(bytes: Buffer, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  const length = random.one_in(4) ? random.below(bytes.length - start + 1) : random.below(9);
  return [start, Math.min(bytes.length, start + length)];
}

const flip_bit: Change = (bytes, _other, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
};

const set_byte: Change = (bytes, _other, random) => {
  if (bytes.length > 0)
    bytes[random.below(bytes.length)] = random.one_in(3) ? random.byte() : random.pick(BYTES);
  return bytes;
};

/** A length, or any other number. */
const set_number: Change = (bytes, _other, random) => {
  const width = random.pick([2, 4, 4, 8]);
  if (bytes.length < width) return bytes;
  // fields stand at even places more often than not
  const at = random.below(bytes.length - width + 1) & (random.one_in(2) ? ~3 : ~0);
  const near = bytes.length - at + random.below(5) - 2;
  const number = random.one_in(3) ? Math.max(0, near) : random.pick(NUMBERS);
  if (width === 2) bytes.writeUInt16BE(number & 0xffff, at);
  else if (width === 4) bytes.writeUInt32BE(number, at);
  else
    bytes.writeBigUInt64BE((BigInt(random.one_in(3) ? random.pick(NUMBERS) : 0) << 32n) | BigInt(number), at);
  return bytes;
};

const truncate: Change = (bytes, _other, random) => bytes.subarray(0, random.below(bytes.length + 1));

const remove: Change = (bytes, _other, random) => {
  const [start, end] = range_of(bytes, random);
  return replaced(bytes, start, end, EMPTY);
};

const duplicate: Change = (bytes, _other, random) => {
  const [start, end] = range_of(bytes, random);
  return replaced(bytes, end, end, bytes.subarray(start, end));
};

const insert_bytes: Change = (bytes, _other, random) => {
  const filling = Buffer.alloc(1 + random.below(8));
  for (let i = 0; i < filling.length; i++) filling[i] = random.one_in(2) ? random.byte() : random.pick(BYTES);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, filling);
};

const swap: Change = (bytes, _other, random) => {
  const [start, end] = range_of(bytes, random);
  const rest = replaced(bytes, start, end, EMPTY);
  const at = random.below(rest.length + 1);
  return replaced(rest, at, at, bytes.subarray(start, end));
};

const splice: Change = (bytes, other, random) => {
  const [start, end] = range_of(other, random);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, random.one_in(2) ? at : bytes.length, other.subarray(start, end));
};

const append: Change = (bytes, other) => Buffer.concat([bytes, other]);

const insert_item: Change = (bytes, _other, random) => {
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, random.pick(ITEMS));
};

/** The body stays one that can be read: one item takes the place of another. */
const replace_item: Change = (bytes, other, random) => {
  const items = items_of(bytes);
  if (items.length === 0) return bytes;
  const [start, end] = random.pick(items);
  return replaced(bytes, start, end, any_item(other, random));
};

/** An item is put before another, which the head of its container may or may not count. */
const add_item: Change = (bytes, other, random) => {
  const items = items_of(bytes);
  if (items.length === 0) return bytes;
  const [at] = random.pick(items);
  const grown = replaced(bytes, at, at, any_item(other, random));
  const [container] = items.findLast(([start, end]) => start < at && at < end) ?? [];
  const head = container === undefined ? 0 : (grown[container] as number);
  if (container !== undefined && head >= 0x80 && (head & 0x0f) < 0x0f && head < 0xa0 && !random.one_in(4)) {
    grown[container] = head + 1;
  }
  return grown;
};

const copy_item: Change = (bytes, _other, random) => {
  const items = items_of(bytes);
  if (items.length < 2) return bytes;
  const [start, end] = random.pick(items);
  const [from, to] = random.pick(items);
  return replaced(bytes, start, end, Buffer.from(bytes.subarray(from, to)));
};

const wrap_item: Change = (bytes, _other, random) => {
  const items = items_of(bytes);
  if (items.length === 0) return bytes;
  const [start, end] = random.pick(items);
  const depth = random.one_in(50) ? random.below(20_000) : 1 + random.below(3);
  const heads = Buffer.alloc(depth, random.one_in(3) ? 0x81 : 0x91);
  return replaced(bytes, start, end, Buffer.concat([heads, bytes.subarray(start, end)]));
};

function any_item(other: Buffer, random: Random): Buffer {
  if (random.below(3) > 0) return random.pick(ITEMS);
  const items = items_of(other);
  if (items.length === 0) return random.pick(ITEMS);
  const [start, end] = random.pick(items);
  return other.subarray(start, end);
}

const NEWLINE = 10;

function lines_of(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end + 1));
    start = end + 1;
  }
  if (start < bytes.length) lines.push(bytes.subarray(start));
  return lines;
}

const change_lines: Change = (bytes, other, random) => {
  const lines = lines_of(bytes);
  const at = random.below(lines.length);
  const line = random.one_in(3) ? random.pick(lines_of(other)) : random.pick(lines);
  lines.splice(at, random.below(2), ...(random.one_in(3) || line === undefined ? [] : [line]));
  return Buffer.concat(lines);
};

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

const replace_token: Change = (bytes, _other, random) => {
  const text = bytes.toString('latin1');
  const tokens = [...text.matchAll(TOKEN)];
  const token = random.pick(tokens);
  if (token === undefined) return bytes;
  const start = token.index as number;
  const filling = random.one_in(3) ? random.pick(tokens)[0] : random.pick(JSON_TOKENS);
  return replaced(bytes, start, start + token[0].length, Buffer.from(filling, 'latin1'));
};

const EMPTY = Buffer.alloc(0);
const ON_BYTES: readonly Change[] = [
  flip_bit,
  set_byte,
  set_number,
  truncate,
  remove,
  duplicate,
  insert_bytes,
  swap,
  splice,
];
const ON_ITEMS: readonly Change[] = [replace_item, add_item, copy_item, wrap_item];

const CHANGES: Readonly<Record<Layout, readonly Change[]>> = {
  binary: [...ON_BYTES, set_number, append],
  msgpack: [...ON_BYTES, insert_item, ...ON_ITEMS, ...ON_ITEMS, replace_item, replace_item],
  lines: [...ON_BYTES, change_lines, change_lines, replace_token, replace_token, replace_token],
};
