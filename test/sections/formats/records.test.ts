import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordFormat } from '../../../src/sections/formats/format.js';
import {
  csv,
  fasta,
  fixed,
  format_named,
  format_of_file,
  lines,
  npy,
  sep,
} from '../../../src/sections/formats/formats.js';
import { files_of, read_header } from '../../../src/sections/formats/header.js';
import { plan_split } from '../../../src/sections/pieces/plan.js';
import { is_exact_size, piece_bytes, read_piece, read_whole } from '../../../src/sections/pieces/reader.js';
import { all_of, temporary_folders } from '../pieces/kit.js';

const new_folder = temporary_folders();

/** The records that a scanner finds in a text that comes in pieces. */
function records_in(format: RecordFormat, text: string, cuts: readonly number[] = []): string[] {
  const bytes = Buffer.from(text);
  const scanner = format.scanner();
  const starts: number[] = [];
  let at = 0;
  for (const cut of [...cuts.map((c) => Math.min(c, bytes.length)).toSorted((a, b) => a - b), bytes.length]) {
    scanner.scan(bytes.subarray(at, cut), at, starts);
    at = cut;
  }
  const ends = [...starts.filter((start) => start < bytes.length), bytes.length];
  return ends.map((end, i) => bytes.toString('utf8', i === 0 ? 0 : ends[i - 1], end));
}

function file_with(text: string | Uint8Array): string {
  const file = join(new_folder(), 'data');
  writeFileSync(file, text);
  return file;
}

describe('records', () => {
  it('are lines, ended by LF or CRLF, the last one perhaps not', () => {
    expect(records_in(lines, 'a\n\nb\r\nc')).toEqual(['a\n', '\n', 'b\r\n', 'c']);
  });

  it('are sequences, each from its > to the next that begins a line', () => {
    expect(records_in(fasta, '>a > b\nAC\nGT\n\n>c\r\nA\r\n>d')).toEqual([
      '>a > b\nAC\nGT\n\n',
      '>c\r\nA\r\n',
      '>d',
    ]);
    // blank lines before the first go with it
    expect(records_in(fasta, '\n>a\nA\n>b\n')).toEqual(['\n>a\nA\n', '>b\n']);
  });

  it('are rows of a table, with line ends in quoted fields', () => {
    expect(records_in(csv(), 'a,b\n"1\n2","x ""y""\n"\n3,in"side\n4,5\r\n"",""\n')).toEqual([
      'a,b\n',
      '"1\n2","x ""y""\n"\n',
      '3,in"side\n',
      '4,5\r\n',
      '"",""\n',
    ]);
    expect(records_in(csv({ delimiter: ';' }), '1,"2\n3;"4\n"\n')).toEqual(['1,"2\n', '3;"4\n"\n']);
  });

  it('are so many bytes each', () => {
    expect(records_in(fixed(3), 'abcdefg')).toEqual(['abc', 'def', 'g']);
  });

  it.each([
    ['lines', lines],
    ['FASTA', fasta],
    ['CSV', csv()],
    ['fixed', fixed(3)],
  ] as const)('of %s are the same wherever the bytes are cut', (_, format) => {
    const any = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', '>', '\n', '"', ',', '\r'), maxLength: 40 }),
      fc.array(fc.nat(40), { maxLength: 6 }),
    );
    fc.assert(
      fc.property(any, ([text, cuts]) => {
        expect(records_in(format, text, cuts)).toEqual(records_in(format, text));
      }),
      { numRuns: 500 },
    );
  });

  it('of CSV are those of a reader of its grammar', () => {
    const any_field = fc.oneof(
      fc.stringMatching(/^[a-z ]{0,4}$/),
      fc
        .string({ unit: fc.constantFrom('x', '"', '\n', ',', '\r\n') })
        .map((t) => `"${t.replaceAll('"', '""')}"`),
    );
    const any_rows = fc.array(
      fc.array(any_field, { minLength: 1, maxLength: 4 }).map((fields) => `${fields.join(',')}\n`),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(any_rows, (rows) => {
        expect(records_in(csv(), rows.join(''))).toEqual(rows);
      }),
    );
  });
});

describe('a file of records', () => {
  it('has the number of its records, and where they begin', async () => {
    const header = await read_header(file_with('name,n\na,1\nb,2\n'), csv());
    expect(header).toMatchObject({ axes: [{ n: 2 }], head_bytes: 7, size: 15, offsets: [7, 11], every: 1 });
    const plain = await read_header(file_with('name,n\na,1\nb,2'), csv({ has_header: false }));
    expect(plain.axes).toEqual([{ n: 3 }]);
  });

  it('may be empty, or have a header and no records', async () => {
    expect((await read_header(file_with(''), fasta)).axes).toEqual([{ n: 0 }]);
    expect((await read_header(file_with('name,n\n'), csv())).axes).toEqual([{ n: 0 }]);
    expect(await read_header(file_with('name,n'), csv())).toMatchObject({ axes: [{ n: 0 }], head_bytes: 6 });
  });

  it('of fixed size is not read through, and is refused when bytes are over', async () => {
    expect(await read_header(file_with('headaabbcc'), fixed(2, 4))).toMatchObject({
      axes: [{ n: 3 }],
      offsets: [],
    });
    await expect(read_header(file_with('headaabbc'), fixed(2, 4))).rejects.toThrow(
      'has 5 bytes of records of 2 each, which leaves 1 over',
    );
    await expect(read_header(file_with('hea'), fixed(2, 4))).rejects.toThrow('fewer than its head of 4');
  });

  it('that is not of the format is refused', async () => {
    await expect(read_header(file_with('ACGT\n'), fasta)).rejects.toThrow(
      "is not FASTA: the first record does not begin with '>'",
    );
    await expect(read_header(join(new_folder(), 'none'), lines)).rejects.toThrow('cannot be read: ENOENT');
    await expect(read_header(new_folder(), lines)).rejects.toThrow('is not a file');
  });

  it('with more records than can be noted is split just the same', async () => {
    const n = 2 ** 21 + 5;
    const text = Array.from({ length: n }, (_, i) => `${i}\n`).join('');
    const file = file_with(text);
    const header = await read_header(file, lines);
    expect(header.axes).toEqual([{ n }]);
    expect(header.every).toBe(2);
    const blocks = plan_split(header, { count: 7 }).pieces;
    const got = await Promise.all(blocks.map((piece) => all_of(read_piece(header, piece))));
    expect(got.map((bytes) => bytes.subarray(0, bytes.indexOf(10)).toString())).toEqual(
      blocks.map((piece) => String(piece.kind === 'records' && piece.records.start)),
    );
    expect(Buffer.concat(got).equals(Buffer.from(text))).toBe(true);
    const { pieces } = plan_split(header, { count: 3, pattern: 'spread' });
    const dealt = (await all_of(read_piece(header, pieces[1]!))).toString().trimEnd().split('\n');
    expect(dealt.length).toBe(Math.ceil((n - 1) / 3));
    expect(dealt.every((line, i) => line === String(1 + 3 * i))).toBe(true);
  });

  it('is split just the same, however few of its records were noted', async () => {
    const records = Array.from({ length: 23 }, (_, i) => `>s${i}\n${'A'.repeat(i)}\n`);
    const file = file_with(records.join(''));
    const header = await read_header(file, fasta);
    for (const every of [1, 2, 4, 32]) {
      const sparse = { ...header, every, offsets: header.offsets.filter((_, i) => i % every === 0) };
      for (const pattern of ['block', 'spread'] as const) {
        const { pieces } = plan_split(sparse, { count: 5, pattern });
        for (const [index, piece] of pieces.entries()) {
          if (piece.kind !== 'records') throw new Error('no records');
          const { start, step, count } = piece.records;
          const expected = Array.from({ length: count }, (_, i) => records[start + i * step]).join('');
          const bytes = await all_of(read_piece(sparse, piece));
          expect(bytes.toString()).toBe(expected);
          const is_exact = is_exact_size(sparse, piece);
          if (is_exact) expect(piece_bytes(sparse, piece)).toBe(bytes.length);
          if (every === 1) expect(is_exact).toBe(pattern === 'block');
          if (every === 32) expect(is_exact).toBe(false);
          expect(index).toBe(piece.index);
        }
      }
    }
  });

  it('is sent as it is, from any byte on', async () => {
    const file = file_with('a\nb\nc');
    expect((await all_of(read_whole(file, lines, { from: 3 }))).toString()).toBe('\nc');
    expect(await files_of(file, lines)).toEqual([file]);
  });
});

describe('formats by name', () => {
  it('are found in any case, and by what a file is called', () => {
    expect([format_named('sep'), format_named('RSF'), format_named('Fasta')]).toEqual([sep, sep, fasta]);
    expect([format_of_file('a/queries.fa'), format_of_file('x.H'), format_of_file('x.npy')]).toEqual([
      fasta,
      sep,
      npy,
    ]);
    expect(format_of_file('x.constructor')).toBeUndefined();
  });

  it.each(['SEP', 'NPY', 'FASTA', 'LINES', 'CSV', 'TSV', 'CSV:;', 'FIXED:80', 'FIXED:80+512'])(
    'give their own name: %s',
    (name) => {
      expect(format_named(name).name).toBe(name);
    },
  );

  it('that are not there are refused, with those that are', () => {
    expect(() => format_named('hdf5')).toThrow("there is no format 'hdf5': expected one of SEP, RSF, NPY");
    expect(() => format_named('FIXED:0')).toThrow('must have a whole number of bytes from 1, got 0');
    expect(() => csv({ delimiter: '"' })).toThrow('the delimiter of a CSV file');
  });
});
