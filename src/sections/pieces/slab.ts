/**
 * Slab: a part of an array, a range along each axis, as runs of bytes. What is contiguous is one run, and runs at
 * equal distances are one level:
 *
 *     array of 4 x 3 x 2, all of axis 1, the middle of axis 2        ....====....  ....====....
 *     first 4, run 4 (elements), levels: 2 runs at a distance of 12
 *
 * Nothing here knows of files; see reader.ts and merge.ts for who reads and writes them.
 */
import type { Range } from './ranges.js';

/** So many runs, one every `stride` bytes. */
export interface Level {
  readonly stride: number;
  readonly count: number;
}

export interface Runs {
  /** Where the first run begins, bytes from the start of the array. */
  readonly first: number;
  /** Length of each run, bytes. */
  readonly run: number;
  /** Runs within runs, the closest first. */
  readonly levels: readonly Level[];
}

/** The runs of `slab` in an array of `shape`, the first axis the fastest. Of an empty slab the run has no bytes. */
export function runs_of(shape: readonly number[], slab: readonly Range[], element_bytes: number): Runs {
  if (slab.some(({ count }) => count === 0)) return { first: 0, run: 0, levels: [] };
  let first = 0;
  let run = element_bytes;
  let unit = element_bytes;
  const levels: Level[] = [];
  slab.forEach(({ start, step, count }, k) => {
    first += start * unit;
    const stride = step * unit;
    const inner = levels.at(-1);
    if (inner === undefined && (stride === run || count === 1)) {
      // it follows on the run directly
      run *= count;
    } else if (inner !== undefined && stride === inner.stride * inner.count) {
      levels[levels.length - 1] = { stride: inner.stride, count: inner.count * count };
    } else if (count > 1) {
      levels.push({ stride, count });
    }
    unit *= shape[k] as number;
  });
  return { first, run, levels };
}

/** All bytes of the runs together. */
export function runs_bytes({ run, levels }: Runs): number {
  return levels.reduce((bytes, { count }) => bytes * count, run);
}

/** Bytes from the first one of the first run to the last one of the last run, of the inner levels only. */
export function extent_of(run: number, levels: readonly Level[]): number {
  return levels.reduce((extent, { stride, count }) => extent + stride * (count - 1), run);
}

/** The offsets that the levels make, relative to that of the first, in order. */
export function* offsets_of(levels: readonly Level[]): Generator<number, void, undefined> {
  const at = levels.map(() => 0);
  let offset = 0;
  for (;;) {
    yield offset;
    let k = 0;
    for (; k < levels.length; k++) {
      const { stride, count } = levels[k] as Level;
      at[k] = (at[k] as number) + 1;
      offset += stride;
      if ((at[k] as number) < count) break;
      offset -= stride * count;
      at[k] = 0;
    }
    if (k === levels.length) return;
  }
}

/** From this length on, a run is copied by the machine's own copy; below, the call would cost more than it saves. */
const LONG_RUN = 64;

/**
 * Copies `count` runs. In the source one begins every `from_stride` bytes, in the target every `to_stride`.
 * The memory of both has to begin on a multiple of 4.
 */
export function copy_runs(
  source: Uint8Array,
  from: number,
  from_stride: number,
  target: Uint8Array,
  to: number,
  to_stride: number,
  run: number,
  count: number,
): void {
  if (run >= LONG_RUN) {
    for (let i = 0; i < count; i++) {
      const at = from + i * from_stride;
      target.set(source.subarray(at, at + run), to + i * to_stride);
    }
    return;
  }
  if (((run | from | to | from_stride | to_stride | source.byteOffset | target.byteOffset) & 3) === 0) {
    copy_words(
      words(source),
      from / 4,
      from_stride / 4,
      words(target),
      to / 4,
      to_stride / 4,
      run / 4,
      count,
    );
  } else {
    copy_words(source, from, from_stride, target, to, to_stride, run, count);
  }
}

function copy_words<T extends Uint8Array | Uint32Array>(
  source: T,
  from: number,
  from_stride: number,
  target: T,
  to: number,
  to_stride: number,
  run: number,
  count: number,
): void {
  let s = from;
  let t = to;
  for (let i = 0; i < count; i++, s += from_stride, t += to_stride) {
    for (let j = 0; j < run; j++) target[t + j] = source[s + j] as number;
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}
