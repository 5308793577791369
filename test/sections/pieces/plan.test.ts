import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { fasta, lines, npy } from '../../../src/sections/formats/formats.js';
import { type CubeHeader, type RecordHeader, read_header } from '../../../src/sections/formats/header.js';
import { plan_split, type SplitOptions } from '../../../src/sections/pieces/plan.js';
import { FLOAT32, temporary_folders } from './kit.js';

const new_folder = temporary_folders();

const cube: CubeHeader = {
  kind: 'cube',
  format: npy,
  file: 'in.npy',
  data_file: 'in.npy',
  offset: 128,
  element: FLOAT32,
  axes: [{ n: 10 }, { n: 4 }, { n: 6 }],
};

async function records(text: string, format = lines): Promise<RecordHeader> {
  const file = join(new_folder(), 'records');
  writeFileSync(file, text);
  return await read_header(file, format);
}

describe('a plan', () => {
  it('splits the last axis unless it is told another one', () => {
    const plan = plan_split(cube, { count: 3 });
    expect(plan).toMatchObject({ axes: [3], nblock: [3], pattern: ['block'], noverlap: [0], n: [6] });
    expect(plan.pieces[1]).toEqual({
      kind: 'cube',
      index: 1,
      slab: [
        { start: 0, step: 1, count: 10 },
        { start: 0, step: 1, count: 4 },
        { start: 2, step: 1, count: 2 },
      ],
    });
  });

  it('multiplies out several axes, the one named first the fastest', () => {
    const { pieces } = plan_split(cube, { axes: [3, 1], nblock: [2, 3], pattern: ['spread', 'block'] });
    const starts = pieces.map((piece) =>
      piece.kind === 'cube' ? [piece.slab[2]?.start, piece.slab[0]?.start] : [],
    );
    expect(starts).toEqual([
      [0, 0],
      [1, 0],
      [0, 4],
      [1, 4],
      [0, 7],
      [1, 7],
    ]);
  });

  it('widens blocks by the overlap', () => {
    const { pieces } = plan_split(cube, { axes: 1, nblock: 3, noverlap: 1 });
    expect(pieces.map((piece) => (piece.kind === 'cube' ? piece.slab[0] : undefined))).toEqual([
      { start: 0, step: 1, count: 5 },
      { start: 3, step: 1, count: 5 },
      { start: 6, step: 1, count: 4 },
    ]);
  });

  it('is plain data: it comes back from JSON as it was', async () => {
    const plan = plan_split(cube, { axes: [1, 2], nblock: [2, 2] });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    const of_records = plan_split(await records('a\nb\nc\n'), { count: 2 });
    expect(JSON.parse(JSON.stringify(of_records))).toEqual(of_records);
  });

  it('of records says where in the file they begin and end', async () => {
    const { pieces } = plan_split(await records('>a\nA\n>b\nCC\n>c\n', fasta), { count: 2 });
    expect(pieces).toEqual([
      {
        kind: 'records',
        index: 0,
        records: { start: 0, step: 1, count: 2 },
        from: { record: 0, offset: 0, skip: 0 },
        to: { record: 2, offset: 11, skip: 0 },
      },
      {
        kind: 'records',
        index: 1,
        records: { start: 2, step: 1, count: 1 },
        from: { record: 2, offset: 11, skip: 0 },
        to: { record: 3, offset: 14, skip: 0 },
      },
    ]);
  });

  it('is refused when a section would be empty', async () => {
    expect(() => plan_split(cube, { axes: 2, count: 5 })).toThrow(
      'in.npy has n2=4, too few for 5 sections: some would be empty; ask for 4 or fewer',
    );
    const three = await records('a\nb\nc\n');
    expect(() => plan_split(three, { count: 4 })).toThrow('has 3 records, too few for 4 sections');
    const none = await records('');
    expect(() => plan_split(none, { count: 1 })).toThrow('has 0 records');
  });

  it.each<[string, SplitOptions, string]>([
    ['no number of sections', {}, 'give one of nblock and count'],
    ['two numbers of sections', { count: 2, nblock: 2 }, 'give one of nblock and count'],
    ['an axis that is not there', { axes: 4, count: 1 }, 'in.npy has 3 axes: axis 4 cannot be split'],
    ['an axis named twice', { axes: [1, 1], nblock: [2, 2] }, 'names an axis twice'],
    ['one count for two axes', { axes: [1, 2], count: 2 }, 'for 2 axes give nblock'],
    [
      'lists of different lengths',
      { axes: [1, 2], nblock: [2] },
      "'axes' and 'nblock' must have the same length",
    ],
    [
      'a pattern too few',
      { axes: [1, 2], nblock: [2, 2], pattern: ['block'] },
      "option 'pattern' must have one value",
    ],
    [
      'an overlap of what is dealt out',
      { count: 2, pattern: 'spread', noverlap: 1 },
      'only blocks can overlap',
    ],
    ['no sections', { count: 0 }, "option 'count' must be a whole number from 1"],
    ['an unknown option', { counts: 2 } as SplitOptions, "no option 'counts'"],
  ])('is refused with %s', (_, options, text) => {
    expect(() => plan_split(cube, options)).toThrow(text);
    expect(() => plan_split(cube, options)).toThrow(UsageError);
  });

  it('of records has no overlap and one axis', async () => {
    const three = await records('a\nb\nc\n');
    expect(() => plan_split(three, { count: 2, noverlap: 1 })).toThrow('records cannot overlap');
    expect(() => plan_split(three, { count: 2, axes: 2 })).toThrow('records have one axis, 1');
  });
});
