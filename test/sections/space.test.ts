/** The room that a collection needs, said beforehand, and what it then takes. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Collection } from '../../src/sections/collection.js';
import { CopyFile } from '../../src/sections/copy_file.js';
import { npy } from '../../src/sections/formats/formats.js';
import { Joiner } from '../../src/sections/pieces/joiner.js';
import { NoRoom, PieceSizes } from '../../src/sections/room.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { files_below } from './kit.js';
import { npy_head, stream_of, temporary_folders } from './pieces/kit.js';

const test_folder = temporary_folders();
const COUNT = 6;
/** A matrix of 64 x 16. */
const PIECE = Buffer.concat([npy_head([16, 64], '<f4'), Buffer.alloc(4 * 1024)]);

function bytes_below(folder: string): number {
  return files_below(folder).reduce((sum, file) => sum + statSync(file).size, 0);
}

describe('the room that a joiner says it needs', () => {
  it.each([
    ['one behind the other', {}, [0, 1, 2, 3, 4, 5], 1],
    ['one behind the other, the last one first', {}, [5, 4, 3, 2, 1, 0], 1],
    ['side by side', { axes: 1 }, [0, 1, 2, 3, 4, 5], 2],
    ['dealt out in turn', { pattern: 'spread' as const }, [0, 1, 2, 3, 4, 5], 2],
    // as doubles
    ['added up', { reduce: 'sum' as const }, [0, 1, 2, 3, 4, 5], (2 * 5) / COUNT],
  ])('is what it takes: pieces %s', async (_how, options, order, times) => {
    const folder = test_folder();
    const joiner = new Joiner(join(folder, 'out.npy'), { format: npy, count: COUNT, ...options });
    const total = COUNT * PIECE.length;
    let taken = 0;
    let promised = 0;
    for (const index of order) {
      if (taken > 0) {
        const room = joiner.room_for({ left: total - taken, total, largest: PIECE.length });
        promised = Math.max(promised, bytes_below(folder) + room);
      }
      await joiner.fold();
      await joiner.add(index, stream_of(PIECE));
      taken += PIECE.length;
    }
    const kept = bytes_below(folder);
    await joiner.finish();
    const out = bytes_below(folder);
    // while it is finished, what is kept and the whole are there; pieces that were placed are the whole
    const most = times === 1 ? Math.max(kept, out) : kept + out;
    const slack = 2 * PIECE.length;
    expect(promised + slack).toBeGreaterThanOrEqual(most);
    expect(promised).toBeLessThanOrEqual(times * total + slack);
  });
});

describe('sizes of pieces', () => {
  it('tell the whole from those that are known, and count what has come', async () => {
    const sizes = new PieceSizes();
    expect(sizes.total(10)).toBe(0);
    sizes.note(0, 100);
    sizes.note(1, 300);
    sizes.note(1, 200);
    expect(sizes.total(10)).toBe(1500);
    expect(sizes.largest).toBe(300);
    for await (const _bytes of sizes.count(stream_of(Buffer.alloc(100), 30)));
    expect(sizes.taken).toBe(100);
    // what breaks off does not count
    for await (const _bytes of sizes.count(stream_of(Buffer.alloc(100), 30))) break;
    expect(sizes.taken).toBe(100);
  });
});

describe('a collection for which there is no room', () => {
  it.each([
    ['a split file', (name: string) => new SplitFile({ name, usage: 'OUTPUT' })],
    ['a copied file', (name: string) => new CopyFile({ name, usage: 'OUTPUT' })],
  ])('is refused before a byte of it is asked for: %s', async (_what, file_of) => {
    const folder = test_folder();
    const out = file_of(join(folder, 'out.npy'));
    await out.open(1000);
    const collection = new Collection({ out }, 1000, 'test');
    // no disk has that
    collection.note_piece('out', 0, 2 ** 52);
    const fetch = () => expect.fail('nothing should be asked for');
    const refused = out.is_summed
      ? collection.collect_sum([0], 1000, fetch)
      : collection.collect(0, 1000, fetch);
    await expect(refused).rejects.toThrow(NoRoom);
    await expect(refused).rejects.toThrow(/out\.npy: that takes about \d+ bytes in .*, and \d+ are free/);
    expect(readdirSync(folder)).toEqual([]);
    await collection.abort();
  });
});
