/**
 * Room: whether the disk of the master has space for what is to be collected. What is not there yet is taken to be as
 * large, on the average, as what is; so it is said early when it cannot go well, and nothing is lost by waiting.
 */
import { statfs } from 'node:fs/promises';

/** Left free, so that logs and status file can be written. */
const SPARE_BYTES = 16 * 2 ** 20;

/** The disk of the master has too little space. */
export class NoRoom extends Error {}

/** Bytes of a file's pieces, as far as they are known. */
export class PieceSizes {
  readonly #sizes = new Map<number, number>();
  #known = 0;
  /** Of the largest. */
  largest = 0;
  /** Bytes that are here, also of pieces that are on their way. */
  taken = 0;

  note(index: number, bytes: number): void {
    this.#known += bytes - (this.#sizes.get(index) ?? 0);
    this.#sizes.set(index, bytes);
    this.largest = Math.max(this.largest, bytes);
  }

  /** Of all of `count` pieces. */
  total(count: number): number {
    const known = this.#sizes.size;
    return known === 0 ? 0 : this.#known + (this.#known / known) * Math.max(0, count - known);
  }

  /** The chunks, counted as they are taken; not any more when they do not come to their end. */
  async *count(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0;
    let has_ended = false;
    try {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength;
        this.taken += chunk.byteLength;
        yield chunk;
      }
      has_ended = true;
    } finally {
      if (!has_ended) this.taken -= bytes;
    }
  }
}

const REMEDY = 'All outputs stay on their hosts: make room, and restart: true collects them';

/** Another has filled the disk meanwhile: the error as NoRoom; undefined when it is something else. */
export function as_no_room(error: unknown, file: string): NoRoom | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return new NoRoom(`there is no room left to collect ${file} (${code}). ${REMEDY}`, { cause: error });
}

/** @throws NoRoom when `folder` has not so many bytes for `files` */
export async function check_room(folder: string, need: number, files: readonly string[]): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= need + SPARE_BYTES) return;
  const wanted = Math.ceil(need + SPARE_BYTES);
  throw new NoRoom(
    `there is no room to collect ${files.join(', ')}: that takes about ${wanted} bytes in ${folder}, and ${free} are free. ${REMEDY}`,
  );
}
