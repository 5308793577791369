import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote, quote_all } from '../../src/launch/quote.js';

/** What a shell makes of the words of `text`. */
function words_of(shell: readonly string[], text: string): string[] {
  const [file, ...args] = shell as [string, ...string[]];
  const script = `for word in ${text}; do printf '%s\\0' "$word"; done`;
  return execFileSync(file, [...args, '-c', script], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

/** Any text that can be an argument, with all that shells care for in it often. */
const word = fc
  .array(
    fc.oneof(
      fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~=%^ \t\n\r-`.split(''), "'\\''", '$(id)', 'ä', '🙂', '--'),
      fc.string({ unit: 'grapheme' }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join('').replaceAll('\0', ''));

describe('a word that is quoted', () => {
  it.each([['/bin/sh'], ['bash']])('comes through %s as it was, whatever is in it', (shell) => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 50 }), (words) => {
        expect(words_of([shell], quote_all(words))).toEqual(words);
      }),
      { numRuns: 100 },
    );
  });

  it('comes through two shells, one in the other, when it is quoted twice', () => {
    fc.assert(
      fc.property(word, (text) => {
        const inner = `printf %s ${quote(text)}`;
        expect(execFileSync('/bin/sh', ['-c', `/bin/sh -c ${quote(inner)}`], { encoding: 'utf8' })).toBe(
          text,
        );
      }),
      { numRuns: 50 },
    );
  });

  it.skipIf(!existsSync('/bin/csh'))('comes through csh too, if it is one line', () => {
    for (const text of ["it's", 'a b', '$HOME', '`id`', '"', '\\', '*', '~'])
      expect(
        execFileSync('/bin/csh', ['-fc', `/usr/bin/printf %s ${quote(text)}`], { encoding: 'utf8' }),
      ).toBe(text);
  });

  it('is left alone when no shell cares for it', () => {
    expect(quote('/usr/bin/node')).toBe('/usr/bin/node');
    expect(quote('--connect=tls://a.b:40,[x]')).toBe("'--connect=tls://a.b:40,[x]'");
    expect(quote('')).toBe("''");
    expect(quote("it's")).toBe("'it'\\''s'");
  });
});
