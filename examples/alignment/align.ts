/**
 * Alignment of two proteins over their whole length: Needleman and Wunsch with affine gaps, scored
 * as EMBOSS needle does by default (BLOSUM62, a gap of k residues costs 10 + 0.5 (k - 1), gaps at
 * either end are free).
 *
 * The recurrences are those of O. Gotoh, J. Mol. Biol. 162 (1982) 705-708. For the first i residues
 * of a and the first j of b, the best score of an alignment that ends with
 *
 *     a[i] over b[j]   M(i,j) = H(i-1,j-1) + s(a[i], b[j])
 *     a gap in a       X(i,j) = max(W(i,j-1) - open, X(i,j-1) - extend)
 *     a gap in b       Y(i,j) = max(H(i-1,j) - open, Y(i-1,j) - extend)
 *
 *     W = max(M, Y)    H = max(W, X)    H(i,0) = H(0,j) = 0
 *
 * where open and extend are 0 for X in the last row and for Y in the last column. The score is H in
 * the last corner. Opening X from W and not from H changes no value, since X after X is better
 * extended; but then X is all that one cell has to wait for in the cell before it.
 *
 * Among alignments of equal score the trace back takes needle's: a match before a gap in a before a
 * gap in b, and a longer gap before a new one.
 *
 * needle 6.6.0 misses the best score in three corners, where we do not follow it: it lets no free
 * gap at the end follow a gap in the other sequence (at the start it does), it charges the end gaps
 * of a sequence of one residue, and it may walk out too early of a gap right after the first residue.
 */
import { BLOSUM62, encode } from './blosum62.js';

export interface Alignment {
  score: number;
  /** Columns in which both residues are the same letter. */
  identical: number;
  /** All columns, those of gaps at the ends too. */
  length: number;
}

// All scores are in half units, see blosum62.ts.
const OPEN = 20;
const EXTEND = 1;
/** Below any score that can occur, and far enough from the end of 32 bits. */
const NEVER = -(2 ** 30);

// What one byte of `trace` says of its cell. Only the lower two bits are also states of trace_back.
const MATCH = 0;
const GAP_IN_A = 1; // X is best here
const GAP_IN_B = 2; // Y is better than M; GAP_IN_A goes before
const OPENS_GAP_IN_A = 4; // X came from W, not from X
const OPENS_GAP_IN_B = 8; // Y came from H, not from Y

// Working space, kept from one alignment to the next and grown as needed.
let above_h = new Int32Array(0); // H of the row above, overwritten from the left by this row's
let above_y = new Int32Array(0); // and Y
let trace = new Uint8Array(0);

/** Aligns two sequences of letters. */
export function align(a: string, b: string): Alignment {
  return align_codes(encode(a), encode(b));
}

/** Aligns two sequences that `encode` has made. */
export function align_codes(a: Uint8Array, b: Uint8Array): Alignment {
  reserve(a.length, b.length);
  const score = fill(a, b) / 2;
  return { score, ...trace_back(a, b) };
}

function reserve(rows: number, columns: number): void {
  if (above_h.length < columns) {
    above_h = new Int32Array(columns);
    above_y = new Int32Array(columns);
  }
  if (trace.length < rows * columns) trace = new Uint8Array(rows * columns);
}

/**
 * Fills `trace` row by row and returns the score in half units.
 *
 * The branches of a plain max() would be taken at random and cost more than all the arithmetic, so
 * there are none: for small integers, max(p, q) is p - (d & (d >> 31)) with d = p - q, and d >> 31
 * is all ones just when q is the larger.
 */
function fill(a: Uint8Array, b: Uint8Array): number {
  const rows = a.length;
  const columns = b.length;
  // Locals, because a module variable may change at any call and is read again each time.
  const [h, y, cells, scores] = [above_h, above_y, trace, BLOSUM62];
  h.fill(0, 0, columns);
  y.fill(NEVER, 0, columns);

  let here_h = 0;
  for (let i = 0, cell = 0; i < rows; i++) {
    const is_last_row = i === rows - 1;
    const x_open = is_last_row ? 0 : OPEN;
    const x_extend = is_last_row ? 0 : EXTEND;
    const row_of_scores = a[i]! << 5;
    let diagonal_h = 0;
    let w = 0;
    let x = NEVER;
    let j = 0;
    // Twice round: all columns but the last, then the last, where gaps in b are free.
    for (let end = columns - 1, y_open = OPEN, y_extend = EXTEND; end <= columns; end++) {
      for (; j < end; j++, cell++) {
        let flags = 0;

        const left_x = (x - x_extend) | 0;
        const dx = (left_x - w + x_open) | 0;
        x = (left_x - (dx & (dx >> 31))) | 0;
        flags = (dx >> 31) & OPENS_GAP_IN_A;

        const up_h = h[j]!;
        const up_y = (y[j]! - y_extend) | 0;
        const dy = (up_y - up_h + y_open) | 0;
        const here_y = (up_y - (dy & (dy >> 31))) | 0;
        flags |= (dy >> 31) & OPENS_GAP_IN_B;

        const match = (diagonal_h + scores[row_of_scores | b[j]!]!) | 0;
        const dw = (match - here_y) | 0;
        const y_wins = dw >> 31;
        w = (match - (dw & y_wins)) | 0;
        flags |= y_wins & GAP_IN_B;

        // Equal to Y, X goes first; equal to M it does not: hence `+ y_wins`, which is -1 or 0.
        const dh = (w - x) | 0;
        const x_wins = (dh + y_wins) >> 31;
        here_h = (w - (dh & x_wins)) | 0;
        flags |= x_wins & GAP_IN_A;

        diagonal_h = up_h;
        h[j] = here_h;
        y[j] = here_y;
        cells[cell] = flags;
      }
      y_open = 0;
      y_extend = 0;
    }
  }
  return here_h;
}

/** Walks from the last corner to the first row or column, and counts. */
function trace_back(a: Uint8Array, b: Uint8Array): { identical: number; length: number } {
  let i = a.length - 1;
  let j = b.length - 1;
  let identical = 0;
  let length = 0;
  let state = MATCH;
  for (; i >= 0 && j >= 0; length++) {
    const flags = trace[i * b.length + j]!;
    if (state === MATCH) state = flags & GAP_IN_A || flags & GAP_IN_B;
    if (state === GAP_IN_A) {
      j--;
      if (flags & OPENS_GAP_IN_A) state = MATCH;
    } else if (state === GAP_IN_B) {
      i--;
      if (flags & OPENS_GAP_IN_B) state = MATCH;
    } else {
      if (a[i] === b[j]) identical++;
      i--;
      j--;
    }
  }
  return { identical, length: length + (i + 1) + (j + 1) };
}
