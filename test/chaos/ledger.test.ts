/** The ledger is read back as it was written, whatever a kill has left of its last line. */
import { describe, expect, it } from 'vitest';
import { parse_ledger } from './ledger.js';

const BEGIN = 'b 7 1 40-ab-0 1000\n';

describe('a ledger file', () => {
  it('gives each run with its end, and those without', () => {
    const runs = parse_ledger(`${BEGIN}e 7 1 40-ab-0 1500 done\nb 8 2 40-ab-1 1600\n`);
    expect(runs).toEqual([
      { task: 7, attempt: 1, run: '40-ab-0', pid: 40, began_at: 1000, ended_at: 1500, end: 'done' },
      { task: 8, attempt: 2, run: '40-ab-1', pid: 40, began_at: 1600, ended_at: undefined, end: undefined },
    ]);
  });

  it('may be empty, or end in the middle of a line', () => {
    expect(parse_ledger('')).toEqual([]);
    const torn = 'e 7 1 40-ab-0 1500 done\n';
    for (let length = 0; length < torn.length; length++)
      expect(parse_ledger(BEGIN + torn.slice(0, length))).toMatchObject([{ task: 7, end: undefined }]);
  });

  it.each([
    ['a run that began twice', BEGIN + BEGIN],
    ['an end without a begin', 'e 7 1 40-ab-0 1500 done\n'],
    ['two ends', `${BEGIN}e 7 1 40-ab-0 1500 done\ne 7 1 40-ab-0 1500 done\n`],
    ['anything else', 'hello\n'],
    ['a line in a line', `b 7 1 b 7 1 40-ab-0 1000\n`],
  ])('is refused for %s', (_what, text) => {
    expect(() => parse_ledger(text)).toThrow(/ledger: /);
  });
});
