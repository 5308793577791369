/** Every code block of README.md is run, and its commands exist. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { test_folder } from './kit/cluster.js';
import { Program } from './kit/processes.js';

const ROOT = process.cwd();
const README = readFileSync('README.md', 'utf8');

/** The blocks that begin with their file name, each written to a file of an empty project. */
function project_of_readme(): { folder: string; files: string[] } {
  const folder = test_folder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/parjob'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files: string[] = [];
  for (const [, code] of README.matchAll(/```(?:js|ts)\n(.*?)```/gs)) {
    const name = /^\/\/ ([\w.]+)/.exec(code as string)?.[1];
    expect(name, `a block of the README begins with its file name: ${code?.slice(0, 60)}`).toBeDefined();
    writeFileSync(join(folder, name as string), code as string);
    files.push(name as string);
  }
  return { folder, files };
}

async function run(folder: string, args: string[]): Promise<string> {
  const program = new Program(args, { cwd: folder });
  const output = await program.rest();
  expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null });
  return output;
}

describe('README.md', () => {
  const tsx = resolve(ROOT, 'node_modules/tsx/dist/cli.mjs');

  it('has the files that this test knows how to run', () => {
    expect(project_of_readme().files).toEqual([
      'primes.js',
      'main.js',
      'build_model.ts',
      'build.ts',
      'messages.js',
      'upper.js',
      'survey.js',
    ]);
  });

  it('has a first program that prints what it says', async () => {
    const { folder } = project_of_readme();
    const printed = await run(folder, ['main.js']);
    expect(README).toContain(`prints \`${printed}\``);
  });

  it('has a typed program that runs under tsx', async () => {
    const { folder } = project_of_readme();
    const printed = await run(folder, [tsx, 'build.ts']);
    for (let seed = 0; seed < 10; seed++) expect(printed).toContain(`1fdx.${seed}`);
    expect(printed).toContain("{ name: '2abx.1' }");
    expect(printed).toContain('9 1 2');
  });

  it('has a conversation that works', async () => {
    const { folder } = project_of_readme();
    expect(await run(folder, ['messages.js'])).toBe('42\n42');
  });

  it('has a serial program that runs over sections', async () => {
    const { folder } = project_of_readme();
    expect(await run(folder, ['upper.js'])).toBe('3 sections');
    expect(readFileSync(join(folder, 'upper.txt'), 'utf8')).toBe('FIG\nPEAR\nFIG\nLIME\nFIG\nPEAR\n');
  });

  it('has a run that goes on where it stood', async () => {
    const { folder } = project_of_readme();
    expect(await run(folder, ['survey.js'])).toBe('2262');
    const status_file = join(folder, 'survey.status');
    const ended = (text: string) => text.match(/"kind":"done"/g)?.length;
    expect(ended(readFileSync(status_file, 'utf8'))).toBe(20);
    expect(await run(folder, ['survey.js'])).toBe('2262');
    expect(ended(readFileSync(status_file, 'utf8')), 'no task is run again').toBe(20);
  });

  it('names only scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...README.matchAll(/npm (?:run )?(start|test|bench)/g)].map(
      ([, script]) => script as string,
    );
    expect(named.length).toBeGreaterThan(3);
    for (const script of named) expect(scripts).toHaveProperty(script);
  });

  it('links only to files that are there', () => {
    const pages = ['README.md', 'examples/README.md', 'src/README.md', 'test/bench/README.md', 'SECURITY.md'];
    pages.push(
      'src/master/MODELLER.md',
      'src/sections/SEP.md',
      'src/TROUBLESHOOTING.md',
      'src/watch/NAMES.md',
    );
    for (const page of pages) {
      for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        expect(() => readFileSync(resolve(page, '..', target as string)), `${page}: ${target}`).not.toThrow(
          /ENOENT/,
        );
      }
    }
  });

  it('lists every error code, and no other', async () => {
    const errors = await import('../src/errors.js');
    const codes: string[] = [];
    for (const value of Object.values(errors)) {
      const { code } = Reflect.construct(value as new () => { code: string }, [
        new Error(),
        Object.assign([], { slaves: [], slave: '' }),
        [],
      ]);
      if (code !== 'PARJOB_ERR') codes.push(code);
    }
    expect(new Set(codes).size).toBe(codes.length);
    const listed = [...README.matchAll(/^\| `(PARJOB_ERR_\w+)`/gm)].map(([, code]) => code);
    expect([...listed].sort()).toEqual([...codes].sort());
  });
});
