import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusFileError } from '../../src/errors.js';
import { LineFile, type Place } from '../../src/journal/line_file.js';
import { temporary_folders } from './kit.js';

const new_folder = temporary_folders();
const LONGEST = 2 ** 20;

function file_of(content: string | Uint8Array): string {
  const file = join(new_folder(), 'lines');
  writeFileSync(file, content);
  return file;
}

function read_all(file: string): { lines: string[]; good: number } {
  const lines_file = new LineFile(file, LONGEST);
  const found: { text: string; place: Place }[] = [];
  try {
    const good = lines_file.for_each((text, place, number) => {
      found.push({ text, place: { ...place } });
      expect(number).toBe(found.length);
    });
    // each is found again, in any order
    for (const { text, place } of found.toReversed()) expect(lines_file.text_at(place)).toBe(text);
    return { lines: found.map(({ text }) => text), good };
  } finally {
    lines_file.close();
  }
}

describe('a file of lines', () => {
  it('is read line by line, whatever their lengths, without the rest', () => {
    const any_line = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '').toWellFormed()),
      },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 600_000 }).map((length) => 'é'.repeat(length / 2)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(262_142, 262_143, 262_144, 262_145).map((length) => 'x'.repeat(length)),
      },
    );
    const file = file_of('');
    fc.assert(
      fc.property(fc.array(any_line, { maxLength: 12 }), any_line, (lines, rest) => {
        const whole = lines.map((line) => `${line}\n`).join('');
        writeFileSync(file, whole + rest);
        expect(read_all(file)).toEqual({ lines, good: Buffer.byteLength(whole) });
        const lines_file = new LineFile(file, LONGEST);
        expect(lines_file.first()).toBe(lines[0]);
        const last = rest === '' && Buffer.byteLength(lines.at(-1) ?? '') < 4000 ? lines.at(-1) : undefined;
        if (last !== undefined || rest !== '') expect(lines_file.last()).toBe(last);
        lines_file.close();
      }),
      { numRuns: 60 },
    );
  });

  it('is read as long as it was when it was opened', () => {
    const file = file_of('one\ntwo\n');
    const lines_file = new LineFile(file, LONGEST);
    appendFileSync(file, 'three\n');
    const lines: string[] = [];
    expect(lines_file.for_each((text) => lines.push(text))).toBe(8);
    expect(lines).toEqual(['one', 'two']);
    expect(lines_file.last()).toBe('two');
    lines_file.close();
  });

  it('has no line that is too long: the longest may have as many bytes as the limit, with its newline', () => {
    const limit = (length: number) => file_of(`a\n${'x'.repeat(length)}\nb\n`);
    expect(read_all(limit(LONGEST - 1)).lines).toHaveLength(3);
    expect(() => read_all(limit(LONGEST))).toThrow(/line 2 of .* is longer than 1048576 bytes/);
    expect(() => read_all(file_of(`a\n${'x'.repeat(5 * LONGEST)}`))).toThrow(/line 2/);
  });

  it('has become shorter: that is an error, not a line', () => {
    const file = file_of('one\ntwo\n');
    const lines_file = new LineFile(file, LONGEST);
    writeFileSync(file, 'on');
    expect(() => lines_file.text_at({ offset: 4, length: 3 })).toThrow(StatusFileError);
    lines_file.close();
  });

  it.skipIf(process.platform === 'win32')(
    'is a file: a pipe, which might block for ever, is not opened',
    () => {
      const pipe = join(new_folder(), 'pipe');
      execFileSync('sh', ['-c', 'exec "$0" "$1"', 'mkfifo', pipe]);
      expect(() => new LineFile(pipe, LONGEST)).toThrow(/is not a file/);
    },
  );
});
