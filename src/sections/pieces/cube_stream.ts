/** A cube that comes as a stream of chunks: its head at the start, and just the bytes that the head asks for. */
import { UsageError } from '../../errors.js';
import type { CubeFormat } from '../formats/format.js';
import { type CubeHeader, parse_head } from '../formats/header.js';

/** Reads the head of a piece; the chunks that are given back are all of it again. */
export async function begin_cube(
  format: CubeFormat,
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): Promise<{ header: CubeHeader; chunks: AsyncIterable<Uint8Array>; close: () => Promise<unknown> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    let start: Uint8Array = new Uint8Array(0);
    for (;;) {
      const { value, done } = await iterator.next();
      const is_whole = done === true;
      if (!is_whole) start = start.length === 0 ? value : Buffer.concat([start, value]);
      // of a copy: a format may keep a part of what it sees, and this memory is used again
      const head = parse_head(format, name, Uint8Array.from(start), is_whole);
      if (head === undefined) continue;
      if (head.data_file !== undefined) {
        throw new UsageError(
          `${name} has its data in ${head.data_file}: send it with read_whole, as one file`,
        );
      }
      const header: CubeHeader = { ...head, kind: 'cube', format, file: name, data_file: name };
      return { header, chunks: resume(start, iterator), close: async () => iterator.return?.() };
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
}

async function* resume(
  start: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield start;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

export async function* without_head(
  chunks: AsyncIterable<Uint8Array>,
  head_bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = head_bytes;
  for await (const bytes of chunks) {
    if (bytes.length > left) yield left === 0 ? bytes : bytes.subarray(left);
    left = Math.max(0, left - bytes.length);
  }
}

/** The chunks, if they are just so many bytes. */
export async function* exactly(
  chunks: AsyncIterable<Uint8Array>,
  expected: number,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > expected) break;
    yield chunk;
  }
  if (bytes === expected) return;
  throw new UsageError(
    `${name}: its header asks for ${expected} bytes in all, but it has ${bytes > expected ? 'more' : bytes}`,
  );
}
