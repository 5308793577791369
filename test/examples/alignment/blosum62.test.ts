import { describe, expect, it } from 'vitest';
import { BLOSUM62, encode } from '../../../examples/alignment/blosum62.js';

const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

function score(a: string, b: string): number {
  return BLOSUM62[(encode(a)[0]! << 5) | encode(b)[0]!]! / 2;
}

describe('BLOSUM62', () => {
  it.each([
    ['W', 'W', 11],
    ['C', 'C', 9],
    ['A', 'R', -1],
    ['I', 'V', 3],
    ['W', 'P', -4],
    ['D', 'B', 4],
    ['X', 'X', -1],
    ['Z', 'E', 4],
    ['V', 'Y', -1],
  ])('gives %s with %s a score of %i', (a, b, expected) => {
    expect(score(a, b)).toBe(expected);
  });

  it('is symmetric', () => {
    for (const a of ALPHABET) for (const b of ALPHABET) expect(score(a, b)).toBe(score(b, a));
  });

  it('has the sum of the published matrix', () => {
    // 20 amino acids, B, Z and X, without the stop sign.
    const letters = [...'ARNDCQEGHILKMFPSTWYVBZX'];
    const sum = letters.flatMap((a) => letters.map((b) => score(a, b))).reduce((x, y) => x + y, 0);
    expect(sum).toBe(-543);
  });

  it('takes selenocysteine for cysteine and pyrrolysine for lysine', () => {
    for (const other of ALPHABET) {
      expect(score('U', other)).toBe(score('C', other));
      expect(score('O', other)).toBe(score('K', other));
    }
  });

  it('takes J for the mean of isoleucine and leucine', () => {
    expect(score('J', 'I')).toBe(3);
    expect(score('J', 'L')).toBe(3);
    expect(score('J', 'J')).toBe(3);
    expect(score('J', 'M')).toBe(1.5);
  });

  it('does not tell upper from lower case', () => {
    expect(encode('acxz')).toEqual(encode('ACXZ'));
  });
});
