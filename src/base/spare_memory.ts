/**
 * Spare memory: where large data only passes through, its chunks are read into memory that held others before. To make
 * it anew for each costs as much as to encrypt them, most of it for the garbage that it becomes.
 */

/** What files are read and sent in, and what is lent. */
export const CHUNK_BYTES = 2 ** 20;
/** Chunks that are kept; more of them are garbage. */
const MOST_SPARE = 32;

const spare: Buffer[] = [];
const lent = new WeakSet<ArrayBufferLike>();

/** Memory for so many bytes. What stands in it is of others: the caller fills all of it, and owns it. */
export function take_memory(bytes: number): Buffer {
  if (bytes !== CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(bytes);
  lent.add(memory.buffer);
  return memory;
}

/** Only for who owns `bytes`, which nobody may read any more. What is not from take_memory is left alone. */
export function give_memory_back(bytes: Uint8Array | undefined): void {
  if (bytes?.byteLength !== CHUNK_BYTES || !lent.delete(bytes.buffer)) return;
  if (spare.length < MOST_SPARE) spare.push(Buffer.from(bytes.buffer));
}
