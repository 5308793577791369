/** The programs on a page: code blocks whose first line is a comment with the name of their file. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Block {
  /** `main.ts` */
  name: string;
  code: string;
}

/** The blocks of JavaScript and TypeScript on a page. @throws Error when one has no name */
function blocks_of(page: string): Block[] {
  return [...readFileSync(page, 'utf8').matchAll(/```[jt]s\n(.*?)```/gs)].map(([, code = '']) => {
    const name = /^\/\/ ([\w./]+\.[jt]s)\b/.exec(code)?.[1];
    if (name === undefined)
      throw new Error(`${page}: a block of code begins with the name of its file, got ${code.slice(0, 60)}`);
    return { name, code };
  });
}

/** Writes the blocks of a page into a project of their own, in which parjob is installed. */
export function write_project(folder: string, page: string): Block[] {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(process.cwd(), join(folder, 'node_modules/parjob'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const blocks = blocks_of(page);
  for (const { name, code } of blocks) writeFileSync(join(folder, name), code);
  return blocks;
}
