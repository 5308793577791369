/** The package as users get it: packed, installed in an empty project, used in JavaScript and TypeScript. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { test_folder } from './kit/cluster.js';

it('is installed from its tarball and runs tasks in an empty project, with types', () => {
  const folder = test_folder();
  const in_project = { cwd: folder, encoding: 'utf8' as const };
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      encoding: 'utf8',
    }),
  ) as [{ filename: string; files: { path: string }[] }];
  const outside = packed.files.filter(
    ({ path }) =>
      !/^(dist|bin|src\/watch\/dashboard\/page)\/|^(README|LICENSE|package|CHANGELOG|SECURITY)|^(src|examples|test)\/.*\.md$/.test(
        path,
      ),
  );
  expect(outside).toEqual([]);

  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', packed.filename], in_project);
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/tasks.ts'), 'export const double = (n: number): number => 2 * n;\n');
  writeFileSync(
    join(folder, 'src/main.ts'),
    `import { Job, local_slaves, tasks_from } from 'parjob';
     const { double } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));
     const job = new Job<number>(local_slaves(2));
     const queued = job.queue_task(double(21));
     const [answer]: number[] = await job.run_all_tasks();
     console.log(answer, await queued.result);
     await job.stop();`,
  );
  const options = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    strict: true,
    rootDir: 'src',
    outDir: 'dist',
  };
  const types = {
    types: ['node'],
    typeRoots: [join(process.cwd(), 'node_modules/@types')],
    skipLibCheck: false,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, ...types }, include: ['src'] }),
  );
  execFileSync(join(process.cwd(), 'node_modules/.bin/tsc'), [], in_project);
  expect(execFileSync(process.execPath, ['dist/main.js'], in_project)).toBe('42 42\n');
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['main.slave0', 'main.slave1']));
});
