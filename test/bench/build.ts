/**
 * Compiles the suite to plain JavaScript in a temporary folder, so that what is measured runs as `node script.js` does
 * for a user: a TypeScript loader in the measured processes would be started with each of them and rewrite what they run.
 *
 *     <folder>/node_modules              -> those of the repository
 *     <folder>/bench/node_modules/parjob -> the repository
 *     <folder>/bench/...                    this folder, compiled
 *     <folder>/work                         where the measured processes run and leave their files
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
export const REPOSITORY = path.resolve(SOURCE, '../..');

export interface Build {
  /** Where the compiled suite is. */
  readonly scripts: string;
  /** Where the measured processes run. */
  readonly work: string;
  remove(): Promise<void>;
}

export async function build(): Promise<Build> {
  const folder = await mkdtemp(path.join(tmpdir(), 'parjob-bench-'));
  const scripts = path.join(folder, 'bench');
  const work = path.join(folder, 'work');
  await mkdir(path.join(scripts, 'node_modules'), { recursive: true });
  await mkdir(work);
  await symlink(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  await symlink(REPOSITORY, path.join(scripts, 'node_modules', 'parjob'), 'junction');
  await writeFile(path.join(scripts, 'package.json'), '{ "type": "module" }\n');
  const files = (await readdir(SOURCE, { recursive: true })).filter((file) => !file.includes('.d.'));
  for (const file of files.filter((file) => /\.c?js$/.test(file))) {
    await cp(path.join(SOURCE, file), path.join(scripts, file));
  }
  await compile(
    files.filter((file) => file.endsWith('.ts')),
    scripts,
  );
  return { scripts, work, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

async function compile(files: readonly string[], out: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const flags = [
    '--ignoreConfig',
    '--noCheck',
    // only these files: what they import from elsewhere would be written beside its source
    '--noResolve',
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--types',
    'node',
  ];
  const folders = ['--rootDir', SOURCE, '--outDir', out];
  const sources = files.map((file) => path.join(SOURCE, file));
  await promisify(execFile)(process.execPath, [tsc, ...flags, ...folders, ...sources], { cwd: REPOSITORY });
}
