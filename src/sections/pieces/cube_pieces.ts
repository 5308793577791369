/**
 * Pieces of cubes put together: SameCubes sees that they fit, CubeStack puts them one behind the other along the last
 * axis as they come, merge_cubes does the rest, with all of them there.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import { write_fully } from '../formats/file_bytes.js';
import type { Axis, CubeFormat } from '../formats/format.js';
import { type CubeHeader, data_bytes, element_text, read_header, shape_text } from '../formats/header.js';
import { check_numbers } from '../formats/numbers.js';
import { type OutFile, WriteBehind, writer_of } from './files.js';
import { type Layer, merge } from './merge.js';
import { coordinates_of, type Grid, total_of } from './plan.js';
import { join_axis, type Pattern, type Range, split_axis, weights_of } from './ranges.js';
import { tidy } from './reader.js';
import { type CubeFile, wide_element_of } from './wide_sum.js';

/** A length that takes as much room in a header as any. */
const LONGEST_AXIS = 1e15;

/** Lengths by block along one axis, with the number of pieces that say so. */
type BlockLengths = Map<number, { length: number; pieces: number }>;

/** The pieces' headers: that all are alike, and how long each is along the axes that are put together. */
export class SameCubes {
  readonly grid: Grid;
  readonly is_sum: boolean;
  readonly #target: string;
  /** What each block has to be long, along each axis of the grid, if that is known. */
  readonly #planned: readonly (readonly Range[])[] | undefined;
  #first: { index: number; header: CubeHeader } | undefined;
  // the header of the lowest section: the whole begins where it does
  #lowest: { index: number; header: CubeHeader } | undefined;
  readonly #lengths: BlockLengths[];
  #size = 0;

  constructor(target: string, grid: Grid, n: readonly number[] | undefined, is_sum: boolean) {
    this.#target = target;
    this.grid = grid;
    this.is_sum = is_sum;
    this.#lengths = grid.axes.map(() => new Map());
    this.#planned = n?.map((length, i) => {
      const nblock = grid.nblock[i] as number;
      return split_axis(length, nblock, grid.pattern[i] as Pattern, grid.noverlap[i]);
    });
  }

  /** The header of the piece that came first. */
  get first(): CubeHeader {
    return (this.#first as { header: CubeHeader }).header;
  }

  /** The header of the lowest section that is there. */
  get lowest(): CubeHeader {
    return (this.#lowest as { header: CubeHeader }).header;
  }

  get has_plan(): boolean {
    return this.#planned !== undefined;
  }

  /** Axes of the pieces, and of the whole. */
  get dimensions(): number {
    return this.is_sum ? this.first.axes.length : Math.max(this.first.axes.length, ...this.grid.axes);
  }

  /** Pieces that were taken and not forgotten. */
  get size(): number {
    return this.#size;
  }

  /** Takes the header of a piece. @throws UsageError (PARJOB_ERR_USAGE) when it does not fit with those before it */
  take(index: number, header: CubeHeader): void {
    this.#compare(index, header);
    this.#size++;
    this.#first ??= { index, header };
    if (this.#lowest === undefined || index <= this.#lowest.index) this.#lowest = { index, header };
    this.#for_each_block(index, (lengths, block, axis) => {
      const { length, pieces } = lengths.get(block) ?? { length: length_of(header, axis), pieces: 0 };
      lengths.set(block, { length, pieces: pieces + 1 });
    });
  }

  /** The piece did not come in whole after all, and may have another length when it comes again. */
  forget(index: number): void {
    this.#size--;
    this.#for_each_block(index, (lengths, block) => {
      const { length, pieces } = lengths.get(block) as { length: number; pieces: number };
      if (pieces === 1) lengths.delete(block);
      else lengths.set(block, { length, pieces: pieces - 1 });
    });
  }

  /** Where the blocks of the sections that are there lie along axis `i` of the grid, and how long it is in all. */
  axis(i: number, present: ReadonlySet<number>): { n: number; ranges: ReadonlyMap<number, Range> } {
    const nblock = this.grid.nblock[i] as number;
    const pattern = this.grid.pattern[i] as Pattern;
    const noverlap = this.grid.noverlap[i] as number;
    const planned = this.#planned?.[i];
    const number = this.grid.axes[i];
    if (planned !== undefined) {
      const ends = planned.map(({ start, step, count }) =>
        count === 0 ? 0 : start + step * (count - 1) + 1,
      );
      return { n: Math.max(...ends), ranges: new Map(planned.entries()) };
    }
    const lengths = this.#lengths[i] as BlockLengths;
    const blocks = Array.from({ length: nblock }, (_, b) => b).filter((b) => lengths.has(b));
    const may_leave_out = this.grid.axes.length === 1 && pattern === 'block' && noverlap === 0;
    if (blocks.length < nblock && !may_leave_out) {
      throw new UsageError(
        `${this.#target}: of ${total_of(this.grid)} sections only ${present.size} are there, and where they lie along axis ${number} ` +
          "cannot be told from them: give the length of the whole in option 'n'",
      );
    }
    const found = blocks.map((b) => lengths.get(b)?.length as number);
    const joined = join_axis(found, pattern, noverlap);
    if (joined === undefined) {
      const how = pattern === 'spread' ? 'dealt out in turn' : `blocks with an overlap of ${noverlap}`;
      throw new UsageError(
        `${this.#target}: the sections have lengths ${found.slice(0, 20).join(', ')} along axis ${number}, which cannot be ${how}`,
      );
    }
    return { n: joined.n, ranges: new Map(blocks.map((b, at) => [b, joined.ranges[at] as Range])) };
  }

  /** Where block `index` begins along axis `i` of the grid, if the lengths were given. */
  planned_range(i: number, index: number): Range | undefined {
    return this.#planned?.[i]?.[index];
  }

  /** Axes of the whole, whose lengths along those of the grid are `n`. */
  axes_of_whole(n: readonly number[]): Axis[] {
    return Array.from({ length: this.dimensions }, (_, k): Axis => {
      const { lowest } = this;
      const axis = lowest.axes[k] ?? { n: 1 };
      const i = this.is_sum ? -1 : this.grid.axes.indexOf(k + 1);
      if (i === -1) return axis;
      const is_spread = this.grid.pattern[i] === 'spread';
      const d = axis.d === undefined || !is_spread ? axis.d : tidy(axis.d / (this.grid.nblock[i] as number));
      return { ...axis, n: n[i] as number, d };
    });
  }

  #compare(index: number, header: CubeHeader): void {
    this.#for_each_block(index, (lengths, block, axis, i) => {
      const planned = this.#planned?.[i]?.[block]?.count;
      const other = planned ?? lengths.get(block)?.length;
      const own = length_of(header, axis);
      if (other === undefined || own === other) return;
      const whose = planned === undefined ? 'others beside it have' : "it should have, by option 'n',";
      throw new UsageError(`section ${index} of ${this.#target} has n${axis}=${own}, but ${whose} ${other}`);
    });
    if (this.#first === undefined) return;
    const { header: first, index: first_index } = this.#first;
    const [a, b] = [first.element, header.element];
    if (a.bytes !== b.bytes || a.number !== b.number || a.is_big_endian !== b.is_big_endian) {
      throw new UsageError(
        `section ${index} of ${this.#target} has other elements than section ${first_index}: ${element_text(header)}, not ${element_text(first)}`,
      );
    }
    const dimensions = Math.max(first.axes.length, header.axes.length);
    for (let axis = 1; axis <= dimensions; axis++) {
      if (!this.is_sum && this.grid.axes.includes(axis)) continue;
      if (length_of(first, axis) === length_of(header, axis)) continue;
      throw new UsageError(
        `section ${index} of ${this.#target} has ${shape_text(header.axes)} elements and section ${first_index} ${shape_text(first.axes)}: ` +
          `they may differ along ${this.is_sum ? 'no axis' : `axes ${this.grid.axes.join(', ')}`}, but do along axis ${axis}`,
      );
    }
  }

  /** The blocks of a section, one along each axis of the grid; of a sum there are none. */
  #for_each_block(
    index: number,
    visit: (lengths: BlockLengths, block: number, axis: number, i: number) => void,
  ): void {
    if (this.is_sum) return;
    coordinates_of(index, this.grid.nblock).forEach((block, i) => {
      visit(this.#lengths[i] as BlockLengths, block, this.grid.axes[i] as number, i);
    });
  }
}

function length_of(header: CubeHeader, axis: number): number {
  return header.axes[axis - 1]?.n ?? 1;
}

/** Cubes one behind the other, along an axis behind which there is no other: each is contiguous in the whole. */
export class CubeStack {
  readonly #same: SameCubes;
  readonly #note: string;
  // bytes kept free for the header, whose lengths are not known before the end
  #reserved: number | undefined;
  // elements along the axis that are there, in order
  #length = 0;

  static fits(grid: Grid, header: CubeHeader): boolean {
    const [axis = 1] = grid.axes;
    return (
      grid.axes.length === 1 &&
      grid.pattern[0] === 'block' &&
      grid.noverlap[0] === 0 &&
      header.axes.slice(axis).every(({ n }) => n === 1)
    );
  }

  constructor(same: SameCubes, note: string) {
    this.#same = same;
    this.#note = note;
  }

  /** Pieces need not come in order. */
  get knows_places(): boolean {
    return this.#same.has_plan;
  }

  /** Writes a piece to its place, which is behind those before it unless all places are known. */
  async put(index: number, header: CubeHeader, data: AsyncIterable<Uint8Array>, out: OutFile): Promise<void> {
    this.#reserved ??= this.#longest_head(header);
    const axis = this.#same.grid.axes[0] as number;
    const own = length_of(header, axis);
    const row_bytes = data_bytes({ axes: header.axes.slice(0, axis - 1), element: header.element });
    const start = this.#same.planned_range(0, index)?.start ?? this.#length;
    let at = this.#reserved + start * row_bytes;
    const writer = writer_of(out);
    try {
      for await (const bytes of data) {
        await writer.write(bytes, at);
        at += bytes.length;
      }
    } finally {
      // also when there was an error, so that nothing writes any more
      await writer.flush();
    }
    if (!this.knows_places) this.#length += own;
  }

  /** Writes the header. @returns the name of another file in `folder` that is the whole, if there was no room for it in `out` */
  async finish(out: FileHandle, folder: string): Promise<string | undefined> {
    const reserved = this.#reserved as number;
    const n = this.knows_places ? this.#same.axis(0, new Set()).n : this.#length;
    const axes = this.#same.axes_of_whole([n]);
    const data = data_bytes({ axes, element: this.#same.first.element });
    // behind the last piece there may be the rest of one that was broken off; with gaps the file may be too short
    await out.truncate(reserved + data);
    const head = this.#head([n], reserved);
    if (head.length === reserved) {
      await write_fully(out, head, 0);
      return undefined;
    }
    const file = join(folder, 'whole');
    const whole = await open(file, 'w');
    try {
      const writer = new WriteBehind(whole);
      await writer.write(head, 0);
      let at = head.length;
      for await (const bytes of createReadStream(join(folder, 'out'), {
        start: reserved,
        highWaterMark: 2 ** 20,
      })) {
        await writer.write(bytes as Uint8Array, at);
        at += (bytes as Uint8Array).length;
      }
      await writer.flush();
    } finally {
      await whole.close();
    }
    return 'whole';
  }

  /** Of a file as long as can be; if the format has no place for such a length, as that of a piece. */
  #longest_head(header: CubeHeader): number {
    try {
      return this.#head([LONGEST_AXIS]).length;
    } catch {
      return this.#head([length_of(header, this.#same.grid.axes[0] as number)]).length;
    }
  }

  #head(n: readonly number[], length?: number): Uint8Array {
    const { lowest, first } = this.#same;
    const axes = this.#same.axes_of_whole(n);
    const own = lowest.format.head(lowest, axes, this.#note, length);
    // the header of another piece may be shorter
    return length === undefined || own.length === length
      ? own
      : first.format.head(first, axes, this.#note, length);
  }
}

export interface MergeOptions {
  format: CubeFormat;
  target: string;
  note: string;
  is_sum: boolean;
  /** The target is added, if it is there. */
  is_added: boolean;
}

/** Makes the whole of all pieces, by their section. */
export async function merge_cubes(
  out: FileHandle,
  same: SameCubes,
  pieces: ReadonlyMap<number, CubeFile>,
  { format, target, note, is_sum, is_added }: MergeOptions,
): Promise<void> {
  const { grid } = same;
  const present = new Set(pieces.keys());
  const joined = is_sum ? [] : grid.axes.map((_, i) => same.axis(i, present));
  const axes = same.axes_of_whole(joined.map(({ n }) => n));
  // an array without axes has one element
  const shape = axes.length === 0 ? [1] : axes.map(({ n }) => n);
  const { element } = same.first;
  const is_blended = grid.noverlap.some((v) => v > 0) && !is_sum;
  if (is_blended) {
    check_numbers(element, target);
    if (element.number.endsWith('64') && !element.number.startsWith('float')) {
      throw new UsageError(`${target}: 64-bit integers cannot be blended: let the program write floats`);
    }
  }
  const weights = joined.map(({ n, ranges }, i) => {
    const noverlap = grid.noverlap[i] as number;
    if (noverlap === 0) return undefined;
    const blocks = [...ranges.keys()];
    const of_blocks = weights_of(n, [...ranges.values()], noverlap);
    return new Map(blocks.map((block, at) => [block, of_blocks[at] as Float64Array]));
  });
  const layers: Layer[] = [];
  for (const [index, { file, is_wide }] of [...pieces].toSorted(([a], [b]) => a - b)) {
    const header = await read_header(file, format);
    const at = coordinates_of(index, grid.nblock);
    const place = (k: number): number => (is_sum ? -1 : grid.axes.indexOf(k + 1));
    layers.push({
      file: header.data_file,
      offset: header.offset,
      element: is_wide ? wide_element_of(header, file) : undefined,
      ranges: shape.map((n, k): Range => {
        const i = place(k);
        return i === -1 ? { start: 0, step: 1, count: n } : (joined[i]?.ranges.get(at[i] as number) as Range);
      }),
      weights: shape.map((_, k) => {
        const i = place(k);
        return i === -1 ? undefined : weights[i]?.get(at[i] as number);
      }),
    });
  }
  const base = is_added ? await find_base(target, format, axes, same.first) : undefined;
  const head = format.head(same.lowest, axes, note);
  await out.truncate(0);
  await write_fully(out, head, 0);
  await merge(out, head.length, {
    name: target,
    shape,
    element,
    layers,
    how: is_sum ? 'sum' : is_blended ? 'blend' : 'place',
    has_gaps: !is_sum && pieces.size < total_of(grid),
    base,
  });
}

/** The target as it is, which the result is added to; undefined when there is none. */
async function find_base(
  target: string,
  format: CubeFormat,
  axes: readonly Axis[],
  like: CubeHeader,
): Promise<{ file: string; offset: number } | undefined> {
  const is_there = await stat(target).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (!is_there) return undefined;
  const header = await read_header(target, format);
  const lengths = Math.max(axes.length, header.axes.length);
  const is_same_shape = Array.from({ length: lengths }, (_, k) => k).every(
    (k) => (axes[k]?.n ?? 1) === (header.axes[k]?.n ?? 1),
  );
  const [a, b] = [header.element, like.element];
  const is_same_element = a.bytes === b.bytes && a.number === b.number && a.is_big_endian === b.is_big_endian;
  if (is_same_shape && is_same_element) return { file: header.data_file, offset: header.offset };
  throw new UsageError(
    `${target} cannot be added to: it has ${shape_text(header.axes)} elements (${element_text(header)}), ` +
      `the sections make ${shape_text(axes)} (${element_text(like)})`,
  );
}
