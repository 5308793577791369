/** Holds the page on troubleshooting and the errors together: every code, cause, problem and kind of loss stands there, and no other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PAGE = readFileSync('src/TROUBLESHOOTING.md', 'utf8');
const ERRORS = readFileSync('src/errors.ts', 'utf8');
const SOURCES = (readdirSync('src', { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('src', file), 'utf8'))
  .join('\n');

/** The text of the section with that heading. */
function section(title: string): string {
  const [, text] = PAGE.split(new RegExp(`^## ${title}$`, 'm'));
  expect(text, `the page has a section '${title}'`).toBeDefined();
  return (text as string).split(/^## /m)[0] as string;
}

function headings(text: string): string[] {
  return [...text.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading as string);
}

/** What stands in the first column of a table there, as code. */
function rows(text: string): string[] {
  return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, word]) => word as string);
}

/** The words of a union in errors.ts. */
function words_of(union: string): string[] {
  const [, text] = new RegExp(`^export type ${union} =\\n(.*?);$`, 'ms').exec(ERRORS) ?? [];
  const words = [...(text ?? '').matchAll(/^ {2}\| '(\w+)'/gm)].map(([, word]) => word as string);
  expect(words.length, `errors.ts has the words of ${union}`).toBeGreaterThan(3);
  return words;
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

describe('TROUBLESHOOTING.md', () => {
  it('has a heading for every error code, and for no other', () => {
    const codes = [...SOURCES.matchAll(/readonly code = '(PARJOB_ERR_\w+)'/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(10);
    expect(headings(section('By error code')).sort()).toEqual(codes.sort());
  });

  it('has a heading for every cause of a launch that failed, and for no other', () => {
    expect(headings(section('Slaves that do not start')).sort()).toEqual(words_of('LaunchCause').sort());
  });

  it('has a row for every kind of loss, and for no other', () => {
    expect(rows(section('Slaves that are lost')).sort()).toEqual(words_of('LossKind').sort());
  });

  it('has a row for every problem of a status file, and for no other', () => {
    expect(rows(section('The status file')).sort()).toEqual(words_of('StatusFileProblem').sort());
  });

  it('says something of each', () => {
    for (const part of PAGE.split(/^### /m).slice(1)) {
      const [heading, ...text] = part.split('\n');
      expect(text.join(' ').length, heading).toBeGreaterThan(80);
    }
  });

  it('names only options, fields and functions that there are', () => {
    const names = [...PAGE.matchAll(/`[^`\n]+`/g)]
      .flatMap(([code]) => [...code.matchAll(/(?<![\w/'-])[a-z]+(?:_[a-z]+)+(?![\w-])/g)])
      .map(([name]) => name)
      .filter((name) => name !== 'node_modules');
    expect(names.length).toBeGreaterThan(50);
    const missing = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(SOURCES));
    expect(missing).toEqual([]);
  });

  it('quotes only what parjob says', () => {
    // one message may stand on two lines of the source
    const said = SOURCES.replace(/['`] \+\s*['`]/g, '');
    const quoted = [...section('By error code').matchAll(/^- `([^`]+ [^`]+)`/gm)].map(
      ([, text]) => text as string,
    );
    expect(quoted.length).toBeGreaterThan(5);
    const never_said = quoted.filter((text) => text.split(/ ?\.\.\. ?/).some((part) => !said.includes(part)));
    expect(never_said).toEqual([]);
  });

  it('has no link that leads nowhere', () => {
    const anchors = new Set(
      [...PAGE.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading as string)),
    );
    const links = [...PAGE.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target]) => target as string);
    expect(links.length).toBeGreaterThan(15);
    const dead = links.filter((target) =>
      target.startsWith('#') ? !anchors.has(target.slice(1)) : !existsSync(resolve('src', target)),
    );
    expect(dead).toEqual([]);
  });
});
