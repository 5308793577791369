import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align } from '../../../examples/alignment/align.js';
import { BLOSUM62, encode } from '../../../examples/alignment/blosum62.js';
import { parse_fasta } from '../../../examples/alignment/fasta.js';

const DATA = new URL('../../../examples/alignment/data/', import.meta.url);

/** Few letters, so that matches, ties and gaps are frequent; W makes gaps worth their price. */
const protein = (min: number, max: number) =>
  fc
    .array(fc.constantFrom(...'WDLAC'), { minLength: min, maxLength: max })
    .map((letters) => letters.join(''));

function pair_score(a: string, b: string): number {
  return BLOSUM62[(encode(a)[0]! << 5) | encode(b)[0]!]! / 2;
}

function gap_cost(length: number): number {
  return 10 + 0.5 * (length - 1);
}

/** The score by trying every gap length at every place, in the way of Waterman, Smith and Beyer (1976). */
function score_by_all_gaps(a: string, b: string): number {
  const best = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      let value = best[i - 1]![j - 1]! + pair_score(a[i - 1]!, b[j - 1]!);
      for (let k = 1; k <= i; k++)
        value = Math.max(value, best[i - k]![j]! - (j === b.length ? 0 : gap_cost(k)));
      for (let k = 1; k <= j; k++)
        value = Math.max(value, best[i]![j - k]! - (i === a.length ? 0 : gap_cost(k)));
      best[i]![j] = value;
    }
  }
  return best[a.length]![b.length]!;
}

/** Every alignment of two short sequences, as strings of M (match), X (gap in a) and Y (gap in b). */
function* every_alignment(m: number, n: number): Generator<string> {
  if (m === 0 && n === 0) yield '';
  if (m > 0 && n > 0) for (const rest of every_alignment(m - 1, n - 1)) yield `M${rest}`;
  if (n > 0) for (const rest of every_alignment(m, n - 1)) yield `X${rest}`;
  if (m > 0) for (const rest of every_alignment(m - 1, n)) yield `Y${rest}`;
}

/** Score and counts of one alignment, column by column. */
function judge(path: string, a: string, b: string): { score: number; identical: number; length: number } {
  let [i, j, score, identical] = [0, 0, 0, 0];
  for (const [run] of path.matchAll(/M|X+|Y+/g)) {
    const at_an_end = (i === 0 && j === 0) || i + j + run.length === a.length + b.length;
    if (run === 'M') {
      score += pair_score(a[i]!, b[j]!);
      if (a[i] === b[j]) identical++;
      i++;
      j++;
    } else {
      if (!at_an_end) score -= gap_cost(run.length);
      if (run.startsWith('X')) j += run.length;
      else i += run.length;
    }
  }
  return { score, identical, length: path.length };
}

describe('the score', () => {
  it('is the best over all gap lengths at all places', () => {
    fc.assert(
      fc.property(protein(1, 24), protein(1, 24), (a, b) => {
        expect(align(a, b).score).toBe(score_by_all_gaps(a, b));
      }),
      { numRuns: 500 },
    );
  });

  it('is the same in either order', () => {
    fc.assert(
      fc.property(protein(1, 40), protein(1, 40), (a, b) => {
        expect(align(a, b).score).toBe(align(b, a).score);
      }),
    );
  });

  it('is the same from either end', () => {
    const reverse = (text: string) => [...text].reverse().join('');
    fc.assert(
      fc.property(protein(1, 40), protein(1, 40), (a, b) => {
        expect(align(reverse(a), reverse(b)).score).toBe(align(a, b).score);
      }),
    );
  });

  it('does not depend on what was aligned before', () => {
    const alone = align('WDLAW', 'WLAW');
    align('W'.repeat(300), 'D'.repeat(200));
    expect(align('WDLAW', 'WLAW')).toEqual(alone);
  });
});

describe('identical columns and length', () => {
  it('are those of an alignment with the best score, by trying all alignments', () => {
    fc.assert(
      fc.property(protein(1, 5), protein(1, 5), (a, b) => {
        const judged = [...every_alignment(a.length, b.length)].map((path) => judge(path, a, b));
        const best = Math.max(...judged.map(({ score }) => score));
        expect(judged.filter(({ score }) => score === best)).toContainEqual(align(a, b));
      }),
      { numRuns: 300 },
    );
  });

  it('count all columns of a sequence with itself', () => {
    expect(align('MKVLAW', 'mkvlaw')).toEqual({ score: 33, identical: 6, length: 6 });
  });

  it('count free gaps at the ends as columns', () => {
    expect(align('WWWW', 'DDWWWWDDD')).toEqual({ score: 44, identical: 4, length: 9 });
  });

  it('stay right for sequences that share nothing: one after the other', () => {
    expect(align('WWW', 'DDD')).toEqual({ score: 0, identical: 0, length: 6 });
  });

  it('are well defined for an empty sequence', () => {
    expect(align('', 'WWW')).toEqual({ score: 0, identical: 0, length: 3 });
    expect(align('WWW', '')).toEqual({ score: 0, identical: 0, length: 3 });
  });
});

describe('against EMBOSS needle', () => {
  const sequences = new Map<string, string>();
  for (const file of ['globins45.fa', 'swissprot100.fa']) {
    const records = parse_fasta(readFileSync(new URL(file, DATA), 'utf8'), file);
    for (const { name, sequence } of records) sequences.set(`${file} ${name}`, sequence);
  }
  const between = (file: string, a: string, b: string) =>
    align(sequences.get(`${file} ${a}`)!, sequences.get(`${file} ${b}`)!);

  const [, ...rows] = readFileSync(new URL('./expected_needle.tsv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string, string, string, string, string]);

  it.each(rows)(
    '%s: %s and %s have score %s, %s identical of %s columns',
    (file, a, b, score, identical, length) => {
      const expected = { score: Number(score), identical: Number(identical), length: Number(length) };
      expect(between(file, a, b)).toEqual(expected);
    },
  );

  it('finds the better alignment where needle 6.6.0 lets no free end gap follow a gap in the other sequence', () => {
    // needle: 17.5, 39 identical of 431. Biopython 1.88, PairwiseAligner with the same scores: 18.
    expect(between('swissprot100.fa', 'ARF3_HUMAN', 'FOS_TAKRU')).toEqual({
      score: 18,
      identical: 40,
      length: 439,
    });
    // The same in small: needle scores the first 26, and its mirror image 29.5.
    expect(align('WWWWDDDDDDDDDD', 'WWWWLLLLLLLLLL').score).toBe(29.5);
    expect(align('DDDDDDDDDDWWWW', 'LLLLLLLLLLWWWW').score).toBe(29.5);
  });
});
