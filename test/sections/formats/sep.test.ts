import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { sep } from '../../../src/sections/formats/formats.js';
import { files_of, read_header } from '../../../src/sections/formats/header.js';
import { plan_split } from '../../../src/sections/pieces/plan.js';
import { read_piece, read_whole } from '../../../src/sections/pieces/reader.js';
import { all_of, counted_bytes, sep_bytes, temporary_folders } from '../pieces/kit.js';

const new_folder = temporary_folders();

/** A header with its data in a file of their own. */
function two_files(text: string, data: Uint8Array, place?: string): string {
  const folder = new_folder();
  const file = join(folder, 'data.H');
  writeFileSync(join(folder, 'data.H@'), data);
  writeFileSync(file, `${text}\nin="${place ?? join(folder, 'data.H@')}"\n`);
  return file;
}

const parse = (text: string, is_whole = true) => sep.parse(Buffer.from(text, 'latin1'), is_whole);

describe('a SEP or RSF header', () => {
  it('is what was assigned last, whatever stands between', () => {
    const head = parse(
      'Spike: bob@sep  n1=5 n2=9 o1=1\n# n1=77\nWindow:   n1=4\n\td2="0.5" label1="Time (s)" n2=3\n' +
        'data_format="xdr_float" esize=4 in="/old" in="/scr1/x.H@"\n',
    );
    expect(head?.axes).toEqual([
      { n: 4, o: 1, d: undefined },
      { n: 3, o: undefined, d: 0.5 },
    ]);
    expect(head).toMatchObject({ offset: 0, data_file: '/scr1/x.H@' });
    expect(head?.element).toEqual({ bytes: 4, number: 'float32', is_big_endian: true });
  });

  it('has its data behind FF FF EOT, when it says in="stdin"', () => {
    const text = 'n1=2 in="elsewhere" esize=4\nin="stdin"\n';
    expect(parse(`${text}\f\f\x04abcdefgh`)).toMatchObject({ offset: text.length + 3, data_file: undefined });
    expect(() => parse(text)).toThrow('no FF FF EOT with the data behind it');
    expect(parse(text, false)).toBeUndefined();
  });

  it.each([
    ['native_float', 4, 'float32', false],
    ['xdr_float', 4, 'float32', true],
    ['native_double', 8, 'float64', false],
    ['native_complex', 8, 'float32', false],
    ['native_int', 4, 'int32', false],
    ['xdr_short', 2, 'int16', true],
    ['native_uchar', 1, 'uint8', false],
    ['native_byte', 1, 'uint8', false],
  ])('knows data_format %s', (format, bytes, number, is_big_endian) => {
    const { element } = parse(`n1=1 in="x" data_format=${format}`) ?? {};
    expect(element).toEqual({ bytes, number, is_big_endian });
  });

  it('has elements of which only the size is known, where data_format says nothing or something else', () => {
    expect(parse('n1=1 in="x"')?.element).toEqual({ bytes: 4 });
    expect(parse('n1=1 in="x" esize=3')?.element).toEqual({ bytes: 3 });
    expect(parse('n1=1 in="x" esize=8 data_format=native_float')?.element).toEqual({ bytes: 8 });
  });

  it('loses no more than a line to a quote that is not closed', () => {
    const head = parse('title="never closed\nn1=3\nlabel1="Time" in="x"\n');
    expect(head?.axes).toMatchObject([{ n: 3 }]);
  });

  it('has an axis of one element where it skips one', () => {
    expect(parse('n1=5 n3=2 in="x"')?.axes.map(({ n }) => n)).toEqual([5, 1, 2]);
  });

  it.each([
    ['no in=', 'n1=5', 'it has no in='],
    ['no n1=', 'in="x"', 'it has no n1='],
    ['a length that is none', 'n1=many in="x"', 'n1=many, which is no whole number'],
    ['a size that is none', 'n1=1 esize=0 in="x"', 'esize=0; a size in bytes from 1'],
    ['data as text', 'n1=1 in="x" data_format=ascii_float', 'convert it to native_float first'],
  ])('is refused with %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('is not looked for in a large file without one', async () => {
    const file = join(new_folder(), 'noise');
    writeFileSync(file, Buffer.alloc(17 * 1024 * 1024, 'x'));
    await expect(read_header(file, sep)).rejects.toThrow('cannot be read as SEP: it is no SEP or RSF header');
  });

  it('is read however long its history is', async () => {
    const file = join(new_folder(), 'long.H');
    writeFileSync(
      file,
      sep_bytes(`${'history of a program\n'.repeat(20_000)}n1=2 esize=4`, counted_bytes(8)),
    );
    expect((await read_header(file, sep)).axes).toMatchObject([{ n: 2 }]);
  });
});

describe('the data of a SEP file', () => {
  it('are found where the header says, or beside it when both have moved', async () => {
    const file = two_files('n1=4', counted_bytes(16));
    expect(await files_of(file, sep)).toEqual([file, `${file}@`]);
    const moved = two_files('n1=4', counted_bytes(16), './data.H@');
    expect((await read_header(moved, sep)).data_file).toBe(`${moved}@`);
  });

  it('that are too few are refused, with both numbers', async () => {
    const file = two_files('n1=4 n2=2', counted_bytes(30));
    await expect(read_header(file, sep)).rejects.toThrow(
      `${file}: the header asks for 32 bytes of data (4 x 2, 4 bytes each), but ${file}@ has 30`,
    );
    const inside = join(new_folder(), 'short.H');
    writeFileSync(inside, sep_bytes('n1=4', counted_bytes(15)));
    await expect(read_header(inside, sep)).rejects.toThrow(UsageError);
  });

  it('that are not there are named, with the header that asks for them', async () => {
    const file = join(new_folder(), 'gone.H');
    writeFileSync(file, 'n1=1 in="/nowhere/gone.H@"');
    await expect(read_header(file, sep)).rejects.toThrow(
      `/nowhere/gone.H@, which ${file} says its data are in, cannot be read: ENOENT`,
    );
  });
});

describe('a piece of a SEP file', () => {
  it('has the header of the whole, a line that says what it is, what has changed, and its data', async () => {
    const data = counted_bytes(4 * 12);
    const file = two_files('n1=3 n2=4 o2=0.1 d2=0.1 label2="Shot (km)"', data);
    const header = await read_header(file, sep);
    const { pieces } = plan_split(header, { count: 2 });
    const bytes = await all_of(read_piece(header, pieces[1]!));
    const mark = bytes.indexOf('\f\f\x04');
    const text = bytes.toString('latin1', 0, mark).split('\n');
    expect(text[0]).toBe('n1=3 n2=4 o2=0.1 d2=0.1 label2="Shot (km)"');
    expect(text).toContain('# parjob: section 1 of data.H: axis 1 from 0 by 1, 3; axis 2 from 2 by 1, 2');
    expect(text.slice(-5)).toEqual(['\tn2=2', '\to2=0.3', '\tesize=4', '\tin="stdin"', '']);
    expect(bytes.subarray(mark + 3).equals(data.subarray(24))).toBe(true);
  });

  it('that is dealt out has the sampling of its elements', async () => {
    const file = join(new_folder(), 'data.H');
    writeFileSync(file, sep_bytes('n1=6 o1=10 d1=0.1 esize=2', counted_bytes(12)));
    const header = await read_header(file, sep);
    const { pieces } = plan_split(header, { count: 3, pattern: 'spread' });
    const own = join(new_folder(), 'piece.H');
    writeFileSync(own, await all_of(read_piece(header, pieces[2]!)));
    expect((await read_header(own, sep)).axes).toEqual([{ n: 2, o: 10.2, d: 0.3 }]);
  });

  it('is the whole in one file, when all of it is asked for', async () => {
    const data = counted_bytes(24);
    const file = two_files('n1=3 n2=2', data);
    const whole = join(new_folder(), 'whole.H');
    writeFileSync(whole, await all_of(read_whole(file, sep)));
    const header = await read_header(whole, sep);
    expect(header).toMatchObject({ data_file: whole, axes: [{ n: 3 }, { n: 2 }] });
    expect(readFileSync(whole).subarray(header.offset).equals(data)).toBe(true);
  });

  it('may come from a header with bytes of any kind', async () => {
    const any = fc.stringMatching(/^[\x80-\xff'"#, a]{0,20}$/);
    const folder = new_folder();
    mkdirSync(folder, { recursive: true });
    await fc.assert(
      fc.asyncProperty(any, async (noise) => {
        const file = join(folder, 'noise.H');
        const text = `${noise}\nn1=2\n${noise}\nesize=1`;
        writeFileSync(file, sep_bytes(text, Buffer.from('xy')));
        const header = await read_header(file, sep);
        const bytes = await all_of(read_piece(header, plan_split(header, { count: 1 }).pieces[0]!));
        expect(bytes.subarray(0, text.length).equals(Buffer.from(text, 'latin1'))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
