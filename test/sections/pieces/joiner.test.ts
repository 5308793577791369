import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/base/deferred.js';
import { CHUNK_BYTES, give_memory_back, take_memory } from '../../../src/base/spare_memory.js';
import { StateError, UsageError } from '../../../src/errors.js';
import type { CubeFormat, CubeHead, Format } from '../../../src/sections/formats/format.js';
import { csv, fasta, fixed, lines, npy, sep } from '../../../src/sections/formats/formats.js';
import { read_header } from '../../../src/sections/formats/header.js';
import { Joiner, type JoinOptions } from '../../../src/sections/pieces/joiner.js';
import { SplitFile } from '../../../src/sections/split_file.js';
import {
  all_of,
  broken_stream,
  counted_bytes,
  floats,
  names_in,
  npy_head,
  sep_bytes,
  stream_of,
  temporary_folders,
  to_floats,
} from './kit.js';

const new_folder = temporary_folders();

/** A .npy file with these floats. */
function floats_npy(shape: readonly number[], values: readonly number[]): Buffer {
  return Buffer.concat([npy_head(shape, '<f4', false), floats(values)]);
}

function new_joiner(options: Partial<JoinOptions> & { format: Format }): {
  joiner: Joiner;
  target: string;
  folder: string;
} {
  const folder = new_folder();
  const target = join(folder, 'out');
  return { joiner: new Joiner(target, options), target, folder };
}

const text_of = (text: string): AsyncGenerator<Uint8Array> => stream_of(Buffer.from(text), 2);

describe('pieces that are joined', () => {
  it('go to their place as soon as all before them are there', async () => {
    const { joiner, folder, target } = new_joiner({ format: lines, count: 4 });
    const kept = (): string[] => names_in(join(folder, names_in(folder)[0] as string));
    await joiner.add(2, text_of('c\n'));
    await joiner.add(1, text_of('b\n'));
    expect(kept()).toEqual(['1', '2']);
    expect([joiner.has(1), joiner.has(0), joiner.missing()]).toEqual([true, false, [0, 3]]);
    await joiner.add(0, text_of('a\n'));
    expect(kept()).toEqual(['out']);
    await joiner.add(3, text_of('d\n'));
    expect(existsSync(target)).toBe(false);
    expect(await joiner.finish()).toEqual({ file: target, bytes: 8, sections: [0, 1, 2, 3] });
    expect(readFileSync(target, 'utf8')).toBe('a\nb\nc\nd\n');
    expect(names_in(folder)).toEqual(['out']);
  });

  it('wait for those before them that are on their way, and are not kept meanwhile', async () => {
    const { joiner, target, folder } = new_joiner({ format: lines, count: 3 });
    const read: string[] = [];
    const gate = new Deferred<void>();
    async function* piece(text: string, opens = Promise.resolve()): AsyncGenerator<Uint8Array> {
      read.push(text);
      await opens;
      yield Buffer.from(`${text}\n`);
    }
    const first = joiner.add(0, piece('a', gate.promise));
    const others = [joiner.add(1, piece('b')), joiner.add(2, piece('c'))];
    await expect.poll(() => names_in(join(folder, names_in(folder)[0] ?? ''))).toEqual(['out']);
    expect(read).toEqual(['a']);
    gate.resolve();
    await Promise.all([first, ...others]);
    expect(read).toEqual(['a', 'b', 'c']);
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('a\nb\nc\n');
  });

  it('do not wait for one that was kept and cannot be put in its place, which is tried again', async () => {
    const { joiner, target, folder } = new_joiner({ format: lines, count: 4 });
    await joiner.add(1, text_of('b\n'));
    const kept = join(folder, names_in(folder)[0] as string, '1');
    const aside = join(folder, 'aside');
    renameSync(kept, aside);
    for (const [i, text] of ['a\n', undefined, 'c\n'].entries())
      if (text !== undefined) await joiner.add(i, text_of(text));
    await expect(joiner.finish({ partial: true })).rejects.toThrow('ENOENT');
    renameSync(aside, kept);
    await joiner.add(3, text_of('d\n'));
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('a\nb\nc\nd\n');
  });

  it('do not wait for one that is broken off, nor when all is given up', async () => {
    for (const end of ['break', 'abort'] as const) {
      const { joiner, target } = new_joiner({ format: npy, count: 2 });
      const gate = new Deferred<void>();
      async function* breaks(): AsyncGenerator<Uint8Array> {
        yield floats_npy([2], [1, 2]).subarray(0, 70);
        await gate.promise;
        throw new Error('the link broke');
      }
      const first = joiner.add(0, breaks());
      const second = joiner.add(1, stream_of(floats_npy([2], [3, 4])));
      if (end === 'abort') {
        const refused = expect(second).rejects.toThrow(StateError);
        await joiner.abort();
        await refused;
        gate.resolve();
        await expect(first).rejects.toThrow();
        continue;
      }
      gate.resolve();
      await expect(first).rejects.toThrow('the link broke');
      await second;
      await joiner.add(0, stream_of(floats_npy([2], [1, 2])));
      await joiner.finish();
      const header = await read_header(target, npy);
      expect(to_floats(readFileSync(target).subarray(header.offset))).toEqual([1, 2, 3, 4]);
    }
  });

  it('may come several at once', async () => {
    const shape = [3, 2];
    const { joiner, target } = new_joiner({ format: npy, count: 20 });
    const pieces = Array.from({ length: 20 }, (_, i) => floats_npy(shape, [i, 1, 2, 3, 4, 5]));
    await Promise.all(pieces.toReversed().map((bytes, i) => joiner.add(19 - i, stream_of(bytes, 7))));
    await joiner.finish();
    const header = await read_header(target, npy);
    expect(header.axes).toEqual([{ n: 3 }, { n: 40 }]);
    const values = to_floats(readFileSync(target).subarray(header.offset));
    expect(values).toEqual(Array.from({ length: 20 }, (_, i) => [i, 1, 2, 3, 4, 5]).flat());
  });

  it('may be put along a new axis', async () => {
    for (const [axes, n] of [
      ['new', undefined],
      [2, undefined],
      ['new', 3],
    ] as const) {
      const { joiner, target } = new_joiner({
        format: npy,
        count: 3,
        axes,
        ...(n === undefined ? {} : { n }),
      });
      for (const i of [1, 0, 2]) await joiner.add(i, stream_of(floats_npy([2], [i, i + 0.5])));
      await joiner.finish();
      const header = await read_header(target, npy);
      expect(header.axes).toEqual([{ n: 2 }, { n: 3 }]);
      expect(to_floats(readFileSync(target).subarray(header.offset))).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
    }
  });

  it('may be single values: a scan of parameters', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 3 });
    for (const i of [0, 1, 2]) await joiner.add(i, stream_of(floats_npy([], [i * 10])));
    await joiner.finish();
    expect((await read_header(target, npy)).axes).toEqual([{ n: 3 }]);
  });

  it('may have other lengths than ours, even none', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 3, axes: 1 });
    await joiner.add(0, stream_of(floats_npy([1, 2], [1, 2])));
    await joiner.add(1, stream_of(floats_npy([0, 2], [])));
    await joiner.add(2, stream_of(floats_npy([3, 2], [3, 4, 5, 6, 7, 8])));
    await joiner.finish();
    const header = await read_header(target, npy);
    expect(header.axes).toEqual([{ n: 4 }, { n: 2 }]);
    expect(to_floats(readFileSync(target).subarray(header.offset))).toEqual([1, 3, 4, 5, 2, 6, 7, 8]);
  });

  it('of SEP begin where the first does, and say who put them together', async () => {
    const { joiner, target } = new_joiner({ format: sep, count: 2, program: 'my program' });
    const piece = (o: number): Buffer => sep_bytes(`n1=2 o1=5 n2=1 o2=${o} d2=0.5 esize=1`, counted_bytes(2));
    await joiner.add(1, stream_of(piece(1.5)));
    await joiner.add(0, stream_of(piece(1)));
    await joiner.finish();
    const header = await read_header(target, sep);
    expect(header.axes).toEqual([
      { n: 2, o: 5, d: undefined },
      { n: 2, o: 1, d: 0.5 },
    ]);
    expect(header.source).toMatch(/\n# my program: \S+@\S+ \d{4}-/);
  });

  it('are read where they are, when they are files: and these stay', async () => {
    const { joiner, folder, target } = new_joiner({ format: sep, count: 2, axes: 1 });
    for (const i of [0, 1]) {
      writeFileSync(join(folder, `${i}.H@`), Buffer.from(`${i}${i}`));
      writeFileSync(join(folder, `${i}.H`), `n1=1 n2=2 esize=1 in="./${i}.H@"`);
      await joiner.add_file(i, join(folder, `${i}.H`));
    }
    await joiner.finish();
    expect(readFileSync(target, 'latin1').slice(-4)).toBe('0101');
    expect(names_in(folder)).toEqual(['0.H', '0.H@', '1.H', '1.H@', 'out']);
  });
});

describe('records that are joined', () => {
  it('keep one header, and get the newline that a piece lacks', async () => {
    const { joiner, target } = new_joiner({ format: csv(), count: 4 });
    await joiner.add(0, text_of('name,n\r\na,1'));
    await joiner.add(1, text_of(''));
    await joiner.add(2, text_of('name,n'));
    await joiner.add(3, text_of('name,n\r\nb,"2\n"'));
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('name,n\r\na,1\r\nb,"2\n"');
  });

  it('are dealt out and come back in turn, though some pieces are empty', async () => {
    const { joiner, target } = new_joiner({ format: fasta, count: 3, pattern: 'spread' });
    await joiner.add(0, text_of('>a\nAC\nGT\n>d\nT'));
    await joiner.add(1, text_of(''));
    await joiner.add(2, text_of('>c\n'));
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('>a\nAC\nGT\n>c\n>d\nT');
  });

  it('are refused when they are no records of the format, or have another header', async () => {
    const { joiner, target } = new_joiner({ format: csv(), count: 3 });
    await joiner.add(0, text_of('name,n\na,1\n'));
    await expect(joiner.add(1, text_of('name,m\nb,1\n'))).rejects.toThrow(
      `section 1 of ${target} begins with "name,m", but the sections before it with "name,n"`,
    );
    await joiner.add(1, text_of('name,n\nb,2\n'));
    await joiner.add(2, text_of('name,n\nc,3\n'));
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('name,n\na,1\nb,2\nc,3\n');

    const fixed_joiner = new_joiner({ format: fixed(4), count: 1 }).joiner;
    await expect(fixed_joiner.add(0, text_of('abcdef'))).rejects.toThrow('leaves 2 over');
    await fixed_joiner.abort();
    const fasta_joiner = new_joiner({ format: fasta, count: 1 }).joiner;
    await expect(fasta_joiner.add(0, text_of('ACGT'))).rejects.toThrow("does not begin with '>'");
    await fasta_joiner.abort();
  });

  it('that are longer than memory for them come whole', async () => {
    const { joiner, target } = new_joiner({ format: lines, count: 2, pattern: 'spread' });
    const long = (c: string, n: number): string => `${c.repeat(n)}\n`;
    const pieces = [long('a', 700_000) + long('b', 3), long('c', 262_143) + long('d', 262_144)];
    for (const [i, text] of pieces.entries()) await joiner.add(i, stream_of(Buffer.from(text)));
    await joiner.finish();
    const expected = long('a', 700_000) + long('c', 262_143) + long('b', 3) + long('d', 262_144);
    expect(readFileSync(target, 'utf8') === expected).toBe(true);
  });
});

/** The bytes in chunks whose memory is used again as soon as it is given back, as those that come from a host. */
async function* reusing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  let memory = take_memory(CHUNK_BYTES);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const part = bytes.subarray(at, at + CHUNK_BYTES);
    memory.set(part);
    yield memory.subarray(0, part.length);
    const { buffer } = memory;
    while (part.length === CHUNK_BYTES) {
      memory = take_memory(CHUNK_BYTES);
      if (memory.buffer === buffer) break;
      give_memory_back(memory);
      await setImmediate();
    }
  }
}

/** The head of a file of a user's own format: two lengths, of 32 bits each, and a name. */
const head_of = (shape: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(8);
  for (const [i, n] of shape.entries()) bytes.writeUInt32BE(n, 4 * i);
  return bytes;
};

const raw: CubeFormat = {
  kind: 'cube',
  name: 'RAW',
  parse(start): CubeHead | undefined {
    if (start.length < 16) return undefined;
    const view = new DataView(start.buffer, start.byteOffset);
    const axes = [{ n: view.getUint32(0) }, { n: view.getUint32(4) }];
    return { axes, element: { bytes: 1 }, offset: 16, source: start.subarray(8, 16) };
  },
  head: ({ source }, axes) => Buffer.concat([head_of(axes.map(({ n }) => n)), source as Uint8Array]),
};

describe('a chunk whose memory is used again', () => {
  it('leaves a long header line as it was', async () => {
    const { joiner, target } = new_joiner({ format: csv(), count: 2, pattern: 'spread' });
    const head = `${'a'.repeat(CHUNK_BYTES)}${'b'.repeat(CHUNK_BYTES / 2)}\n`;
    await joiner.add(0, stream_of(Buffer.from(`${head}1\n`)));
    await joiner.add(1, reusing(Buffer.from(`${head}2\n`)));
    await joiner.finish();
    expect(readFileSync(target, 'utf8') === `${head}1\n2\n`).toBe(true);
  });

  it('leaves as it was what a format of the user keeps of a head', async () => {
    const { joiner, target } = new_joiner({ format: raw, count: 2, axes: 1 });
    const data = Buffer.alloc(1500 * 1000, 'x');
    const piece = Buffer.concat([head_of([1500, 1000]), Buffer.from('MADE BY.'), data]);
    for (const i of [0, 1]) await joiner.add(i, reusing(piece));
    await joiner.finish();
    const whole = Buffer.concat([head_of([3000, 1000]), Buffer.from('MADE BY.'), data, data]);
    expect(readFileSync(target).equals(whole)).toBe(true);
  });
});

describe('cubes of a format of the user', () => {
  it('are refused when its functions are not there, or do not give what they should', async () => {
    const file = (format: object) =>
      new SplitFile({ name: 'a.raw', usage: 'INPUT', format: format as unknown as Format });
    expect(file(raw).format).toBe(raw);
    for (const bad of [
      { kind: 'cube', name: 'X' },
      { kind: 'records', name: 'X' },
      { ...raw, name: undefined },
    ])
      expect(() => file(bad)).toThrow(
        "option 'format' must be a format, with name and the functions of its kind",
      );
    const { joiner } = new_joiner({ format: { ...raw, parse: () => ({}) as CubeHead }, count: 1 });
    await expect(joiner.add(0, text_of('a piece'))).rejects.toThrow(
      'cannot be read as RAW: its parse must give axes, element and offset, and gave {}',
    );
    await joiner.abort();
  });

  it('are put one behind the other, though there is no place in its head for any length', async () => {
    const { joiner, target } = new_joiner({ format: raw, count: 3 });
    const piece = Buffer.concat([head_of([3, 2]), Buffer.from('MADE BY.'), Buffer.alloc(6, 'x')]);
    for (const i of [1, 0, 2]) await joiner.add(i, stream_of(piece));
    await joiner.finish();
    const whole = Buffer.concat([head_of([3, 6]), Buffer.from('MADE BY.'), Buffer.alloc(18, 'x')]);
    expect(readFileSync(target).equals(whole)).toBe(true);
  });
});

describe('sequences that are dealt out', () => {
  it('end where the next one begins, also when that is where a window of the file ends', async () => {
    for (const size of [2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1]) {
      const { joiner, target } = new_joiner({ format: fasta, count: 2, pattern: 'spread' });
      const first = `>a\n${'A'.repeat(size - 4)}\n`;
      await joiner.add(0, stream_of(Buffer.from(`${first}>c\nC\n`)));
      await joiner.add(1, text_of('>b\nB\n>d\n'));
      await joiner.finish();
      expect(readFileSync(target, 'utf8') === `${first}>b\nB\n>c\nC\n>d\n`).toBe(true);
    }
  });
});

describe('a piece that breaks off', () => {
  const whole = floats_npy(
    [4, 500],
    Array.from({ length: 2000 }, (_, i) => i),
  );
  const shorter = floats_npy(
    [4, 3],
    Array.from({ length: 12 }, (_, i) => -i),
  );

  it.each([
    ['in its turn', [0, 1]],
    ['before its turn', [1, 0]],
  ] as const)('%s leaves nothing, and may come again, even with another length', async (_, order) => {
    const { joiner, target } = new_joiner({ format: npy, count: 2 });
    const [broken, other] = order;
    await expect(joiner.add(broken, broken_stream(whole, 5000))).rejects.toThrow('the link broke');
    expect(joiner.missing()).toEqual([0, 1]);
    await joiner.add(other, stream_of(whole));
    await expect(joiner.add(broken, broken_stream(whole, 7000))).rejects.toThrow('the link broke');
    await joiner.add(broken, stream_of(shorter));
    await joiner.finish();
    const header = await read_header(target, npy);
    expect(header.axes).toEqual([{ n: 4 }, { n: 503 }]);
    const parts = broken === 0 ? [shorter, whole] : [whole, shorter];
    const data = Buffer.concat(parts.map((part) => part.subarray(128)));
    expect(readFileSync(target).subarray(header.offset).equals(data)).toBe(true);
  });

  it('does not bind the others to its shape, if it was the first', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 2, axes: 1 });
    await expect(joiner.add(0, broken_stream(whole, 5000))).rejects.toThrow('the link broke');
    for (const i of [0, 1]) await joiner.add(i, stream_of(floats_npy([1, 2, 1], [i, i])));
    await joiner.finish();
    expect((await read_header(target, npy)).axes).toEqual([{ n: 2 }, { n: 2 }, { n: 1 }]);
  });

  it('of records is taken back, also when it was partly written', async () => {
    const { joiner, target } = new_joiner({ format: lines, count: 2 });
    const text = Buffer.from('0123456789\n'.repeat(300_000));
    await joiner.add(0, text_of('first'));
    await expect(joiner.add(1, broken_stream(text, 2_900_000))).rejects.toThrow('the link broke');
    await joiner.add(1, text_of('second\n'));
    await joiner.finish();
    expect(readFileSync(target, 'utf8')).toBe('first\nsecond\n');
  });

  it('closes the stream that it came by', async () => {
    let is_closed = false;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* stream_of(floats_npy([2], [1, 2]), 100);
      } finally {
        is_closed = true;
      }
    }
    const { joiner } = new_joiner({ format: npy, count: 2, axes: 2 });
    await joiner.add(0, stream_of(floats_npy([3], [1, 2, 3])));
    await expect(joiner.add(1, watched())).rejects.toThrow('axis 1');
    expect(is_closed).toBe(true);
    await joiner.abort();
  });

  it('has bytes too few or too many: the error says how many were wanted', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 1 });
    const bytes = floats_npy([4], [1, 2, 3, 4]);
    await expect(joiner.add(0, stream_of(bytes.subarray(0, -1)))).rejects.toThrow(
      `section 0 of ${target}: its header asks for 144 bytes in all, but it has 143`,
    );
    await expect(joiner.add(0, stream_of(Buffer.concat([bytes, bytes])))).rejects.toThrow('but it has more');
    await expect(joiner.add(0, stream_of(bytes.subarray(0, 50)))).rejects.toThrow(
      'cannot be read as NPY: it ends within its header',
    );
    await expect(joiner.add(0, stream_of(Buffer.alloc(0)))).rejects.toThrow(UsageError);
    await joiner.abort();
  });
});

describe('pieces that do not fit', () => {
  it('are refused with both shapes, types or lengths, and the others stay', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 3, axes: 2 });
    await joiner.add(0, stream_of(floats_npy([2, 1], [1, 2])));
    await expect(joiner.add(1, stream_of(floats_npy([3, 1], [1, 2, 3])))).rejects.toThrow(
      `section 1 of ${target} has 3 x 1 elements and section 0 2 x 1: they may differ along axes 2, but do along axis 1`,
    );
    const doubles = Buffer.concat([npy_head([2, 1], '>f8'), Buffer.alloc(16)]);
    await expect(joiner.add(1, stream_of(doubles))).rejects.toThrow(
      'has other elements than section 0: float64, 8 bytes each, big-endian, not float32, 4 bytes each, little-endian',
    );
    await joiner.add(1, stream_of(floats_npy([2, 1], [3, 4])));
    await joiner.add(2, stream_of(floats_npy([2, 1], [5, 6])));
    expect((await joiner.finish()).sections).toEqual([0, 1, 2]);
  });

  it('are refused when they are not as long as option n says', async () => {
    const { joiner } = new_joiner({ format: npy, count: 3, n: 7 });
    await joiner.add(2, stream_of(floats_npy([2], [5, 6])));
    await expect(joiner.add(0, stream_of(floats_npy([2], [0, 1])))).rejects.toThrow(
      "has n1=2, but it should have, by option 'n', 3",
    );
    await joiner.abort();
  });

  it('are refused when they cannot be dealt out', async () => {
    const { joiner } = new_joiner({ format: npy, count: 2, pattern: 'spread' });
    await joiner.add(0, stream_of(floats_npy([1], [0])));
    await joiner.add(1, stream_of(floats_npy([3], [0, 1, 2])));
    await expect(joiner.finish()).rejects.toThrow(
      'lengths 1, 3 along axis 1, which cannot be dealt out in turn',
    );
    await joiner.abort();
  });

  it('are refused when their data are in another file', async () => {
    const { joiner } = new_joiner({ format: sep, count: 1 });
    await expect(joiner.add(0, text_of('n1=3 in="/scr/x.H@"'))).rejects.toThrow(
      'has its data in /scr/x.H@: send it with read_whole',
    );
    await joiner.abort();
  });
});

describe('a joiner', () => {
  it('takes each section once', async () => {
    const { joiner } = new_joiner({ format: lines, count: 2 });
    const first = joiner.add(0, text_of('a\n'));
    await expect(joiner.add(0, text_of('b\n'))).rejects.toThrow('is on its way already');
    await expect(joiner.finish()).rejects.toThrow('section 0 is on the way');
    await first;
    await expect(joiner.add(0, text_of('b\n'))).rejects.toThrow(StateError);
    await expect(joiner.add(2, text_of('b\n'))).rejects.toThrow('has sections 0 to 1: there is no section 2');
    await joiner.abort();
    await expect(joiner.add(1, text_of('b\n'))).rejects.toThrow('has been finished or given up');
  });

  it('does not finish while sections are missing, unless it is asked to', async () => {
    const { joiner, target } = new_joiner({ format: lines, count: 4 });
    await joiner.add(3, text_of('d\n'));
    await joiner.add(1, text_of('b\n'));
    await expect(joiner.finish()).rejects.toThrow(
      `${target}: sections 0, 2 are of 4 not there: add what is missing, or say partial: true`,
    );
    expect(await joiner.finish({ partial: true })).toMatchObject({ sections: [1, 3] });
    expect(readFileSync(target, 'utf8')).toBe('b\nd\n');
  });

  it('leaves gaps at zero where it knows how long they are', async () => {
    for (const [axes, expected] of [
      [2, [0, 0, 0, 0, 3, 3]],
      [1, [0, 3, 0, 3, 0, 3]],
    ] as const) {
      const { joiner, target } = new_joiner({ format: npy, count: 2, axes, n: axes === 2 ? 3 : 2 });
      const shape = axes === 2 ? [2, 1] : [1, 3];
      await joiner.add(1, stream_of(floats_npy(shape, axes === 2 ? [3, 3] : [3, 3, 3])));
      await joiner.finish({ partial: true });
      const header = await read_header(target, npy);
      expect(to_floats(readFileSync(target).subarray(header.offset))).toEqual(expected);
    }
  });

  it('leaves sections out where it does not, and refuses where that would displace the others', async () => {
    const { joiner, target } = new_joiner({ format: npy, count: 3 });
    for (const i of [2, 0]) await joiner.add(i, stream_of(floats_npy([1], [i])));
    await joiner.finish({ partial: true });
    expect(to_floats(readFileSync(target).subarray(128))).toEqual([0, 2]);

    const spread = new_joiner({ format: npy, count: 3, pattern: 'spread' }).joiner;
    await spread.add(1, stream_of(floats_npy([1], [0])));
    await expect(spread.finish({ partial: true })).rejects.toThrow(
      "give the length of the whole in option 'n'",
    );
    await spread.abort();
  });

  it('leaves the target as it was when it is given up', async () => {
    const { joiner, folder, target } = new_joiner({ format: lines, count: 2 });
    writeFileSync(target, 'before');
    await joiner.add(1, text_of('b\n'));
    await joiner.add(0, text_of('a\n'));
    await joiner.abort();
    await joiner.abort();
    expect(readFileSync(target, 'utf8')).toBe('before');
    expect(names_in(folder)).toEqual(['out']);
  });

  it('says so when nothing can be written beside the target', async () => {
    const joiner = new Joiner(join(new_folder(), 'nowhere', 'out'), { format: lines, count: 1 });
    await expect(joiner.add(0, text_of('a'))).rejects.toThrow('nothing can be written beside it (ENOENT)');
    await joiner.abort();
  });

  it('keeps to its own files: two may make the same target', async () => {
    const folder = new_folder();
    const target = join(folder, 'out');
    const [a, b] = [1, 2].map(() => new Joiner(target, { format: lines, count: 1 })) as [Joiner, Joiner];
    await a.add(0, text_of('a\n'));
    await b.add(0, text_of('b\n'));
    await b.finish();
    await a.finish();
    expect(await all_of(stream_of(readFileSync(target)))).toEqual(Buffer.from('a\n'));
    expect(names_in(folder)).toEqual(['out']);
  });

  it.each<[string, object, string]>([
    ['no format', { count: 1 }, "option 'format' must be a format"],
    ['the name of a format', { count: 1, format: 'SEP' }, "option 'format' must be a format"],
    ['a sum of lines', { count: 1, format: lines, reduce: 'sum' }, 'records of LINES cannot be added up'],
    ['lines added to others', { count: 1, format: lines, add: true }, 'records of LINES cannot be added up'],
    ['lines along a new axis', { count: 1, format: lines, axes: 'new' }, 'have no axes to add to'],
    ['a sum along an axis', { count: 1, format: npy, reduce: 'sum', axes: 1 }, 'no axes to join along'],
    [
      'a length too many',
      { count: 2, format: npy, n: [1, 2] },
      "option 'n' must have a length for each of 1 axes",
    ],
    ['another reduction', { count: 2, format: npy, reduce: 'max' }, "option 'reduce' must be one of 'sum'"],
    ['no number of sections', { format: npy }, 'give one of nblock and count'],
  ])('is refused with %s', (_, options, message) => {
    expect(() => new Joiner('out', options as JoinOptions)).toThrow(message);
  });
});
