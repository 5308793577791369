import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { npy, sep } from '../../../src/sections/formats/formats.js';
import { Joiner } from '../../../src/sections/pieces/joiner.js';
import {
  floats,
  names_in,
  npy_file,
  npy_head,
  sep_bytes,
  stream_of,
  temporary_folders,
  to_floats,
} from './kit.js';

const new_folder = temporary_folders();

type Numbers =
  | Float32Array
  | Float64Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | BigInt64Array
  | BigUint64Array;

/** A .npy file of these numbers; in the other byte order if `is_big_endian`. */
function npy_of(numbers: Numbers, descr: string): Buffer {
  const data = Buffer.from(Uint8Array.from(new Uint8Array(numbers.buffer)));
  if (descr.startsWith('>')) {
    const size = numbers.BYTES_PER_ELEMENT;
    if (size === 2) data.swap16();
    else if (size === 4) data.swap32();
    else data.swap64();
  }
  return Buffer.concat([npy_head([numbers.length], descr), data]);
}

async function sum_of(pieces: readonly Buffer[], target: string, add = false): Promise<Buffer> {
  const joiner = new Joiner(target, { format: npy, count: pieces.length, reduce: 'sum', add });
  for (const [i, bytes] of [...pieces.entries()].toReversed()) await joiner.add(i, stream_of(bytes, 50));
  await joiner.finish();
  return readFileSync(target).subarray(128);
}

describe('a sum', () => {
  it.each([
    ['<f4', Float32Array],
    ['>f4', Float32Array],
    ['<f8', Float64Array],
    ['>i2', Int16Array],
    ['<i4', Int32Array],
    ['|u1', Uint8Array],
  ] as const)('of %s is that of its elements', async (descr, type) => {
    const target = join(new_folder(), 'sum.npy');
    const pieces = [type.from([1, 2, 3]), type.from([10, 20, 30]), type.from([100, 100, 0])];
    const sum = await sum_of(
      pieces.map((numbers) => npy_of(numbers, descr)),
      target,
    );
    expect(sum.equals(npy_of(type.from([111, 122, 33]), descr).subarray(128))).toBe(true);
  });

  it('of 64-bit integers is exact', async () => {
    const target = join(new_folder(), 'sum.npy');
    const big = 2n ** 60n + 1n;
    const signed = await sum_of(
      [npy_of(BigInt64Array.of(big, -5n), '<i8'), npy_of(BigInt64Array.of(big, 2n), '<i8')],
      target,
    );
    expect(signed.readBigInt64LE(0)).toBe(2n * big);
    expect(signed.readBigInt64LE(8)).toBe(-3n);
    const unsigned = [npy_of(BigUint64Array.of(2n ** 63n), '>u8'), npy_of(BigUint64Array.of(5n), '>u8')];
    expect((await sum_of(unsigned, target)).readBigUInt64BE()).toBe(2n ** 63n + 5n);
  });

  it('that does not fit is refused, and the target stays', async () => {
    const folder = new_folder();
    const target = join(folder, 'sum.npy');
    for (const pieces of [
      [npy_of(Uint8Array.of(200), '|u1'), npy_of(Uint8Array.of(100), '|u1')],
      [npy_of(BigInt64Array.of(2n ** 62n), '<i8'), npy_of(BigInt64Array.of(2n ** 62n), '<i8')],
    ]) {
      const joiner = new Joiner(target, { format: npy, count: 2, reduce: 'sum' });
      for (const [i, bytes] of pieces.entries()) await joiner.add(i, stream_of(bytes));
      await expect(joiner.finish()).rejects.toThrow(/sum of \d+ does not fit in its elements of type u?int/);
      // it may be tried again, or given up
      await expect(joiner.finish()).rejects.toThrow('does not fit');
      await joiner.abort();
    }
    expect(names_in(folder)).toEqual([]);
  });

  it('is rounded once, whatever the order in which the pieces came', async () => {
    const folder = new_folder();
    const any = fc.array(fc.float({ noDefaultInfinity: true, noNaN: true, max: 2 ** 90, min: -(2 ** 90) }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(any, async (values) => {
        const pieces = values.map((value) => npy_of(Float32Array.of(value), '<f4'));
        const sum = await sum_of(pieces, join(folder, 'sum.npy'));
        expect(to_floats(sum)).toEqual([Math.fround(values.reduce((total, value) => total + value, 0))]);
      }),
      { numRuns: 30 },
    );
  });

  it('is added to what is there, if that is asked for and something is there', async () => {
    const target = join(new_folder(), 'sum.npy');
    const piece = npy_of(Float32Array.of(1, 2), '<f4');
    expect(to_floats(await sum_of([piece, piece], target, true))).toEqual([2, 4]);
    expect(to_floats(await sum_of([piece, piece], target, true))).toEqual([4, 8]);
    expect(to_floats(await sum_of([piece, piece], target, false))).toEqual([2, 4]);
  });

  it('is not added to something of another shape or type', async () => {
    const folder = new_folder();
    const target = join(folder, 'sum.npy');
    for (const there of [npy_of(Float32Array.of(1, 2, 3), '<f4'), npy_of(Float32Array.of(1, 2), '>f4')]) {
      writeFileSync(target, there);
      const joiner = new Joiner(target, { format: npy, count: 1, reduce: 'sum', add: true });
      await joiner.add(0, stream_of(npy_of(Float32Array.of(1, 2), '<f4')));
      await expect(joiner.finish()).rejects.toThrow(`${target} cannot be added to: it has`);
      await joiner.abort();
      expect(readFileSync(target).equals(there)).toBe(true);
    }
  });

  it('of pieces that differ in shape is refused', async () => {
    const joiner = new Joiner(join(new_folder(), 'sum.npy'), { format: npy, count: 2, reduce: 'sum' });
    await joiner.add(0, stream_of(npy_of(Float32Array.of(1, 2), '<f4')));
    await expect(joiner.add(1, stream_of(npy_of(Float32Array.of(1), '<f4')))).rejects.toThrow(
      'they may differ along no axis, but do along axis 1',
    );
    await joiner.abort();
  });

  it('of some pieces only is possible when it is asked for', async () => {
    const target = join(new_folder(), 'sum.npy');
    const joiner = new Joiner(target, { format: npy, count: 3, reduce: 'sum' });
    await joiner.add(0, stream_of(npy_of(Float32Array.of(1), '<f4')));
    await joiner.add(2, stream_of(npy_of(Float32Array.of(3), '<f4')));
    expect((await joiner.finish({ partial: true })).sections).toEqual([0, 2]);
    expect(to_floats(readFileSync(target).subarray(128))).toEqual([4]);
  });
});

describe('pieces put side by side', () => {
  it('are added to what is there, too', async () => {
    for (const axes of [1, 2]) {
      const target = join(new_folder(), 'out.npy');
      npy_file(target, [2, 2], floats([10, 20, 30, 40]));
      const joiner = new Joiner(target, { format: npy, count: 2, axes, add: true });
      const shape = axes === 1 ? [1, 2] : [2, 1];
      for (const i of [0, 1]) {
        await joiner.add(i, stream_of(Buffer.concat([npy_head(shape, '<f4', false), floats([i, i])])));
      }
      await joiner.finish();
      expect(to_floats(readFileSync(target).subarray(128))).toEqual(
        axes === 1 ? [10, 21, 30, 41] : [10, 20, 31, 41],
      );
    }
  });

  it('are not added when it is not said what their numbers are', async () => {
    const target = join(new_folder(), 'out.H');
    writeFileSync(target, sep_bytes('n1=1 esize=4', floats([1])));
    const joiner = new Joiner(target, { format: sep, count: 1, add: true });
    await joiner.add(0, stream_of(sep_bytes('n1=1 esize=4', floats([1]))));
    await expect(joiner.finish()).rejects.toThrow('its header does not say that they are numbers we know');
    await joiner.abort();
  });
});
