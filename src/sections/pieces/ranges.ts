/**
 * Ranges: which elements of an axis a section holds, and with which weight where sections overlap.
 *
 *     n = 10, 3 sections       block                spread             block, noverlap = 1
 *                              0123 | 456 | 789     0369 | 147 | 258   01234 | 34567 | 6789
 *
 * Nothing here knows of files.
 */

/** Elements `start`, `start + step`, ... of an axis, `count` of them. */
export interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** How the elements of an axis go to sections: neighbours together, or dealt out in turn. */
export type Pattern = 'block' | 'spread';

/** The ranges of `nblock` sections of an axis of `n`. Of n = q * nblock + r, the first r have one more than q. */
export function split_axis(n: number, nblock: number, pattern: Pattern, noverlap = 0): Range[] {
  const quotient = Math.floor(n / nblock);
  const rest = n % nblock;
  return Array.from({ length: nblock }, (_, i) => {
    const count = quotient + (i < rest ? 1 : 0);
    if (pattern === 'spread') return { start: i, step: nblock, count };
    const start = i * quotient + Math.min(i, rest);
    const from = Math.max(0, start - noverlap);
    return { start: from, step: 1, count: Math.min(n, start + count + noverlap) - from };
  });
}

/**
 * The axis that sections of these lengths make up when they are joined: its length, and where each section goes.
 * @returns undefined when no axis splits in such lengths
 */
export function join_axis(
  lengths: readonly number[],
  pattern: Pattern,
  noverlap = 0,
): { n: number; ranges: Range[] } | undefined {
  const nblock = lengths.length;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (pattern === 'spread') {
    const ranges = split_axis(total, nblock, 'spread');
    return ranges.every(({ count }, i) => count === lengths[i]) ? { n: total, ranges } : undefined;
  }
  if (noverlap > 0) {
    const clipped = find_clipped(lengths, noverlap);
    if (clipped !== undefined) return clipped;
  }
  // lengths that no plan of ours gives, as those of a program that chose its own blocks
  let end = 0;
  const ranges = lengths.map((count, i) => {
    const start = i === 0 ? 0 : end - 2 * noverlap;
    end = start + count;
    return { start, step: 1, count };
  });
  const is_possible = nblock === 1 || lengths.every((length) => length >= 2 * noverlap);
  return is_possible ? { n: end, ranges } : undefined;
}

/** The axis whose blocks with that overlap have these lengths, even where they were clipped at its ends. */
function find_clipped(
  lengths: readonly number[],
  noverlap: number,
): { n: number; ranges: Range[] } | undefined {
  const nblock = lengths.length;
  const first = lengths[0] as number;
  // the first block is the longest, ceil(n / nblock), and has an overlap on one side, or it is the whole axis
  const last_n = (first - noverlap) * nblock;
  const candidates = [first, ...Array.from({ length: nblock }, (_, i) => last_n - i)];
  for (const n of candidates) {
    if (n < nblock) continue;
    const ranges = split_axis(n, nblock, 'block', noverlap);
    if (ranges.every(({ count }, i) => count === lengths[i])) return { n, ranges };
  }
  return undefined;
}

/**
 * Weights of overlapping blocks, for each block one number an element: at every element of the axis they sum to one,
 * and they rise from the edge of a block inwards. Where two blocks share 2v elements, that of the one that begins is
 * 1, 2, ... 2v over 2v + 1.
 */
export function weights_of(n: number, ranges: readonly Range[], noverlap: number): Float64Array[] {
  const width = 2 * noverlap + 1;
  const ramps = ranges.map(({ start, count }) =>
    Float64Array.from({ length: count }, (_, i) => {
      // there is nothing to blend with beyond the ends of the axis
      const from_left = start === 0 ? width : i + 1;
      const from_right = start + count === n ? width : count - i;
      return Math.min(from_left, from_right, width) / width;
    }),
  );
  const sums = new Float64Array(n);
  ranges.forEach(({ start }, b) => {
    ramps[b]?.forEach((ramp, i) => {
      sums[start + i] = (sums[start + i] as number) + ramp;
    });
  });
  return ramps.map((ramp, b) => ramp.map((r, i) => r / (sums[(ranges[b] as Range).start + i] as number)));
}
