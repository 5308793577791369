/**
 * Files on the far end: received and sent in chunks, found, removed. A file that is received stands under its name
 * only when it is whole; until then it is `<name>.part`, and what is there of it can be gone on with.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CHUNK_BYTES, give_memory_back } from '../../base/spare_memory.js';
import { read_ahead, read_range, write_fully } from '../formats/file_bytes.js';
import { format_named } from '../formats/formats.js';
import { read_whole } from '../pieces/reader.js';
import type { FarCall } from './call.js';
import type { FileFacts } from './messages.js';

/**
 * Receives a file. With `from` it goes on behind so many bytes, which are there from an earlier transfer.
 * @throws Error when fewer bytes came than were announced, or what was announced is not what came
 */
export async function receive(
  call: FarCall,
  path: string,
  from: number,
  mode: number | undefined,
): Promise<FileFacts> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const hash = createHash('sha256');
  const file = await open(part, from === 0 ? 'w' : 'r+', mode);
  let size = from;
  try {
    if (from > 0) {
      await file.truncate(from);
      await hash_file(file, hash, from);
    }
    for await (const bytes of call.incoming()) {
      const written = write_fully(file, bytes, size);
      hash.update(bytes);
      await written;
      size += bytes.byteLength;
    }
    if (mode !== undefined) await file.chmod(mode);
  } finally {
    await file.close();
  }
  await rename(part, path);
  return { size, sha256: hash.digest('hex') };
}

async function hash_file(file: FileHandle, hash: Hash, length: number): Promise<void> {
  let left = length;
  for await (const bytes of read_range(file, 0, length, Buffer.allocUnsafeSlow(CHUNK_BYTES))) {
    hash.update(bytes);
    left -= bytes.byteLength;
  }
  if (left > 0) throw new Error(`what was received of the file has become shorter than ${length} bytes`);
}

/** What is there of a file whose transfer broke, in bytes. */
export async function part_bytes(_call: FarCall, path: string): Promise<number> {
  try {
    return (await stat(`${path}.part`)).size;
  } catch {
    return 0;
  }
}

/** The bytes of a file, or of a dataset in a format whose data stands beside its header. */
export async function* read_all(
  path: string,
  format: string | undefined,
  from = 0,
): AsyncGenerator<Uint8Array> {
  const known = format === undefined ? undefined : format_named(format);
  if (known !== undefined) {
    yield* read_whole(path, known, { from });
    return;
  }
  const file = await open(path, constants.O_RDONLY);
  try {
    yield* read_range(file, from, Infinity);
  } finally {
    await file.close();
  }
}

/** Sends a file to the master. */
export async function send_file(call: FarCall, path: string, format: string | undefined): Promise<FileFacts> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of read_ahead(read_all(path, format))) {
    hash.update(bytes);
    size += bytes.byteLength;
    await call.send(bytes);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Size and SHA-256 of a dataset, as it would be sent. */
export async function facts_of(path: string, format: string | undefined): Promise<FileFacts> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of read_ahead(read_all(path, format))) {
    hash.update(bytes);
    size += bytes.byteLength;
    give_memory_back(bytes);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Sizes of files; null for one that is not there. */
export async function stat_files(_call: FarCall, paths: readonly string[]): Promise<(number | null)[]> {
  return Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => null,
      ),
    ),
  );
}

/** Removes files and folders. Returns those that could not be removed, with the reason. */
export async function remove_paths(
  _call: FarCall,
  paths: readonly string[],
): Promise<{ path: string; reason: string }[]> {
  const left: { path: string; reason: string }[] = [];
  for (const path of paths) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      left.push({ path, reason: (error as Error).message });
    }
  }
  return left;
}

export async function make_folder(_call: FarCall, path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

export async function free_bytes(_call: FarCall, path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
