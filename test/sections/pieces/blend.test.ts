import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { npy } from '../../../src/sections/formats/formats.js';
import { read_header } from '../../../src/sections/formats/header.js';
import { Joiner } from '../../../src/sections/pieces/joiner.js';
import { type Plan, plan_split } from '../../../src/sections/pieces/plan.js';
import { read_piece } from '../../../src/sections/pieces/reader.js';
import { floats, npy_file, npy_head, stream_of, temporary_folders, to_floats } from './kit.js';

const new_folder = temporary_folders();

/** Joins pieces with these values at each of their elements, and gives the values of the whole. */
async function blend(
  folder: string,
  plan: Plan,
  value_of: (index: number, count: number) => number[],
): Promise<number[]> {
  const { axes, nblock, noverlap } = plan;
  const target = join(folder, 'blended');
  const joiner = new Joiner(target, { format: npy, axes, nblock, noverlap });
  for (const piece of plan.pieces) {
    if (piece.kind !== 'cube') throw new Error('not a cube');
    const shape = piece.slab.map(({ count }) => count);
    const count = shape.reduce((product, n) => product * n, 1);
    const bytes = Buffer.concat([npy_head(shape, '<f4', false), floats(value_of(piece.index, count))]);
    await joiner.add(piece.index, stream_of(bytes));
  }
  await joiner.finish();
  const header = await read_header(target, npy);
  return to_floats(readFileSync(target).subarray(header.offset));
}

const any_overlapped = fc
  .array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      nblock: fc.tuple(...shape.map((n) => fc.integer({ min: 1, max: n }))),
      noverlap: fc.tuple(...shape.map(() => fc.integer({ min: 0, max: 4 }))),
    }),
  )
  .map(({ shape, nblock, noverlap }) => ({ shape, nblock, noverlap, axes: shape.map((_, i) => i + 1) }));

describe('blocks that overlap', () => {
  it('are a constant where all are that constant, along any axes and however far they overlap', async () => {
    const folder = new_folder();
    const any = fc.tuple(any_overlapped, fc.float({ noDefaultInfinity: true, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(any, async ([{ shape, ...options }, constant]) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const file = join(folder, 'in.npy');
        npy_file(file, shape, floats(new Array(size).fill(constant)));
        const plan = plan_split(await read_header(file, npy), options);
        const blended = await blend(folder, plan, (_, count) => new Array(count).fill(constant));
        expect(blended).toEqual(new Array(size).fill(constant));
      }),
      { numRuns: 35 },
    );
  });

  it('are what they were cut from, when they are joined as they are', async () => {
    const folder = new_folder();
    await fc.assert(
      fc.asyncProperty(any_overlapped, async ({ shape, ...options }) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const file = join(folder, 'in.npy');
        const values = Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i) * 1e3));
        npy_file(file, shape, floats(values));
        const header = await read_header(file, npy);
        const plan = plan_split(header, options);
        const target = join(folder, 'out.npy');
        const joiner = new Joiner(target, { format: npy, ...options });
        for (const piece of plan.pieces) await joiner.add(piece.index, read_piece(header, piece));
        await joiner.finish();
        expect(readFileSync(target).equals(readFileSync(file))).toBe(true);
      }),
      { numRuns: 35 },
    );
  });

  it('pass from one to the other in equal steps, and are themselves where they do not overlap', async () => {
    const folder = new_folder();
    const file = join(folder, 'in.npy');
    npy_file(file, [12], floats(new Array(12).fill(0)));
    const plan = plan_split(await read_header(file, npy), { count: 2, noverlap: 2 });
    const blended = await blend(folder, plan, (index, count) => new Array(count).fill(index * 5));
    expect(blended).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5]);
  });

  it('may be complex, big-endian or whole numbers', async () => {
    for (const [descr, bytes, set] of [
      ['>c16', 16, (b: Buffer, i: number, v: number) => b.writeDoubleBE(v, i * 16)],
      ['>i2', 2, (b: Buffer, i: number, v: number) => b.writeInt16BE(v, i * 2)],
      ['|u1', 1, (b: Buffer, i: number, v: number) => b.writeUInt8(v, i)],
    ] as const) {
      const target = join(new_folder(), 'out.npy');
      const joiner = new Joiner(target, { format: npy, count: 2, noverlap: 1 });
      const piece = (values: readonly number[]): Buffer => {
        const data = Buffer.alloc(values.length * bytes);
        values.forEach((value, i) => {
          set(data, i, value);
        });
        return Buffer.concat([npy_head([values.length], descr), data]);
      };
      await joiner.add(1, stream_of(piece([120, 120, 120])));
      await joiner.add(0, stream_of(piece([30, 30, 30])));
      await joiner.finish();
      // 30 + 90 / 3 and 30 + 2 * 90 / 3
      expect(
        readFileSync(target)
          .subarray(128)
          .equals(piece([30, 60, 90, 120]).subarray(128)),
      ).toBe(true);
    }
  });

  it('may be infinite', async () => {
    const folder = new_folder();
    const file = join(folder, 'in.npy');
    npy_file(file, [4], floats([0, 0, 0, 0]));
    const plan = plan_split(await read_header(file, npy), { count: 2, noverlap: 1 });
    const blended = await blend(folder, plan, (_, count) => new Array(count).fill(Infinity).with(0, 1));
    expect(blended[0]).toBe(1);
    expect(blended[3]).toBe(Infinity);
  });

  it('are refused when they are no numbers, or some that would lose digits', async () => {
    for (const [descr, message] of [
      ['|S4', 'its elements of 4 bytes cannot be added or blended'],
      ['<i8', '64-bit integers cannot be blended'],
    ] as const) {
      const folder = new_folder();
      const joiner = new Joiner(join(folder, 'out.npy'), { format: npy, count: 2, noverlap: 1 });
      const size = descr === '|S4' ? 4 : 8;
      for (const i of [0, 1]) {
        const file = join(folder, `${i}`);
        writeFileSync(file, Buffer.concat([npy_head([3], descr), Buffer.alloc(3 * size)]));
        await joiner.add_file(i, file);
      }
      await expect(joiner.finish()).rejects.toThrow(message);
      await joiner.abort();
    }
  });
});
