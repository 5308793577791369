import { describe, expect, it } from 'vitest';
import { difference, type ProgramSummary } from '../../src/journal/difference.js';

function summary(more: Partial<ProgramSummary> = {}): ProgramSummary {
  return { jobname: 'align', program: { main_script: 'main.js' }, functions: new Map(), ...more };
}

function functions(counts: Record<string, number>): Partial<ProgramSummary> {
  return { functions: new Map(Object.entries(counts)) };
}

describe('a status file and a program', () => {
  it.each([
    ['the same', summary(), summary()],
    ['with nothing queued yet', summary(functions({ 'needle.js#align': 100 })), summary()],
    ['with nothing recorded yet', summary(), summary(functions({ 'other.js#score': 1 }))],
    [
      'with a function in common',
      summary(functions({ 'needle.js#align': 100, 'tree.js#build': 1 })),
      summary(functions({ 'needle.js#align': 1, 'other.js#score': 1 })),
    ],
  ])('may go on: %s', (_what, recorded, present) => {
    expect(difference(recorded, present)).toBeUndefined();
  });

  it.each([
    [summary({ jobname: 'old' }), summary(), "its jobname is 'old', that of this program 'align'"],
    [
      summary({ program: { main_script: 'old.js', args: '-x' } }),
      summary(),
      "its main_script is 'old.js', that of this program 'main.js'; its args is '-x', that of this program not known",
    ],
    [
      summary({ program: {} }),
      summary({ program: { constructor: 'x' } }),
      "its constructor is not known, that of this program 'x'",
    ],
    [
      summary(functions({ 'needle.js#align': 100, 'tree.js#build': 1 })),
      summary(functions({ 'other.js#score': 1 })),
      'it holds 100 tasks of needle.js#align, 1 task of tree.js#build, this program queues other.js#score',
    ],
    [
      summary(functions({ x: 2 })),
      summary(functions({ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1 })),
      'it holds 2 tasks of x, this program queues a, b, c, d, e and 2 more',
    ],
  ])('differ, and it is said in what', (recorded, present, text) => {
    expect(difference(recorded, present)).toBe(text);
  });
});
