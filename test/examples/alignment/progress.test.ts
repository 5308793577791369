import { describe, expect, it } from 'vitest';
import { Progress } from '../../../examples/alignment/progress.js';

const ERASE_LINE = '\r\u001b[K';

function fake_terminal(is_tty: boolean) {
  const written: string[] = [];
  return { isTTY: is_tty, written, write: (text: string) => written.push(text) };
}

describe('progress', () => {
  it('redraws one line on a terminal, and takes it away at the end', () => {
    const terminal = fake_terminal(true);
    const progress = new Progress('2 slaves', 8, terminal);
    progress.advance(2);
    progress.finish();
    expect(terminal.written[0]!.startsWith(ERASE_LINE)).toBe(true);
    expect(terminal.written[0]).toMatch(/2 slaves █{6}░{18} 25%, \d+ s left$/);
    expect(terminal.written.at(-1)).toBe(ERASE_LINE);
    expect(terminal.written.join('')).not.toContain('\n');
  });

  it('does not redraw for every small step', () => {
    const terminal = fake_terminal(true);
    const progress = new Progress('2 slaves', 1e6, terminal);
    for (let k = 0; k < 1000; k++) progress.advance(1);
    expect(terminal.written.length).toBeLessThan(20);
  });

  it('writes a line a quarter into a file, and no control characters', () => {
    const terminal = fake_terminal(false);
    const progress = new Progress('2 slaves', 100, terminal);
    for (let k = 0; k < 100; k++) progress.advance(1);
    progress.finish();
    expect(terminal.written.map((line) => line.replace(/[\d.]+ s$/m, 'T s'))).toEqual([
      '2 slaves 25%, T s\n',
      '2 slaves 50%, T s\n',
      '2 slaves 75%, T s\n',
      '2 slaves 100%, T s\n',
    ]);
  });
});
