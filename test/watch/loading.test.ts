/** What looks on costs nothing where nobody asks for it: its files, and the packages they use, are not loaded. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** All that is loaded with a file: what it imports at its top, and what that does. */
function loaded_with(file: string): { files: string[]; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string) => {
    if (files.has(path)) return;
    files.add(path);
    const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, clause = '', from, bare] of text.matchAll(
      /^(?:import|export)\b([^'";]*?)\bfrom\s*'([^']+)'|^import\s*'([^']+)'/gm,
    )) {
      const specifier = (from ?? bare) as string;
      // imports of types are gone when it runs
      if (/^\s*type\b/.test(clause)) continue;
      if (specifier.startsWith('.') && !specifier.includes('/bin/'))
        visit(join(dirname(path), specifier.replace(/\.js$/, '.ts')));
      else if (!/^node:|^\./.test(specifier)) packages.add(specifier);
    }
  };
  visit(join(SRC, file));
  return { files: [...files].map((path) => relative(SRC, path)), packages };
}

it('the front door loads nothing of this room but the word where it is', () => {
  const { files, packages } = loaded_with('index.ts');
  expect(files.filter((file) => file.startsWith('watch/'))).toEqual(['watch/register.ts']);
  expect(files.length).toBeGreaterThan(50);
  for (const name of ['fastify', 'prom-client', 'log-update', '@opentelemetry/api', 'uplot', 'lit-html'])
    expect(packages).not.toContain(name);
});

it.each(['slave/main.ts', 'slave/pulse_thread.ts'])('%s loads nothing of it', (file) => {
  const { files } = loaded_with(file);
  expect(files).toContain(file);
  expect(files.filter((each) => each.startsWith('watch/'))).toEqual([]);
});

it('the watch loads a watcher only when it is asked for', () => {
  const { files, packages } = loaded_with('watch/watch.ts');
  expect([...packages]).toEqual([]);
  expect(files).not.toContain('watch/progress.ts');
});
