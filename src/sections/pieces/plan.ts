/**
 * Plan: how a dataset is split. Of its header and a few options follow the pieces, one a section; each is a plain
 * description that can be kept as JSON, and reader.ts makes bytes of it. Nothing here touches a file.
 */
import {
  check_options,
  type Expectation,
  either,
  integer_between,
  one_of,
  show,
} from '../../base/options.js';
import { UsageError } from '../../errors.js';
import type { Header, RecordHeader } from '../formats/header.js';
import { type Pattern, type Range, split_axis } from './ranges.js';

export interface SplitOptions {
  /** Axes that are split, numbered from 1, the fastest in the file. @default the last one */
  axes?: number | readonly number[] | undefined;
  /** Sections along each of these axes; their product is the number of pieces. */
  nblock?: number | readonly number[] | undefined;
  /** Pieces, in place of `nblock`, where one axis is split. */
  count?: number | undefined;
  /** Neighbouring elements together, or dealt out in turn; for all axes, or one for each. @default 'block' */
  pattern?: Pattern | readonly Pattern[] | undefined;
  /** Elements by which a block is wider on each inner side; for all axes, or one for each. @default 0 */
  noverlap?: number | readonly number[] | undefined;
}

/** A byte of the file at which a record begins: `skip` records behind `offset`, where `record - skip` begins. */
export interface Mark {
  readonly record: number;
  readonly offset: number;
  readonly skip: number;
}

/** Piece `index` of a cube: a range along each axis. */
export interface CubePiece {
  readonly kind: 'cube';
  readonly index: number;
  readonly slab: readonly Range[];
}

/** Piece `index` of records: which ones, and where in the file they are to be looked for. */
export interface RecordPiece {
  readonly kind: 'records';
  readonly index: number;
  readonly records: Range;
  readonly from: Mark;
  readonly to: Mark;
}

export type Piece = CubePiece | RecordPiece;

export interface Plan {
  readonly axes: readonly number[];
  readonly nblock: readonly number[];
  readonly pattern: readonly Pattern[];
  readonly noverlap: readonly number[];
  /** Length of each of the axes. */
  readonly n: readonly number[];
  readonly pieces: readonly Piece[];
}

/** How sections lie along axes; the same for splitting and joining. */
export interface Grid {
  axes: readonly number[];
  nblock: readonly number[];
  pattern: readonly Pattern[];
  noverlap: readonly number[];
}

const PATTERN = one_of('block', 'spread');
const MAX_AXIS = 20;

export const GRID_OPTIONS: Readonly<Record<string, Expectation>> = {
  axes: one_or_more(integer_between(1, MAX_AXIS)),
  nblock: one_or_more(integer_between(1, 2 ** 31)),
  count: integer_between(1, 2 ** 31),
  pattern: one_or_more(PATTERN),
  noverlap: one_or_more(integer_between(0, 2 ** 31)),
};

function one_or_more(single: Expectation): Expectation {
  return either(single, {
    expected: 'an array of such',
    holds: (v) => Array.isArray(v) && v.length > 0 && v.every((item) => single.holds(item)),
  });
}

/**
 * The pieces of a dataset. With several axes, sections are counted along the first one that is named first.
 * @throws UsageError (PARJOB_ERR_USAGE) when an axis is not there, or has fewer elements than sections
 */
export function plan_split(header: Header, options: SplitOptions): Plan {
  check_options('plan_split', options, GRID_OPTIONS);
  const grid = grid_of('plan_split', options, header.axes.length, header.kind);
  const ranges = grid.axes.map((axis, i) => {
    const n = header.axes[axis - 1]?.n;
    const nblock = grid.nblock[i] as number;
    if (n === undefined) {
      throw new UsageError(`${header.file} has ${header.axes.length} axes: axis ${axis} cannot be split`);
    }
    if (n < nblock) {
      const what = header.kind === 'records' ? `${n} records` : `n${axis}=${n}`;
      throw new UsageError(
        `${header.file} has ${what}, too few for ${nblock} sections: some would be empty; ask for ${n === 0 ? 'other data' : `${n} or fewer`}`,
      );
    }
    return split_axis(n, nblock, grid.pattern[i] as Pattern, grid.noverlap[i]);
  });
  const pieces = Array.from({ length: total_of(grid) }, (_, index): Piece => {
    const at = coordinates_of(index, grid.nblock);
    const own = ranges.map((of_axis, i) => of_axis[at[i] as number] as Range);
    if (header.kind === 'records') return record_piece(header, index, own[0] as Range);
    const slab = header.axes.map(({ n }, k): Range => {
      const i = grid.axes.indexOf(k + 1);
      return i === -1 ? { start: 0, step: 1, count: n } : (own[i] as Range);
    });
    return { kind: 'cube', index, slab };
  });
  return { ...grid, n: grid.axes.map((axis) => header.axes[axis - 1]?.n as number), pieces };
}

/** Options of a split or a join, filled in and checked against each other. */
export function grid_of(
  owner: string,
  options: SplitOptions,
  dimensions: number,
  kind: Header['kind'],
): Grid {
  const { axes: given_axes, nblock: given_nblock, count, pattern = 'block', noverlap = 0 } = options;
  const axes = given_axes === undefined ? [Math.max(dimensions, 1)] : list_of(given_axes);
  if (new Set(axes).size !== axes.length) {
    throw new UsageError(`${owner}: option 'axes' names an axis twice: ${show(axes)}`);
  }
  if (kind === 'records' && (axes.length !== 1 || axes[0] !== 1)) {
    throw new UsageError(`${owner}: records have one axis, 1, got axes ${show(axes)}`);
  }
  if ((given_nblock === undefined) === (count === undefined)) {
    throw new UsageError(`${owner}: give one of nblock and count, the number of sections`);
  }
  if (count !== undefined && axes.length > 1) {
    throw new UsageError(`${owner}: for ${axes.length} axes give nblock, a number of sections for each`);
  }
  const nblock = list_of(given_nblock ?? (count as number));
  const grid = {
    axes,
    nblock,
    pattern: for_each_axis(owner, 'pattern', pattern, axes),
    noverlap: for_each_axis(owner, 'noverlap', noverlap, axes),
  };
  if (nblock.length !== axes.length) {
    throw new UsageError(
      `${owner}: options 'axes' and 'nblock' must have the same length, got ${show(axes)} and ${show(nblock)}`,
    );
  }
  const has_overlap = grid.noverlap.some((v) => v > 0);
  if (has_overlap && kind === 'records') {
    throw new UsageError(
      `${owner}: records cannot overlap, as nothing says how they are blended; leave noverlap away`,
    );
  }
  if (grid.noverlap.some((v, i) => v > 0 && grid.pattern[i] === 'spread')) {
    throw new UsageError(`${owner}: only blocks can overlap, but the pattern is 'spread'`);
  }
  return grid;
}

export function total_of({ nblock }: Pick<Grid, 'nblock'>): number {
  return nblock.reduce((product, b) => product * b, 1);
}

/** Which block a section has along each axis that is split, the first one counted fastest. */
export function coordinates_of(index: number, nblock: readonly number[]): number[] {
  let rest = index;
  return nblock.map((b) => {
    const at = rest % b;
    rest = (rest - at) / b;
    return at;
  });
}

function record_piece(header: RecordHeader, index: number, records: Range): RecordPiece {
  const { start, step, count } = records;
  const is_block = step === 1;
  return {
    kind: 'records',
    index,
    records,
    from: mark_of(header, is_block ? start : 0),
    to: mark_of(header, is_block ? start + count : header.axes[0].n),
  };
}

function mark_of(header: RecordHeader, record: number): Mark {
  const { record_bytes } = header.format;
  if (record === header.axes[0].n) return { record, offset: header.size, skip: 0 };
  if (record_bytes !== undefined && header.offsets.length === 0) {
    return { record, offset: header.head_bytes + record * record_bytes, skip: 0 };
  }
  const i = Math.floor(record / header.every);
  return { record, offset: header.offsets[i] as number, skip: record - i * header.every };
}

function list_of<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

function for_each_axis<T>(
  owner: string,
  name: string,
  value: T | readonly T[],
  axes: readonly number[],
): readonly T[] {
  if (!Array.isArray(value)) return axes.map(() => value as T);
  if (value.length === axes.length) return value as readonly T[];
  throw new UsageError(
    `${owner}: option '${name}' must have one value for each of the axes ${show(axes)}, got ${show(value)}`,
  );
}
