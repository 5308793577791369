import { describe, expect, it } from 'vitest';
import { Claims } from '../../src/slave/claims.js';

/** More than there are slots. */
const MANY = 10_000;

describe('a task', () => {
  it('is claimed once', () => {
    const claims = new Claims();
    expect([claims.claim(0), claims.claim(0)]).toEqual([true, false]);
  });

  it('that was taken back cannot be claimed', () => {
    const claims = new Claims();
    expect(claims.take_back(3, 5)).toBe(3);
    expect([2, 3, 4, 5].map((seq) => claims.claim(seq))).toEqual([true, false, false, true]);
  });

  it('that was claimed cannot be taken back, nor those before it', () => {
    const claims = new Claims();
    claims.claim(0);
    claims.claim(1);
    expect(claims.take_back(0, 4)).toBe(2);
    expect(claims.take_back(0, 2)).toBe(2);
  });

  it('that was taken back before does not hide those before it', () => {
    const claims = new Claims();
    claims.claim(0);
    expect(claims.take_back(4, 6)).toBe(4);
    expect(claims.take_back(2, 6)).toBe(2);
    expect([1, 2, 3].map((seq) => claims.claim(seq))).toEqual([true, false, false]);
  });

  it('finds a slot however many there were before it', () => {
    const claims = new Claims();
    const claimed = Array.from({ length: MANY }, (_, seq) => claims.claim(seq));
    expect(claimed).not.toContain(false);
    expect(claims.take_back(MANY, MANY + 3)).toBe(MANY);
    expect(claims.claim(MANY)).toBe(false);
    expect(claims.claim(MANY - 1)).toBe(false);
  });
});

it('both threads see the same claims, in memory that they share', () => {
  const main = new Claims();
  const pulse = new Claims(main.buffer);
  main.claim(0);
  expect(pulse.take_back(0, 3)).toBe(1);
  expect(main.claim(1)).toBe(false);
  expect(main.claim(3)).toBe(true);
});

it('gives back nothing when nothing was asked for', () => {
  expect(new Claims().take_back(5, 5)).toBe(5);
});
