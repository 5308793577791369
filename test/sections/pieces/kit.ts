/** Files and streams for the tests of formats and pieces: small datasets of every format, in folders that go away. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import type { CubeFormat, CubeHead, Element, Format } from '../../../src/sections/formats/format.js';
import { npy, sep } from '../../../src/sections/formats/formats.js';

/** A maker of folders that are removed when the tests of the file are done. */
export function temporary_folders(): () => string {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'parjob-pieces-'));
    made.push(folder);
    return folder;
  };
}

/** What a stream gives, in one. */
export async function all_of(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of chunks) parts.push(Uint8Array.from(bytes));
  return Buffer.concat(parts);
}

/** The bytes as a stream that is cut every `size` bytes. */
export async function* stream_of(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A stream that breaks off after `size` of the bytes. */
export async function* broken_stream(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  yield* stream_of(bytes.subarray(0, size), 1000);
  throw new Error('the link broke');
}

/** Names of what lies in a folder. */
export function names_in(folder: string): string[] {
  return readdirSync(folder).toSorted();
}

export const FLOAT32: Element = { bytes: 4, number: 'float32', is_big_endian: false };

/** The head of a .npy file whose elements are `descr`. */
export function npy_head(
  shape: readonly number[],
  descr = '<f4',
  is_fortran = true,
  version = 1,
): Uint8Array {
  const like = { source: { version, descr, is_fortran } } as unknown as CubeHead;
  return npy.head(
    like,
    shape.map((n) => ({ n })),
    '',
  );
}

/** A .npy file of these axes, the fastest first. */
export function npy_file(file: string, shape: readonly number[], data: Uint8Array, descr = '<f4'): void {
  writeFileSync(file, Buffer.concat([npy_head(shape, descr, false), data]));
}

/** A SEP file with its data in it. */
export function sep_bytes(text: string, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${text}\nin="stdin"\n\f\f\x04`, 'latin1'), data]);
}

/** Bytes of which no two runs of 4 are alike. */
export function counted_bytes(length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, i) => Math.imul(i + 1, 2654435761));
  return Buffer.from(words.buffer, 0, length);
}

/** Bytes of an array of floats. */
export function floats(values: ArrayLike<number>): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

export function to_floats(bytes: Uint8Array): number[] {
  return [...new Float32Array(Uint8Array.from(bytes).buffer)];
}

/** A format that is nothing but the head's length and shape in a line of text: what a user might give. */
export const toy: CubeFormat = {
  kind: 'cube',
  name: 'TOY',
  parse(start, is_whole) {
    const end = start.indexOf(10);
    if (end === -1) {
      if (is_whole) throw new Error('it has no first line');
      return undefined;
    }
    const [bytes = 1, ...shape] = Buffer.from(start.subarray(0, end)).toString().split(' ').map(Number);
    return { axes: shape.map((n) => ({ n })), element: { bytes }, offset: end + 1 };
  },
  // cannot be made longer, so that the joiner has to move the data
  head: (like, axes) => Buffer.from(`${[like.element.bytes, ...axes.map(({ n }) => n)].join(' ')}\n`),
};

/** A whole file of a cube format, with elements of `element_bytes`. */
export function cube_bytes(format: Format, shape: readonly number[], element_bytes: number): Buffer {
  const data = counted_bytes(shape.reduce((product, n) => product * n, element_bytes));
  if (format.name === 'TOY')
    return Buffer.concat([Buffer.from(`${[element_bytes, ...shape].join(' ')}\n`), data]);
  if (format === sep) {
    const axes = shape.map((n, i) => `n${i + 1}=${n} o${i + 1}=${i} d${i + 1}=0.1`).join(' ');
    return sep_bytes(`${axes} esize=${element_bytes}`, data);
  }
  return Buffer.concat([npy_head(shape, `|V${element_bytes}`, shape.length % 2 === 0), data]);
}

/** Lengths of the axes of a small cube. */
export const any_shape = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
