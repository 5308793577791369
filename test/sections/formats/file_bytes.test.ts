import { describe, expect, it } from 'vitest';
import { read_ahead } from '../../../src/sections/formats/file_bytes.js';
import { all_of } from '../pieces/kit.js';

/** Chunks 0, 1, 2, ..., and what was asked for; the last one is an error, if there is one. */
function source(count: number, error?: Error) {
  const asked: number[] = [];
  let is_closed = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < count; i++) {
        asked.push(i);
        yield Uint8Array.of(i);
      }
      if (error !== undefined) throw error;
    } finally {
      is_closed = true;
    }
  }
  return { asked, chunks: chunks(), is_closed: () => is_closed };
}

describe('reading ahead', () => {
  it('asks for one more chunk than was taken', async () => {
    const { asked, chunks } = source(5);
    const ahead = read_ahead(chunks);
    expect(await ahead.next()).toEqual({ done: false, value: Uint8Array.of(0) });
    expect(asked).toEqual([0, 1]);
    expect([...(await all_of(ahead))]).toEqual([1, 2, 3, 4]);
  });

  it('gives what came before an error first', async () => {
    const { chunks } = source(2, new Error('the disk is gone'));
    const ahead = read_ahead(chunks);
    await ahead.next();
    expect(await ahead.next()).toEqual({ done: false, value: Uint8Array.of(1) });
    await expect(ahead.next()).rejects.toThrow('the disk is gone');
  });

  it('closes its source when nobody wants the rest', async () => {
    const { chunks, is_closed } = source(5);
    for await (const _ of read_ahead(chunks)) break;
    expect(is_closed()).toBe(true);
  });
});
