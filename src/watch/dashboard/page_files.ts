/** PageFiles: the files of the page. They need no building: ours are plain, those of libraries are as published. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../base/package_root.js';

export interface PageFile {
  content_type: string;
  content: Buffer;
}

/** From src and from dist the way is the same. */
const PAGE = fileURLToPath(new URL('src/watch/dashboard/page/', PACKAGE_ROOT));
const OURS = [
  'index.html',
  'style.css',
  'main.js',
  'overview.js',
  'stream.js',
  'slaves.js',
  'tasks.js',
  'sections.js',
  'format.js',
];
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** By the path of the request. */
export function page_files(): Map<string, PageFile> {
  const find = createRequire(import.meta.url);
  const uplot = dirname(find.resolve('uplot'));
  const lit = dirname(find.resolve('lit-html')).replace(/[\\/]node$/, '');
  const files = new Map<string, PageFile>();
  const add = (path: string, file: string) =>
    files.set(path, {
      content_type: TYPES[file.split('.').at(-1) as string] as string,
      content: readFileSync(file),
    });
  for (const name of OURS) add(`/${name}`, join(PAGE, name));
  add('/', join(PAGE, 'index.html'));
  add('/lib/uplot.js', join(uplot, 'uPlot.esm.js'));
  add('/lib/uplot.css', join(uplot, 'uPlot.min.css'));
  add('/lib/lit-html.js', join(lit, 'lit-html.js'));
  return files;
}
