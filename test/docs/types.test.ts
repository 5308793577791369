/** The programs on our pages have no error of types, against the source as it stands. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { write_project } from './blocks.js';

const PAGES = { readme: 'README.md', modeller: 'src/master/MODELLER.md', sep: 'src/sections/SEP.md' };

const folder = mkdtempSync(join(tmpdir(), 'parjob-pages-'));
/** What the compiler says of our files: `readme/build.ts(3,1): error ...` */
let errors: string[];

// one run of the compiler for all pages: it reads the whole source
beforeAll(() => {
  for (const [name, page] of Object.entries(PAGES)) {
    mkdirSync(join(folder, name));
    write_project(join(folder, name), page);
  }
  mkdirSync(join(folder, 'wrong'));
  writeFileSync(join(folder, 'wrong/main.mts'), "import { Job } from 'parjob';\nnew Job(3);\n");
  const root = process.cwd();
  const tsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: '/',
      noEmit: true,
      declaration: false,
      allowJs: true,
      checkJs: false,
      // the source, not what was built of it last
      paths: { parjob: [join(root, 'src/index.ts')] },
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [folder, join(root, 'src/base/es2024.d.ts')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { stdout } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
  errors = stdout.split('\n').filter((line) => /^\w+\/.*: error TS/.test(line));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(Object.keys(PAGES))('the programs of page %s have no error of types', (name) => {
  expect(errors.filter((line) => line.startsWith(`${name}/`))).toEqual([]);
});

it('an error of types is found', () => {
  const found = errors.filter((line) => line.startsWith('wrong/'));
  expect(found).toEqual([expect.stringMatching(/^wrong\/main\.mts\(2,9\): error TS2345/)]);
});
