/**
 * BLOSUM62: how likely one amino acid stands in the place of another.
 *
 * Source: S. Henikoff and J. G. Henikoff, Amino acid substitution matrices from protein blocks,
 * Proc. Natl. Acad. Sci. USA 89 (1992) 10915-10919. The scores are in half bits; B (N or D),
 * Z (Q or E) and X (any) have rows of their own.
 *
 * Three letters are newer than the matrix: U (selenocysteine) is scored as C, O (pyrrolysine) as K,
 * the residues they are made from, and J (I or L) as the mean of I and L.
 *
 * Every score is kept twice its size. In these half units the mean for J is exact, and so is a gap
 * penalty of 0.5: the whole alignment is done in integers.
 */

const LETTERS = 'ARNDCQEGHILKMFPSTWYVBZX';

/** The lower triangle; row and column order is that of LETTERS. */
const TRIANGLE = `
   4
  -1  5
  -2  0  6
  -2 -2  1  6
   0 -3 -3 -3  9
  -1  1  0  0 -3  5
  -1  0  0  2 -4  2  5
   0 -2  0 -1 -3 -2 -2  6
  -2  0  1 -1 -3  0  0 -2  8
  -1 -3 -3 -3 -1 -3 -3 -4 -3  4
  -1 -2 -3 -4 -1 -2 -3 -4 -3  2  4
  -1  2  0 -1 -3  1  1 -2 -1 -3 -2  5
  -1 -1 -2 -3 -1  0 -2 -3 -2  1  2 -1  5
  -2 -3 -3 -3 -2 -3 -3 -3 -1  0  0 -3  0  6
  -1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4  7
   1 -1  1  0 -1  0  0  0 -1 -2 -2  0 -1 -2 -1  4
   0 -1  0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1  1  5
  -3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1  1 -4 -3 -2 11
  -2 -2 -2 -3 -2 -1 -2 -3  2 -1 -1 -2 -1  3 -3 -2 -2  2  7
   0 -3 -3 -3 -1 -2 -2 -3 -3  3  1 -2  1 -1 -2 -2  0 -3 -1  4
  -2 -1  3  4 -3  0  1 -1  0 -3 -4  0 -3 -3 -2  0 -1 -4 -3 -3  4
  -1  0  0  1 -3  3  4 -2  0 -3 -3  1 -1 -3 -1  0 -1 -3 -2 -2  1  4
   0 -1 -1 -1 -2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -2  0  0 -2 -1 -1 -1 -1 -1`;

/** What a newer letter stands for. */
const STANDS_FOR = new Map([
  ['U', 'C'],
  ['O', 'K'],
  ['J', 'IL'],
]);

/** Letters A to Z, of either case, as 1 to 26: their place in the alphabet. */
export function encode(sequence: string): Uint8Array {
  const codes = new Uint8Array(sequence.length);
  for (let i = 0; i < sequence.length; i++) codes[i] = sequence.charCodeAt(i) & 31;
  return codes;
}

/** Twice the score of the letters with codes `a` and `b`, at `(a << 5) | b`. */
export const BLOSUM62 = read_matrix();

function read_matrix(): Int8Array {
  const rows = TRIANGLE.trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/).map(Number));
  const score = (a: string, b: string) => {
    const [i, j] = [LETTERS.indexOf(a), LETTERS.indexOf(b)];
    return rows[Math.max(i, j)]![Math.min(i, j)]!;
  };
  const matrix = new Int8Array(32 * 32);
  for (const a of LETTERS + 'UOJ') {
    for (const b of LETTERS + 'UOJ') {
      const pairs = [...(STANDS_FOR.get(a) ?? a)].flatMap((x) =>
        [...(STANDS_FOR.get(b) ?? b)].map((y) => score(x, y)),
      );
      const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
      matrix[((a.charCodeAt(0) & 31) << 5) | (b.charCodeAt(0) & 31)] = 2 * mean;
    }
  }
  return matrix;
}
