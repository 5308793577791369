/**
 * Header: what is known of a dataset before it is split. Of a cube it is its head, of records how many there are and
 * where some of them begin; for that the file is read once.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { show } from '../../base/options.js';
import { CHUNK_BYTES } from '../../base/spare_memory.js';
import { UsageError } from '../../errors.js';
import { read_fully, read_range } from './file_bytes.js';
import type { Axis, CubeFormat, CubeHead, Format, RecordFormat } from './format.js';

export interface CubeHeader extends CubeHead {
  readonly kind: 'cube';
  readonly format: CubeFormat;
  readonly file: string;
  /** Where the elements are: `file`, or another one. */
  readonly data_file: string;
}

export interface RecordHeader {
  readonly kind: 'records';
  readonly format: RecordFormat;
  readonly file: string;
  /** One: the records. */
  readonly axes: readonly [Axis];
  /** Bytes before the first record, which go before every piece. */
  readonly head_bytes: number;
  /** Bytes of the file. */
  readonly size: number;
  /** Offset of record 0 and each `every`th behind it; empty if all have the same size. */
  readonly offsets: readonly number[];
  readonly every: number;
}

export type Header = CubeHeader | RecordHeader;

/** Of more records than this, only each second is noted, then each fourth, ... */
const MAX_OFFSETS = 2 ** 21;
/** The first look at a cube's file takes so many bytes, the next ones twice as many each. */
const FIRST_LOOK_BYTES = 64 * 1024;
/** A format that has not seen its head in so many bytes will never see it. */
const MAX_LOOK_BYTES = 64 * 1024 * 1024;

/**
 * Reads what has to be known of a dataset before it is split.
 * @throws UsageError (PARJOB_ERR_USAGE) when the file is not of that format, or is cut off
 */
export function read_header(file: string, format: CubeFormat): Promise<CubeHeader>;
export function read_header(file: string, format: RecordFormat): Promise<RecordHeader>;
export function read_header(file: string, format: Format): Promise<Header>;
export async function read_header(file: string, format: Format): Promise<Header> {
  const handle = await open_file(file);
  try {
    if (format.kind === 'records') return await read_records(handle, file, format);
    const header = await read_cube(handle, file, format);
    const { size } = await stat_file(header.data_file, file);
    const needed = header.offset + data_bytes(header);
    if (size >= needed) return header;
    throw new UsageError(
      `${file}: the header asks for ${data_bytes(header)} bytes of data (${shape_text(header.axes)}, ${header.element.bytes} bytes each), ` +
        `but ${header.data_file} has ${Math.max(0, size - header.offset)}: it was cut off, or its header is wrong`,
    );
  } finally {
    await handle.close();
  }
}

/** The files that a dataset consists of: its own, and that of its elements if there is one. */
export async function files_of(file: string, format: Format): Promise<string[]> {
  if (format.kind === 'records') return [file];
  const handle = await open_file(file);
  try {
    const { data_file } = await read_cube(handle, file, format);
    return data_file === file ? [file] : [file, data_file];
  } finally {
    await handle.close();
  }
}

/** Bytes of all elements of a cube with these axes. */
export function data_bytes({ axes, element }: Pick<CubeHead, 'axes' | 'element'>): number {
  return axes.reduce((bytes, { n }) => bytes * n, element.bytes);
}

/** `100 x 60 x 20`, the first axis first. */
export function shape_text(axes: readonly Axis[]): string {
  return axes.length === 0 ? '1' : axes.map(({ n }) => n).join(' x ');
}

/** `float32, 4 bytes each, little-endian`. */
export function element_text({ element }: CubeHeader): string {
  const order = element.is_big_endian === true ? 'big-endian' : 'little-endian';
  return element.number === undefined
    ? `${element.bytes} bytes each`
    : `${element.number}, ${element.bytes} bytes each, ${order}`;
}

/** The head that `start` begins with, or undefined when more bytes are needed. `file` is for the error. */
export function parse_head(
  format: CubeFormat,
  file: string,
  start: Uint8Array,
  is_whole: boolean,
): CubeHead | undefined {
  let head: CubeHead | undefined;
  try {
    head = format.parse(start, is_whole);
  } catch (error) {
    throw new UsageError(`${file} cannot be read as ${format.name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (head === undefined && (is_whole || start.length >= MAX_LOOK_BYTES)) {
    throw new UsageError(
      `${file} cannot be read as ${format.name}: no header in its first ${start.length} bytes`,
    );
  }
  if (head !== undefined && !is_head(head))
    throw new UsageError(
      `${file} cannot be read as ${format.name}: its parse must give axes, element and offset, and gave ${show(head)}`,
    );
  return head;
}

/** A format of the user may give anything. */
function is_head({ axes, element, offset }: CubeHead): boolean {
  const is_count = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  return (
    Array.isArray(axes) && axes.every((axis) => is_count(axis?.n)) && element?.bytes > 0 && is_count(offset)
  );
}

async function read_cube(handle: FileHandle, file: string, format: CubeFormat): Promise<CubeHeader> {
  for (let bytes = FIRST_LOOK_BYTES; ; bytes *= 2) {
    const room = new Uint8Array(bytes);
    const length = await read_fully(handle, room, 0);
    const head = parse_head(format, file, room.subarray(0, length), length < bytes);
    if (head === undefined) continue;
    const data_file = head.data_file === undefined ? file : await find_data(head.data_file, file);
    return { ...head, kind: 'cube', format, file, data_file };
  }
}

/** A relative name means the folder of the header, where it lies after a move, or else the working directory. */
async function find_data(name: string, file: string): Promise<string> {
  if (isAbsolute(name)) return name;
  const beside = resolve(dirname(file), name);
  const is_beside = await stat(beside).then(
    () => true,
    () => false,
  );
  return is_beside ? beside : resolve(name);
}

async function read_records(handle: FileHandle, file: string, format: RecordFormat): Promise<RecordHeader> {
  const { size } = await handle.stat();
  const { head_bytes = 0, head_records = 0, record_bytes } = format;
  if (size < head_bytes) {
    throw new UsageError(`${file} has ${size} bytes, fewer than its head of ${head_bytes}`);
  }
  if (record_bytes !== undefined && head_records === 0) {
    const n = (size - head_bytes) / record_bytes;
    if (!Number.isInteger(n)) {
      throw new UsageError(
        `${file} has ${size - head_bytes} bytes of records of ${record_bytes} each, which leaves ${(size - head_bytes) % record_bytes} over`,
      );
    }
    return { kind: 'records', format, file, axes: [{ n }], head_bytes, size, offsets: [], every: 1 };
  }
  let offsets: number[] = [];
  let every = 1;
  let n = 0;
  const note = (offset: number): void => {
    if (n % every === 0) offsets.push(offset);
    n++;
    if (offsets.length <= MAX_OFFSETS) return;
    offsets = offsets.filter((_, i) => i % 2 === 0);
    every *= 2;
  };
  let to_skip = head_records;
  let head_end = to_skip === 0 ? head_bytes : size;
  if (to_skip === 0 && size > head_bytes) note(head_bytes);
  const scanner = format.scanner();
  const starts: number[] = [];
  let base = head_bytes;
  for await (const bytes of read_range(handle, base, size, Buffer.allocUnsafeSlow(CHUNK_BYTES))) {
    if (base === head_bytes) refuse(format, file, bytes);
    starts.length = 0;
    scanner.scan(bytes, base, starts);
    for (const start of starts) {
      if (to_skip > 0) {
        if (--to_skip > 0) continue;
        head_end = start;
      }
      if (start < size) note(start);
    }
    base += bytes.length;
  }
  return { kind: 'records', format, file, axes: [{ n }], head_bytes: head_end, size, offsets, every };
}

export function refuse(format: RecordFormat, file: string, start: Uint8Array): void {
  const why = format.refuse?.(start);
  if (why !== undefined) throw new UsageError(`${file} is not ${format.name}: ${why}`);
}

async function open_file(file: string): Promise<FileHandle> {
  // asked first: to open a pipe may wait for ever
  const { is_file } = await stat_file(file);
  if (!is_file) throw new UsageError(`${file} is not a file: datasets are split from regular files`);
  return await open(file, 'r');
}

async function stat_file(file: string, header?: string): Promise<{ size: number; is_file: boolean }> {
  try {
    const found = await stat(file);
    return { size: found.size, is_file: found.isFile() };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const whose = header === undefined || header === file ? '' : `, which ${header} says its data are in,`;
    throw new UsageError(`${file}${whose} cannot be read: ${code}`, { cause: error });
  }
}
