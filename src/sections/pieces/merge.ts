/**
 * Merge: makes one cube of many, each of which lies somewhere in it. The cube is made from its start to its end, some
 * MiB at a time, and of each layer the part that lies there is read, which is contiguous in the layer's file. So
 * memory is bounded, every byte is read and written once, and it does not matter how small the runs are.
 */
import type { FileHandle } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { read_fully } from '../formats/file_bytes.js';
import type { Element } from '../formats/format.js';
import {
  add_to,
  check_numbers,
  type NumericElement,
  new_sums,
  numbers_in,
  parts_of,
  write_numbers,
} from '../formats/numbers.js';
import { FilePool, WriteBehind } from './files.js';
import type { Range } from './ranges.js';
import { copy_runs, offsets_of, runs_of } from './slab.js';

/** A cube that is part of another one. */
export interface Layer {
  readonly file: string;
  /** Where its elements begin in the file. */
  readonly offset: number;
  /** What they are, if others than those that are made; of a sum. */
  readonly element?: NumericElement | undefined;
  /** Where they lie in the whole, along each axis. */
  readonly ranges: readonly Range[];
  /** Along each axis a weight for each element, where layers overlap; undefined: all 1. */
  readonly weights?: readonly (Float64Array | undefined)[] | undefined;
}

export interface Merge {
  /** What is made; for the errors. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly element: Element;
  readonly layers: readonly Layer[];
  /** Layers are put side by side, or blended by their weights, or added up. */
  readonly how: 'place' | 'blend' | 'sum';
  /** Layers may leave elements out, which are then zero. */
  readonly has_gaps: boolean;
  /** What is added to the result, element by element. */
  readonly base?: { readonly file: string; readonly offset: number } | undefined;
}

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The part of a layer that lies in a chunk. */
interface Part {
  layer: Layer;
  /** First element of it in the layer, along each axis. */
  first: readonly number[];
  /** Where its elements lie in the chunk, along the axes that the chunk has. */
  ranges: readonly Range[];
  /** Where it is in the layer's file. */
  offset: number;
  bytes: number;
}

/** Writes the merged cube to `out`, from offset `at`. */
export async function merge(out: FileHandle, at: number, job: Merge): Promise<void> {
  const maker = new Merger(job);
  const writer = new WriteBehind(out);
  try {
    let end = at;
    for (const chunk of chunks_of(job)) {
      const bytes = await maker.make(chunk);
      await writer.write(bytes, end);
      end += bytes.length;
    }
  } finally {
    await maker.close();
    // also when there was an error, so that nothing writes any more
    await writer.flush();
  }
}

/** A contiguous part of the whole: all of the axes below `axis`, a range of that one, one index of those above. */
interface Chunk {
  axis: number;
  start: number;
  count: number;
  /** Index along each axis above `axis`; what is below is not used. */
  index: readonly number[];
  /** Elements in it. */
  size: number;
}

function* chunks_of(job: Merge): Generator<Chunk, void, undefined> {
  const { shape, element } = job;
  if (shape.includes(0)) return;
  const strides = strides_of(shape, element.bytes);
  let axis = 0;
  while (axis + 1 < shape.length && (strides[axis + 1] as number) <= CHUNK_BYTES) axis++;
  const most = Math.max(1, Math.floor(CHUNK_BYTES / (strides[axis] as number)));
  const n = shape[axis] as number;
  const row = (strides[axis] as number) / element.bytes;
  const edges = job.how === 'blend' ? edges_along(axis, job) : [n];
  const index = shape.map(() => 0);
  for (;;) {
    let start = 0;
    let count = 0;
    for (; start < n; start += count) {
      const edge = edges.find((at) => at > start) ?? n;
      count = Math.min(most, edge - start);
      yield { axis, start, count, index: [...index], size: row * count };
    }
    let k = axis + 1;
    for (; k < shape.length; k++) {
      index[k] = (index[k] as number) + 1;
      if ((index[k] as number) < (shape[k] as number)) break;
      index[k] = 0;
    }
    if (k >= shape.length) return;
  }
}

/** Where layers begin and end along an axis: between two of these an overlap is all or nothing. */
function edges_along(axis: number, { layers }: Merge): number[] {
  const edges = layers.flatMap(({ ranges }) => {
    const { start, step, count } = ranges[axis] as Range;
    return [start, start + step * count];
  });
  return [...new Set(edges)].toSorted((a, b) => a - b);
}

function strides_of(shape: readonly number[], element_bytes: number): number[] {
  let stride = element_bytes;
  return shape.map((n) => {
    const own = stride;
    stride *= n;
    return own;
  });
}

class Merger {
  readonly #job: Merge;
  readonly #pool = new FilePool();
  readonly #strides: number[][];
  // two, since one is being written while the other is made
  readonly #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  #turn = 0;
  #scratch = new Uint8Array(0);

  constructor(job: Merge) {
    this.#job = job;
    const { layers, element, name, how, base } = job;
    this.#strides = layers.map(({ ranges }) =>
      strides_of(
        ranges.map(({ count }) => count),
        element.bytes,
      ),
    );
    if (how !== 'place' || base !== undefined) check_numbers(element, name);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** The bytes of a chunk; good until the call after the next one. */
  async make(chunk: Chunk): Promise<Uint8Array> {
    const { element, how, base, has_gaps } = this.#job;
    const bytes = this.#next_buffer(chunk.size * element.bytes);
    if (how === 'sum') {
      await this.#sum(chunk, bytes, element as NumericElement);
      return bytes;
    }
    const parts = this.#job.layers.flatMap((layer, i) =>
      this.#part_of(layer, this.#strides[i] as number[], chunk),
    );
    const covered = parts.reduce((sum, part) => sum + part.bytes, 0);
    // each element once: nothing to blend. With gaps the count proves nothing
    const is_plain = how === 'place' || (covered === bytes.length && !has_gaps);
    if (is_plain) await this.#place(chunk, parts, bytes);
    else await this.#blend(chunk, parts, bytes, element as NumericElement);
    if (base !== undefined) await this.#add_base(chunk, bytes, element as NumericElement);
    return bytes;
  }

  async #place(chunk: Chunk, parts: readonly Part[], target: Uint8Array): Promise<void> {
    const { element, has_gaps } = this.#job;
    if (has_gaps) target.fill(0);
    const shape = this.#shape_of(chunk);
    for (const part of parts) {
      const source = await this.#read(part.layer.file, part.offset, part.bytes);
      const { first, run, levels } = runs_of(shape, part.ranges, element.bytes);
      const { stride, count } = levels[0] ?? { stride: run, count: 1 };
      let from = 0;
      for (const offset of offsets_of(levels.slice(1))) {
        copy_runs(source, from, run, target, first + offset, stride, run, count);
        from += run * count;
      }
    }
  }

  async #blend(
    chunk: Chunk,
    parts: readonly Part[],
    target: Uint8Array,
    element: NumericElement,
  ): Promise<void> {
    const per_element = parts_of(element);
    const values = new Float64Array(chunk.size * per_element);
    const weight_sums = new Float64Array(chunk.size);
    const shape = this.#shape_of(chunk);
    for (const part of parts) {
      const source = await this.#read(part.layer.file, part.offset, part.bytes);
      blend_part(part, shape, numbers_in(source, element) as Float64Array, per_element, values, weight_sums);
    }
    write_numbers(values, target, element, this.#job.name);
  }

  async #sum(chunk: Chunk, target: Uint8Array, element: NumericElement): Promise<void> {
    const { layers, base, name } = this.#job;
    const sums = new_sums(chunk.size * parts_of(element), element);
    const first = this.#offset_of(chunk) / element.bytes;
    const terms: readonly Pick<Layer, 'file' | 'offset' | 'element'>[] =
      base === undefined ? layers : [base, ...layers];
    for (const { file, offset, element: own = element } of terms) {
      const bytes = await this.#read(file, offset + first * own.bytes, chunk.size * own.bytes);
      add_to(sums, numbers_in(bytes, own), name);
    }
    write_numbers(sums, target, element, name);
  }

  async #add_base(chunk: Chunk, target: Uint8Array, element: NumericElement): Promise<void> {
    const { base, name } = this.#job;
    if (base === undefined) return;
    const sums = new_sums(chunk.size * parts_of(element), element);
    const old = await this.#read(base.file, base.offset + this.#offset_of(chunk), target.length);
    add_to(sums, numbers_in(old, element), name);
    add_to(sums, numbers_in(target, element), name);
    write_numbers(sums, target, element, name);
  }

  /** The part of a layer that lies in the chunk; none or one. */
  #part_of(layer: Layer, strides: readonly number[], chunk: Chunk): Part[] {
    const first = layer.ranges.map(() => 0);
    let { offset } = layer;
    for (let k = chunk.axis; k < layer.ranges.length; k++) {
      const range = layer.ranges[k] as Range;
      const [from, to] =
        k === chunk.axis
          ? [chunk.start, chunk.start + chunk.count]
          : [chunk.index[k] as number, (chunk.index[k] as number) + 1];
      const begin = Math.max(0, Math.ceil((from - range.start) / range.step));
      const end = Math.min(range.count, Math.ceil((to - range.start) / range.step));
      if (begin >= end) return [];
      first[k] = begin;
      offset += begin * (strides[k] as number);
    }
    const own = layer.ranges[chunk.axis] as Range;
    const begin = first[chunk.axis] as number;
    const end = Math.min(own.count, Math.ceil((chunk.start + chunk.count - own.start) / own.step));
    const bytes = (end - begin) * (strides[chunk.axis] as number);
    if (bytes === 0) return [];
    const start = own.start + begin * own.step - chunk.start;
    const ranges = [...layer.ranges.slice(0, chunk.axis), { start, step: own.step, count: end - begin }];
    return [{ layer, first, ranges, offset, bytes }];
  }

  #shape_of({ axis, count }: Chunk): number[] {
    return [...this.#job.shape.slice(0, axis), count];
  }

  #offset_of({ axis, start, index }: Chunk): number {
    const strides = strides_of(this.#job.shape, this.#job.element.bytes);
    return strides.reduce(
      (offset, stride, k) => offset + (k < axis ? 0 : k === axis ? start : (index[k] as number)) * stride,
      0,
    );
  }

  /** All of a range of a file, in memory that the next call uses again. */
  async #read(file: string, from: number, bytes: number): Promise<Uint8Array> {
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
    const room = this.#scratch.subarray(0, bytes);
    const got = await read_fully(await this.#pool.get(file), room, from);
    if (got === bytes) return room;
    throw new UsageError(
      `${file} has become shorter since it was handed over to be joined to ${this.#job.name}`,
    );
  }

  #next_buffer(bytes: number): Uint8Array {
    this.#turn = 1 - this.#turn;
    const buffer = this.#buffers[this.#turn as 0 | 1];
    if (buffer.length >= bytes) return buffer.subarray(0, bytes);
    const larger = new Uint8Array(bytes);
    this.#buffers[this.#turn as 0 | 1] = larger;
    return larger;
  }
}

/**
 * Takes a part into the weighted mean of those before it. A running mean and not a sum of products, since it leaves
 * what is the same in all parts just as it is.
 */
function blend_part(
  { layer, first, ranges }: Part,
  shape: readonly number[],
  source: Float64Array,
  per_element: number,
  values: Float64Array,
  weight_sums: Float64Array,
): void {
  const weight_at = (k: number, j: number): number => layer.weights?.[k]?.[j] ?? 1;
  let fixed = 1;
  for (let k = ranges.length; k < first.length; k++) fixed *= weight_at(k, first[k] as number);
  const strides = strides_of(shape, 1);
  const [row, ...outer] = ranges as [Range, ...Range[]];
  const row_weights = Float64Array.from({ length: row.count }, (_, i) =>
    weight_at(0, (first[0] as number) + i),
  );
  const at = outer.map(() => 0);
  let from = 0;
  for (;;) {
    let weight = fixed;
    let line = row.start;
    outer.forEach(({ start, step }, i) => {
      const j = at[i] as number;
      weight *= weight_at(i + 1, (first[i + 1] as number) + j);
      line += (start + j * step) * (strides[i + 1] as number);
    });
    for (let i = 0; i < row.count; i++) {
      const element = line + i * row.step;
      const own = weight * (row_weights[i] as number);
      const sum = (weight_sums[element] as number) + own;
      weight_sums[element] = sum;
      const share = own / sum;
      for (let p = 0; p < per_element; p++) {
        const to = element * per_element + p;
        const old = values[to] as number;
        const own_value = source[from] as number;
        // the first one is taken as it is, for an infinite value has no difference to zero; what is the same is left
        // as it is, for the sake of -0
        if (share === 1) values[to] = own_value;
        else if (own_value !== old) values[to] = old + (own_value - old) * share;
        from++;
      }
    }
    let k = 0;
    for (; k < outer.length; k++) {
      at[k] = (at[k] as number) + 1;
      if ((at[k] as number) < (outer[k] as Range).count) break;
      at[k] = 0;
    }
    if (k === outer.length) return;
  }
}
