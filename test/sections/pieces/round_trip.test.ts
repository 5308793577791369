import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../../src/sections/formats/format.js';
import { csv, fasta, fixed, lines, npy, sep } from '../../../src/sections/formats/formats.js';
import { data_bytes, type Header, read_header } from '../../../src/sections/formats/header.js';
import { Joiner } from '../../../src/sections/pieces/joiner.js';
import { type Plan, plan_split, type SplitOptions } from '../../../src/sections/pieces/plan.js';
import { piece_bytes, read_piece } from '../../../src/sections/pieces/reader.js';
import { all_of, any_shape, cube_bytes, names_in, stream_of, temporary_folders, toy } from './kit.js';

const new_folder = temporary_folders();

/** Reads the pieces of a plan, in any order, and joins them. */
async function split_and_join(
  folder: string,
  header: Header,
  plan: Plan,
  join_options: { order: readonly number[]; cut: number; is_known: boolean; as_files?: boolean },
): Promise<Buffer> {
  const target = join(folder, 'joined');
  const { axes, nblock, pattern, noverlap, n } = plan;
  const options = { format: header.format, axes, nblock, pattern, noverlap };
  const joiner = new Joiner(target, join_options.is_known ? { ...options, n } : options);
  for (const index of join_options.order) {
    const bytes = await all_of(read_piece(header, plan.pieces[index] as Plan['pieces'][number]));
    if (join_options.as_files) {
      const file = join(folder, `piece-${index}`);
      writeFileSync(file, bytes);
      await joiner.add_file(index, file);
    } else {
      await joiner.add(index, stream_of(bytes, join_options.cut));
    }
  }
  expect(joiner.missing()).toEqual([]);
  await joiner.finish();
  expect(names_in(folder).filter((name) => name.includes('joining'))).toEqual([]);
  return readFileSync(target);
}

/** How many blocks along which axes of that shape, none of which is empty. */
const any_cube_split = any_shape.chain((shape) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: shape.length }), { minLength: 1, maxLength: shape.length })
    .chain((axes) =>
      fc.record({
        shape: fc.constant(shape),
        axes: fc.constant(axes),
        nblock: fc.tuple(...axes.map((axis) => fc.integer({ min: 1, max: shape[axis - 1] as number }))),
        pattern: fc.tuple(...axes.map(() => fc.constantFrom('block' as const, 'spread' as const))),
      }),
    ),
);

const any_join = (count: number) =>
  fc.record({
    order: fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i),
      { minLength: count },
    ),
    cut: fc.integer({ min: 1, max: 300 }),
    is_known: fc.boolean(),
    as_files: fc.boolean(),
  });

describe.each([
  ['SEP', sep],
  ['NPY', npy],
  ['of a user', toy],
] as const)('a cube of format %s', (_, format) => {
  it('is what it was when it is split and joined, along any axes, in any pattern and order', async () => {
    const folder = new_folder();
    const any = any_cube_split.chain((split) =>
      fc.record({
        split: fc.constant(split),
        element_bytes: fc.constantFrom(1, 2, 3, 4, 8, 16),
        joining: any_join(split.nblock.reduce((product, b) => product * b, 1)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(any, async ({ split, element_bytes, joining }) => {
        const file = join(folder, 'whole');
        const { shape, ...options } = split;
        const whole = cube_bytes(format, shape, element_bytes);
        writeFileSync(file, whole);
        const header = await read_header(file, format);
        const plan = plan_split(header, options);
        const joined = await split_and_join(folder, header, plan, joining);
        const again = await read_header(join(folder, 'joined'), format);
        expect(again.axes).toEqual(header.axes);
        expect(again.element).toEqual(header.element);
        expect(joined.length).toBe(again.offset + data_bytes(again));
        expect(joined.subarray(again.offset).equals(whole.subarray(header.offset))).toBe(true);
        if (format !== sep) expect(joined.equals(whole)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('has pieces that are files of the same format, of the length that was said', async () => {
    const folder = new_folder();
    await fc.assert(
      fc.asyncProperty(any_cube_split, async ({ shape, ...options }) => {
        const file = join(folder, 'whole');
        writeFileSync(file, cube_bytes(format, shape, 4));
        const header = await read_header(file, format);
        let elements = 0;
        for (const piece of plan_split(header, options).pieces) {
          const bytes = await all_of(read_piece(header, piece));
          expect(bytes.length).toBe(piece_bytes(header, piece));
          const own = join(folder, 'piece');
          writeFileSync(own, bytes);
          const read = await read_header(own, format);
          expect(read.offset + data_bytes(read)).toBe(bytes.length);
          elements += data_bytes(read);
        }
        expect(elements).toBe(data_bytes(header));
      }),
      { numRuns: 40 },
    );
  });
});

/** Files of records: the records, and the file that they make. */
interface Records {
  format: Format;
  records: string[];
  head: string;
}

const any_word = fc.string({ unit: fc.constantFrom('a', 'b', '>', ' ', 'é', ';', "'"), maxLength: 8 });
const any_line_end = fc.constantFrom('\n', '\r\n');

const any_lines: fc.Arbitrary<Records> = fc
  .tuple(fc.array(any_word, { minLength: 1, maxLength: 30 }), any_line_end)
  .map(([words, end]) => ({ format: lines, records: words.map((word) => word + end), head: '' }));

const any_fasta: fc.Arbitrary<Records> = fc
  .tuple(
    fc.array(fc.tuple(any_word, fc.array(fc.constantFrom('ACGT', '', 'NN>A'))), {
      minLength: 1,
      maxLength: 20,
    }),
    any_line_end,
  )
  .map(([sequences, end]) => ({
    format: fasta,
    records: sequences.map(([name, of]) => [`>${name}`, ...of].map((line) => line + end).join('')),
    head: '',
  }));

const any_field = fc.oneof(
  fc.constantFrom('', '1.5', 'plain', 'in"side'),
  fc
    .string({ unit: fc.constantFrom('x', '"', ',', '\n', '\r\n', ' '), maxLength: 6 })
    .map((text) => `"${text.replaceAll('"', '""')}"`),
);
const any_row = fc.array(any_field, { minLength: 1, maxLength: 3 }).map((fields) => fields.join(','));
const any_csv: fc.Arbitrary<Records> = fc
  .tuple(any_row, fc.array(any_row, { minLength: 1, maxLength: 20 }), any_line_end)
  .map(([head, rows, end]) => ({ format: csv(), records: rows.map((row) => row + end), head: head + end }));

const any_fixed: fc.Arbitrary<Records> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 30 }))
  .map(([size, head, n]) => ({
    format: fixed(size, head),
    records: Array.from({ length: n }, (_, i) => String.fromCharCode(65 + (i % 26)).repeat(size)),
    head: '#'.repeat(head),
  }));

describe.each([
  ['LINES', any_lines],
  ['FASTA', any_fasta],
  ['CSV', any_csv],
  ['FIXED', any_fixed],
] as const)('records of format %s', (_, any_records) => {
  const any = any_records.chain((records) =>
    fc.integer({ min: 1, max: records.records.length }).chain((count) =>
      fc.record({
        data: fc.constant(records),
        count: fc.constant(count),
        pattern: fc.constantFrom('block' as const, 'spread' as const),
        // the newline at the end of the file may be missing
        is_ended: fc.boolean(),
        joining: any_join(count),
      }),
    ),
  );

  it('are what they were when they are split and joined, in any pattern and order', async () => {
    const folder = new_folder();
    await fc.assert(
      fc.asyncProperty(any, async ({ data, count, pattern, is_ended, joining }) => {
        const { format, head, records } = data;
        const is_text = format.kind === 'records' && format.terminator !== undefined;
        const text = head + records.join('');
        const ended = is_ended || !is_text ? text : text.replace(/\r?\n$/, '');
        const file = join(folder, 'whole');
        writeFileSync(file, ended);
        const header = await read_header(file, format);
        // of lines, an empty one at the end that is not ended is none
        const n = header.axes[0]?.n as number;
        if (is_ended) expect(n).toBe(records.length);
        if (n < count) return;
        const options: SplitOptions = { count, pattern };
        const plan = plan_split(header, options);
        const joined = await split_and_join(folder, header, plan, joining);
        expect(joined.toString()).toBe(ended);
      }),
      { numRuns: 30 },
    );
  });

  it('come whole, with the head, and as many as the plan says', async () => {
    const folder = new_folder();
    await fc.assert(
      fc.asyncProperty(any, async ({ data, count, pattern }) => {
        const { format, head, records } = data;
        const file = join(folder, 'whole');
        writeFileSync(file, head + records.join(''));
        const header = await read_header(file, format);
        for (const piece of plan_split(header, { count, pattern }).pieces) {
          if (piece.kind !== 'records') throw new Error('not of records');
          const { start, step, count: own } = piece.records;
          const expected = Array.from({ length: own }, (_, i) => records[start + i * step]);
          const bytes = await all_of(read_piece(header, piece));
          expect(bytes.toString()).toBe(head + expected.join(''));
          if (pattern === 'block') expect(piece_bytes(header, piece)).toBe(bytes.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});
