import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv, fixed, npy, sep } from '../../../src/sections/formats/formats.js';
import { data_bytes, read_header } from '../../../src/sections/formats/header.js';
import { Joiner } from '../../../src/sections/pieces/joiner.js';
import { plan_split, type SplitOptions } from '../../../src/sections/pieces/plan.js';
import { piece_bytes, read_piece, read_whole } from '../../../src/sections/pieces/reader.js';
import { all_of, counted_bytes, npy_file, npy_head, sep_bytes, temporary_folders } from './kit.js';

const new_folder = temporary_folders();

describe('a transfer that broke off', () => {
  it('goes on from any byte', async () => {
    const folder = new_folder();
    const cube = join(folder, 'cube.H');
    writeFileSync(cube, sep_bytes('n1=7 n2=5 n3=3 esize=4', counted_bytes(420)));
    const table = join(folder, 'table.csv');
    writeFileSync(table, `name,n\n${Array.from({ length: 40 }, (_, i) => `row${i},${i}\n`).join('')}`);
    const blocks = join(folder, 'blocks');
    writeFileSync(blocks, `header\n${'abc'.repeat(40)}`);
    const cases: [string, typeof sep | ReturnType<typeof csv>, SplitOptions][] = [
      [cube, sep, { axes: 3, count: 3 }],
      [cube, sep, { axes: [1, 2], nblock: [3, 2], pattern: ['spread', 'block'] }],
      [table, csv(), { count: 3 }],
      [table, csv(), { count: 3, pattern: 'spread' }],
      [blocks, fixed(3, 7), { count: 4, pattern: 'spread' }],
    ];
    for (const [file, format, options] of cases) {
      const header = await read_header(file, format);
      const plan = plan_split(header, options);
      const piece = plan.pieces[1];
      if (piece === undefined) continue;
      const whole = await all_of(read_piece(header, piece));
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length), async (from) => {
          expect((await all_of(read_piece(header, piece, { from }))).equals(whole.subarray(from))).toBe(true);
        }),
        { numRuns: 20 },
      );
    }
    const whole = await all_of(read_whole(cube, sep));
    expect((await all_of(read_whole(cube, sep, { from: 50 }))).equals(whole.subarray(50))).toBe(true);
  });
});

describe('a source that has become shorter', () => {
  it('is told, and not taken for less data', async () => {
    const folder = new_folder();
    const file = join(folder, 'data.npy');
    npy_file(file, [10, 10], counted_bytes(400));
    const header = await read_header(file, npy);
    const by_rows = plan_split(header, { axes: 2, count: 2 }).pieces[1]!;
    const by_columns = plan_split(header, { axes: 1, count: 2 }).pieces[1]!;
    truncateSync(file, 300);
    for (const piece of [by_rows, by_columns]) {
      await expect(all_of(read_piece(header, piece))).rejects.toThrow(`${file} has become shorter`);
    }
    const table = join(folder, 'table.csv');
    writeFileSync(table, 'n\n1\n2\n');
    const records = await read_header(table, csv());
    truncateSync(table, 4);
    for (const pattern of ['block', 'spread'] as const) {
      const piece = plan_split(records, { count: 2, pattern }).pieces[1]!;
      await expect(all_of(read_piece(records, piece))).rejects.toThrow('has become shorter');
    }
  });
});

describe('a cube of many MiB', () => {
  // longer than each of the memories that it goes through, and no multiple of any
  const shape = [701, 503, 7];
  const data = counted_bytes(shape.reduce((product, n) => product * n, 4));

  it.each<[string, SplitOptions]>([
    ['along its last axis', { axes: 3, count: 3 }],
    ['along its last axis, dealt out', { axes: 3, count: 3, pattern: 'spread' }],
    ['along its second axis', { axes: 2, count: 5 }],
    ['along its second axis, dealt out', { axes: 2, count: 5, pattern: 'spread' }],
    ['along its first axis', { axes: 1, count: 5 }],
    ['along its first axis, dealt out', { axes: 1, count: 5, pattern: 'spread' }],
    ['along two axes', { axes: [1, 3], nblock: [2, 3], pattern: ['spread', 'block'] }],
    ['with overlap', { axes: [2, 3], nblock: [2, 2], noverlap: [3, 1] }],
  ])('is split and joined %s', async (_, options) => {
    const folder = new_folder();
    const file = join(folder, 'in.npy');
    npy_file(file, shape, data, '<u4');
    const header = await read_header(file, npy);
    const plan = plan_split(header, options);
    const target = join(folder, 'out.npy');
    const { axes, nblock, pattern, noverlap } = plan;
    const joiner = new Joiner(target, { format: npy, axes, nblock, pattern, noverlap });
    for (const piece of plan.pieces) await joiner.add(piece.index, read_piece(header, piece));
    await joiner.finish();
    const joined = await all_of(read_whole(target, npy));
    expect(joined.equals(Buffer.concat([npy_head(shape, '<u4', false), data]))).toBe(true);
  });

  it('has zeros, and no old bytes, where a section is missing', async () => {
    const folder = new_folder();
    const file = join(folder, 'in.npy');
    npy_file(file, shape, data, '<u4');
    const header = await read_header(file, npy);
    const { axes, nblock, pattern, n, pieces } = plan_split(header, { axes: 3, count: 3, pattern: 'spread' });
    const target = join(folder, 'out.npy');
    const joiner = new Joiner(target, { format: npy, axes, nblock, pattern, n });
    for (const piece of [pieces[0]!, pieces[2]!]) await joiner.add(piece.index, read_piece(header, piece));
    await joiner.finish({ partial: true });
    const expected = Uint32Array.from(new Uint32Array(Uint8Array.from(data).buffer), (word, i) =>
      Math.floor(i / (701 * 503)) % 3 === 1 ? 0 : word,
    );
    const joined = await all_of(read_whole(target, npy));
    expect(joined.subarray(header.offset).equals(Buffer.from(expected.buffer))).toBe(true);
  });

  it('gives chunks of bounded size', async () => {
    const file = join(new_folder(), 'in.npy');
    npy_file(file, shape, data, '<u4');
    const header = await read_header(file, npy);
    for (const axes of [1, 2, 3]) {
      const piece = plan_split(header, { axes, count: 2 }).pieces[0]!;
      let bytes = 0;
      for await (const chunk of read_piece(header, piece)) {
        expect(chunk.length).toBeLessThanOrEqual(2 ** 20);
        bytes += chunk.length;
      }
      expect(bytes).toBe(piece_bytes(header, piece));
      expect(bytes).toBeGreaterThan(data_bytes(header) * 0.4);
    }
  });
});
