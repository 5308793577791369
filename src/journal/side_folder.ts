/**
 * The folder beside a status file: one file for each value that is too large for a line. A file is written
 * once, before the line that names it, and never changed; the line has its length and checksum, so that one
 * that is cut off or damaged is noticed.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SIDE_FILE, type StoredLine } from './line.js';

export class SideFolder {
  readonly path: string;

  /** @param name as in the header of `file` */
  constructor(file: string, name: string) {
    this.path = join(dirname(file), name);
  }

  /** Writes a file, to the disk if `sync`. @throws Error of the system, with nothing left behind */
  write(name: string, pieces: readonly Uint8Array[], sync: boolean): void {
    mkdirSync(this.path, { recursive: true });
    const path = join(this.path, name);
    const fd = openSync(path, 'w', 0o666);
    try {
      for (const piece of pieces) write_all(fd, piece);
      if (sync) fdatasyncSync(fd);
    } catch (error) {
      this.remove(name);
      throw error;
    } finally {
      closeSync(fd);
    }
    if (sync) sync_folder(this.path);
  }

  /** Forces files to the disk in the background; one that was removed meanwhile is left out. */
  async sync_later(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const file = await open(join(this.path, name)).catch(() => undefined);
      try {
        await file?.datasync();
      } finally {
        await file?.close();
      }
    }
    if (names.length > 0) sync_folder(this.path);
  }

  /** Length of a file, in bytes; undefined when there is none. */
  length_of(name: string): number | undefined {
    try {
      const stat = lstatSync(join(this.path, name));
      return stat.isFile() ? stat.size : undefined;
    } catch {
      return undefined;
    }
  }

  /** The pieces that `stored` tells of; a text says what is wrong when they are not there as they were written. */
  read(stored: StoredLine): Uint8Array[] | string {
    const { file = '', sha256, parts = [] } = stored;
    const path = join(this.path, file);
    const problem = this.problem_of(stored);
    if (problem !== undefined) return problem;
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      return `${path} cannot be read: ${(error as Error).message}`;
    }
    if (bytes.length !== total(parts) || checksum([bytes]) !== sha256)
      return `${path} is damaged: its checksum differs`;
    let start = 0;
    return parts.map((length) => bytes.subarray(start, (start += length)));
  }

  /** What can be seen without reading it: a text says that it is missing or has another length. */
  problem_of({ file = '', parts = [] }: StoredLine): string | undefined {
    const length = this.length_of(file);
    if (length === undefined) return `${join(this.path, file)} is missing`;
    if (length === total(parts)) return undefined;
    return `${join(this.path, file)} is damaged: it has ${length} bytes, and had ${total(parts)}`;
  }

  /** Removes a file if it is there. */
  remove(name: string): void {
    try {
      unlinkSync(join(this.path, name));
    } catch {
      // what is left is removed by the next compaction
    }
  }

  /** Removes what the journal has written here, but for `kept`, and the folder when it is empty. */
  remove_all_but(kept: ReadonlySet<string>): void {
    let names: string[];
    try {
      names = readdirSync(this.path);
    } catch {
      return;
    }
    for (const name of names) if (SIDE_FILE.test(name) && !kept.has(name)) this.remove(name);
    try {
      rmdirSync(this.path);
    } catch {
      // not empty
    }
  }
}

/** SHA-256 of the pieces in a row, in hexadecimal. */
export function checksum(pieces: readonly Uint8Array[]): string {
  const sha256 = createHash('sha256');
  for (const piece of pieces) sha256.update(piece);
  return sha256.digest('hex');
}

/** Makes the names in a folder survive a crash of the machine, where the system can do that. */
export function sync_folder(path: string): void {
  try {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows opens no folder, some network file systems sync none
  }
}

function write_all(fd: number, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; ) start += writeSync(fd, bytes, start);
}

function total(parts: readonly number[]): number {
  return parts.reduce((sum, length) => sum + length, 0);
}
