import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, give_memory_back, take_memory } from '../../src/base/spare_memory.js';

describe('spare memory', () => {
  it('that was given back is lent again, once', () => {
    const first = take_memory(CHUNK_BYTES);
    give_memory_back(first);
    give_memory_back(first);
    const others = Array.from({ length: 40 }, () => take_memory(CHUNK_BYTES));
    expect(others.filter(({ buffer }) => buffer === first.buffer)).toHaveLength(1);
    expect(new Set(others.map(({ buffer }) => buffer)).size).toBe(40);
  });

  it('is given back by any view of all of it, and by none of a part', () => {
    const [whole, part] = [take_memory(CHUNK_BYTES), take_memory(CHUNK_BYTES)];
    give_memory_back(new Uint8Array(whole.buffer));
    give_memory_back(part.subarray(1));
    const others = Array.from({ length: 40 }, () => take_memory(CHUNK_BYTES));
    expect(others.some(({ buffer }) => buffer === whole.buffer)).toBe(true);
    expect(others.some(({ buffer }) => buffer === part.buffer)).toBe(false);
  });

  it('is not made of the memory of others, nor of other sizes', () => {
    const theirs = Buffer.alloc(CHUNK_BYTES);
    give_memory_back(theirs);
    const small = take_memory(10);
    expect(small).toHaveLength(10);
    give_memory_back(small);
    const others = Array.from({ length: 40 }, () => take_memory(CHUNK_BYTES));
    expect(others.some(({ buffer }) => buffer === theirs.buffer || buffer === small.buffer)).toBe(false);
    expect(others.every(({ length }) => length === CHUNK_BYTES)).toBe(true);
  });
});
