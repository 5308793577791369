import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { npy } from '../../../src/sections/formats/formats.js';
import { data_bytes, read_header } from '../../../src/sections/formats/header.js';
import { Joiner } from '../../../src/sections/pieces/joiner.js';
import { plan_split } from '../../../src/sections/pieces/plan.js';
import { read_piece } from '../../../src/sections/pieces/reader.js';
import { all_of, npy_head, temporary_folders } from '../pieces/kit.js';

const new_folder = temporary_folders();

/** Runs Python with NumPy. */
function python(script: string, ...args: string[]): string {
  return execFileSync('python3', ['-c', script, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function why_no_numpy(): string | undefined {
  try {
    python('import numpy');
    return undefined;
  } catch (error) {
    return String(error).split('\n').at(-2) ?? 'python3 does not run';
  }
}

const missing = why_no_numpy();
if (missing !== undefined) console.info(`not compared with NumPy: ${missing}`);

const head_of = (dictionary: string, version = 1): Uint8Array => {
  const text = Buffer.from(`${dictionary}\n`);
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUInt16LE(text.length);
  return Buffer.concat([Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1'), length, text]);
};

describe('a .npy header', () => {
  it('has the last entry of the shape as its first axis, or the first one in Fortran order', () => {
    const c = npy.parse(head_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }"), true);
    const f = npy.parse(head_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }"), true);
    expect(c?.axes).toEqual([{ n: 4 }, { n: 3 }, { n: 2 }]);
    expect(f?.axes).toEqual([{ n: 2 }, { n: 3 }, { n: 4 }]);
  });

  it.each([1, 2, 3])('of version %i is read and written', (version) => {
    const bytes = npy_head([70000, 2], '>c16', true, version);
    expect(bytes.length % 64).toBe(0);
    expect(npy.parse(bytes, false)).toEqual({
      axes: [{ n: 70000 }, { n: 2 }],
      element: { bytes: 16, number: 'float64', is_big_endian: true },
      offset: bytes.length,
      source: { version, descr: '>c16', is_fortran: true },
    });
  });

  it.each([
    ['<f4', 4, 'float32'],
    ['>i2', 2, 'int16'],
    ['|u1', 1, 'uint8'],
    ['<u8', 8, 'uint64'],
    ['<f2', 2, undefined],
    ['|b1', 1, undefined],
    ['|S7', 7, undefined],
    ['<U3', 12, undefined],
    ['<M8[ns]', 8, undefined],
    ['<f16', 16, undefined],
  ])('knows %s, of %i bytes', (descr, bytes, number) => {
    const { element } = npy.parse(npy_head([1], descr), true) ?? {};
    expect([element?.bytes, element?.number]).toEqual([bytes, number]);
  });

  it('may have no axes, or one', () => {
    expect(npy.parse(npy_head([]), true)?.axes).toEqual([]);
    expect(npy.parse(npy_head([5]), true)?.axes).toEqual([{ n: 5 }]);
    expect(Buffer.from(npy_head([5])).toString('latin1')).toContain("'shape': (5,)");
  });

  it('wants more bytes until it has all', () => {
    const bytes = npy_head([3, 4]);
    for (let length = 0; length < bytes.length; length++) {
      expect(npy.parse(bytes.subarray(0, length), false)).toBeUndefined();
    }
    expect(() => npy.parse(bytes.subarray(0, 100), true)).toThrow('ends within its header, after 100 bytes');
  });

  it.each([
    ['text', Buffer.from('n1=3 in="stdin"'), 'it does not begin with 93 NUMPY'],
    ['version 9', head_of("{'descr': '<f4'}", 9), 'of version 9; 1, 2 and 3 are known'],
    ['objects', head_of("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "elements are '|O'"],
    [
      'fields',
      head_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
      'records with fields',
    ],
    ['no shape', head_of("{'descr': '<f4', 'fortran_order': False, }"), "no 'shape'"],
  ])('is refused when it is %s', (_, bytes, message) => {
    expect(() => npy.parse(bytes, true)).toThrow(message);
  });
});

describe.skipIf(missing !== undefined)('NumPy', () => {
  it('reads every piece, and the whole that is joined, as we do', async () => {
    const folder = new_folder();
    const make = `
import sys, numpy as np
folder = sys.argv[1]
rng = np.random.default_rng(1)
for i, dtype in enumerate(['<f4', '>f8', '<i2', '>c8', '|u1', '<U3', '|S5', '|b1', '<M8[s]', '<f2']):
    for order in 'CF':
        for version in (1, 2, 3):
            a = np.asarray(rng.integers(0, 100, (5, 4, 6)).astype(dtype), order=order)
            with open(f'{folder}/{i}{order}{version}.npy', 'wb') as f:
                np.lib.format.write_array(f, a, version=(version, 0))
`;
    python(make, folder);
    const names: string[] = [];
    for (let i = 0; i < 10; i++) {
      for (const order of ['C', 'F']) {
        for (const version of [1, 2, 3]) {
          const name = `${i}${order}${version}`;
          names.push(name);
          const header = await read_header(join(folder, `${name}.npy`), npy);
          // axis 1 of a C-ordered array is its last one
          const axis = order === 'C' ? 1 : 3;
          const pattern = i % 2 === 0 ? 'block' : 'spread';
          const plan = plan_split(header, { axes: [axis, 2], nblock: [4, 2], pattern });
          const joiner = new Joiner(join(folder, `${name}.joined`), { ...plan_options(plan), format: npy });
          for (const piece of plan.pieces) {
            const file = join(folder, `${name}.${piece.index}`);
            writeFileSync(file, await all_of(read_piece(header, piece)));
            await joiner.add_file(piece.index, file);
          }
          await joiner.finish();
        }
      }
    }
    const check = `
import sys, numpy as np
folder, names = sys.argv[1], sys.argv[2:]
for name in names:
    a, b = np.load(f'{folder}/{name}.npy'), np.load(f'{folder}/{name}.joined')
    assert a.dtype == b.dtype and a.shape == b.shape and a.flags.c_contiguous == b.flags.c_contiguous, name
    assert a.tobytes() == b.tobytes(), name
    spread = int(name[0]) % 2 == 1
    parts = lambda n, k: [slice(i, None, k) for i in range(k)] if spread else [slice(int(x[0]), int(x[-1]) + 1) for x in np.array_split(np.arange(n), k)]
    # sections are counted along the last axis first
    expected = [a[:, y, x] for y in parts(4, 2) for x in parts(6, 4)]
    for i, e in enumerate(expected):
        p = np.load(f'{folder}/{name}.{i}')
        assert p.dtype == a.dtype and p.shape == e.shape and p.tobytes() == e.tobytes(), (name, i)
    print(name)
`;
    expect(
      python(check, folder, ...names)
        .trim()
        .split('\n'),
    ).toEqual(names);
  });

  it('writes and reads the same bytes as we do', async () => {
    const folder = new_folder();
    const file = join(folder, 'a.npy');
    python('import sys, numpy as np; np.save(sys.argv[1], np.arange(12.0).reshape(3, 4))', file);
    const header = await read_header(file, npy);
    const bytes = readFileSync(file);
    expect(Buffer.from(npy.head(header, header.axes, '')).equals(bytes.subarray(0, header.offset))).toBe(
      true,
    );
    expect(data_bytes(header)).toBe(96);
  });
});

function plan_options({ axes, nblock, pattern }: ReturnType<typeof plan_split>) {
  return { axes, nblock, pattern };
}
