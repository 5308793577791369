/** Ranges of a file as a stream of chunks, and all of a small range at once. */
import type { FileHandle } from 'node:fs/promises';
import { CHUNK_BYTES, take_memory } from '../../base/spare_memory.js';

/**
 * The bytes of `handle` from offset `from` to `to`, in order. Ends early where the file does.
 * @param reuse memory for all of the chunks: each is then good until the next one is asked for
 */
export async function* read_range(
  handle: FileHandle,
  from: number,
  to: number,
  reuse?: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = from;
  while (at < to) {
    const room = reuse ?? take_memory(Math.min(CHUNK_BYTES, to - at));
    const { bytesRead } = await handle.read(room, 0, Math.min(room.length, to - at), at);
    if (bytesRead === 0) return;
    yield room.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** The chunks, of which one more is always asked for while the one before is used. Each must have memory of its own. */
export async function* read_ahead(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = iterator.next();
      // it is seen to when its turn comes, if it does
      next.catch(() => {});
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await iterator.return?.();
  }
}

/** Fills `target` from offset `from` of the file. @returns how many bytes there were */
export async function read_fully(handle: FileHandle, target: Uint8Array, from: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** Writes all of `bytes` at offset `at` of the file. */
export async function write_fully(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}
