/** Whether what a program has written is of the format that was declared for it. */
import { open, stat } from 'node:fs/promises';
import { CHUNK_BYTES } from '../../base/spare_memory.js';
import { UsageError } from '../../errors.js';
import type { RecordFormat } from '../formats/format.js';
import { format_named } from '../formats/formats.js';
import { type CubeHeader, data_bytes, read_header, refuse } from '../formats/header.js';

/** Why a file is not of the format of that name; undefined when it is, as far as can be told without reading all of it. */
export async function fault_of(path: string, name: string): Promise<string | undefined> {
  const format = format_named(name);
  try {
    if (format.kind === 'cube') check_cube_size(await read_header(path, format), (await stat(path)).size);
    else await check_records(path, format);
    return undefined;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

function check_cube_size(header: CubeHeader, size: number): void {
  const { file, data_file, offset } = header;
  const expected = offset + data_bytes(header);
  if (data_file !== file || size === expected) return;
  throw new UsageError(`${file}: the header asks for ${expected} bytes in all, but it has ${size}`);
}

/** A file of no bytes has no records, and need not have a head. */
async function check_records(path: string, format: RecordFormat): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const start = await file.read(Buffer.alloc(Math.min(size, CHUNK_BYTES)), 0, undefined, 0);
    refuse(format, path, start.buffer.subarray(0, start.bytesRead));
    const { record_bytes, head_bytes = 0 } = format;
    if (size < head_bytes)
      throw new UsageError(`${path} has ${size} bytes, fewer than its head of ${head_bytes}`);
    if (record_bytes === undefined || (size - head_bytes) % record_bytes === 0) return;
    throw new UsageError(
      `${path} has ${size - head_bytes} bytes of records of ${record_bytes} each, which leaves ${(size - head_bytes) % record_bytes} over`,
    );
  } finally {
    await file.close();
  }
}
