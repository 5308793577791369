/**
 * Blocks: how the pairs of n sequences are cut into tasks, and put together again.
 *
 *            0  1  2  3  4  5
 *         0  .  a  b  b  c  c        Only the upper triangle is needed. With two sequences a side,
 *         1     .  b  b  c  c        six sequences give the blocks a to f.
 *         2        .  d  e  e
 *         3           .  e  e        A block of k x k pairs needs 2 k sequences: what has to travel
 *         4              .  f        for a pair shrinks with the side of the blocks.
 *         5                 .
 */
import type { BlockResult } from './tasks.js';

export interface Block {
  /** The sequences that this block needs, and no others. */
  sequences: string[];
  /** Its pairs, two indices into `sequences` each. */
  pairs: Uint32Array;
  /** The same pairs as indices into all sequences. */
  places: Uint32Array;
  /** The work in it: residues of one sequence times residues of the other, summed over the pairs. */
  cells: number;
}

/** What is known of all pairs; entry i * n + j is that of sequences i and j, in either order. */
export interface PairTable {
  n: number;
  scores: Float64Array;
  identical: Uint32Array;
  lengths: Uint32Array;
  /** Identical columns as a share of all columns, 0 to 1; 1 on the diagonal. */
  identity: Float64Array;
}

/** Cuts all pairs into blocks, `side` sequences a side; the blocks with the most work come first. */
export function cut_blocks(sequences: readonly string[], side: number): Block[] {
  const blocks: Block[] = [];
  for (let row = 0; row < sequences.length; row += side) {
    for (let column = row; column < sequences.length; column += side) {
      const block = cut_block(sequences, row, column, side);
      if (block.pairs.length > 0) blocks.push(block);
    }
  }
  // Long blocks first: then no slave starts on one when the others are about to finish.
  return blocks.sort((a, b) => b.cells - a.cells);
}

function cut_block(sequences: readonly string[], row: number, column: number, side: number): Block {
  const rows = range(row, Math.min(row + side, sequences.length));
  const columns = row === column ? rows : range(column, Math.min(column + side, sequences.length));
  const used = row === column ? rows : [...rows, ...columns];
  const local = new Map(used.map((place, index) => [place, index]));
  const pairs: number[] = [];
  const places: number[] = [];
  let cells = 0;
  for (const i of rows) {
    for (const j of columns) {
      if (j <= i) continue;
      pairs.push(local.get(i)!, local.get(j)!);
      places.push(i, j);
      cells += sequences[i]!.length * sequences[j]!.length;
    }
  }
  return {
    sequences: used.map((place) => sequences[place]!),
    pairs: Uint32Array.from(pairs),
    places: Uint32Array.from(places),
    cells,
  };
}

/** A table of n sequences in which only the diagonal is known. */
export function new_table(n: number): PairTable {
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  return {
    n,
    scores: new Float64Array(n * n),
    identical: new Uint32Array(n * n),
    lengths: new Uint32Array(n * n),
    identity,
  };
}

/** Enters the figures of one block. */
export function enter_block(table: PairTable, block: Block, result: BlockResult): void {
  for (let k = 0; k < result.scores.length; k++) {
    const i = block.places[2 * k]!;
    const j = block.places[2 * k + 1]!;
    for (const entry of [i * table.n + j, j * table.n + i]) {
      table.scores[entry] = result.scores[k]!;
      table.identical[entry] = result.identical[k]!;
      table.lengths[entry] = result.lengths[k]!;
      table.identity[entry] = result.identical[k]! / result.lengths[k]!;
    }
  }
}

/** The pairs of a table, i < j, in the order of the sequences. */
export function* pairs_of(n: number): Generator<[i: number, j: number]> {
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) yield [i, j];
  }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, k) => start + k);
}
