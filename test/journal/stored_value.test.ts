import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskLine } from '../../src/journal/line.js';
import type { StoredValue } from '../../src/journal/record.js';
import { SideFolder } from '../../src/journal/side_folder.js';
import { type SideFile, stored_value, value_text } from '../../src/journal/stored_value.js';
import { temporary_folders } from './kit.js';

const new_folder = temporary_folders();
const LIMIT = 64;

/** A line with `value`, as it is read back, and the files that were written for it. */
function line_with(value: StoredValue, folder: SideFolder): { line: TaskLine; files: SideFile[] } {
  const files: SideFile[] = [];
  const text = value_text(value, LIMIT, (pieces) => {
    files.push({ name: `7-0123abcd-${files.length}.bin`, pieces });
    return `7-0123abcd-${files.length - 1}.bin`;
  });
  for (const file of files) folder.write(file.name, file.pieces, true);
  return { line: JSON.parse(`{"kind":"done"${text}}`) as TaskLine, files };
}

function side_folder(): SideFolder {
  return new SideFolder(join(new_folder(), 'x.status'), 'x.d');
}

describe('a value', () => {
  it('comes back as it was, in its pieces, from the line or from a file when it is large', () => {
    const folder = side_folder();
    const any_bytes = fc.array(fc.uint8Array({ maxLength: LIMIT }), { maxLength: 3 });
    fc.assert(
      fc.property(any_bytes, fc.boolean(), (bytes, is_shared) => {
        // pieces may lie in larger buffers
        const pieces = is_shared
          ? bytes.map((piece) => Buffer.concat([Buffer.from('ab'), piece]).subarray(2))
          : bytes;
        const { line, files } = line_with({ encoding: 'msgpack', bytes: pieces }, folder);
        expect(files).toHaveLength(bytes.reduce((sum, { length }) => sum + length, 0) > LIMIT ? 1 : 0);
        const back = stored_value(line, folder) as { encoding: string; bytes: Uint8Array[] };
        expect(back.encoding).toBe('msgpack');
        expect(back.bytes.map((piece) => [...piece])).toEqual(bytes.map((piece) => [...piece]));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [undefined, 0],
    [null, 0],
    [{ a: 1 }, 0],
    ['x'.repeat(LIMIT - 2), 0],
    ['x'.repeat(LIMIT - 1), 1],
    ['é'.repeat(LIMIT / 2 - 1), 0],
    ['é'.repeat(LIMIT / 2), 1],
  ])('that is JSON stands as it is, up to the limit: %j', (json, count) => {
    const folder = side_folder();
    const { line, files } = line_with({ json }, folder);
    expect(files).toHaveLength(count);
    expect(stored_value(line, folder)).toEqual({ json });
    if (count === 0) expect(line.value).toEqual(json);
  });

  it('is not had when its base64 is damaged', () => {
    const line = { stored: { encoding: 'e', base64: ['AAE?'] } } as TaskLine;
    expect(stored_value(line, side_folder())).toBe('its base64 is damaged');
  });

  it.each([
    ['no JSON', '{'],
    ['with a __proto__', '{"__proto__":{"a":1}}'],
  ])('is not had when its file has JSON that no journal writes: %s', (_what, text) => {
    const folder = side_folder();
    const { line } = line_with({ encoding: 'json', bytes: [Buffer.from(text.padEnd(LIMIT + 1))] }, folder);
    expect(stored_value(line, folder)).toMatch(/^the JSON in .* is/);
  });

  it('is not had through a link, or from a folder', () => {
    const folder = side_folder();
    const { line, files } = line_with({ json: 'x'.repeat(100) }, folder);
    const path = join(folder.path, (files[0] as SideFile).name);
    rmSync(path);
    writeFileSync(join(folder.path, 'real'), JSON.stringify('x'.repeat(100)));
    symlinkSync('real', path);
    expect(stored_value(line, folder)).toMatch(/is missing$/);
    rmSync(path);
    mkdirSync(path);
    expect(stored_value(line, folder)).toMatch(/is missing$/);
  });
});

describe('the folder beside', () => {
  it('is removed when it is empty, and only then', () => {
    const folder = side_folder();
    folder.write('1-01234567-0.bin', [], false);
    folder.write('1-01234567-1.bin', [], false);
    writeFileSync(join(folder.path, 'notes'), '');
    folder.remove_all_but(new Set(['1-01234567-1.bin']));
    expect(readdirSync(folder.path)).toEqual(['1-01234567-1.bin', 'notes']);
    rmSync(join(folder.path, 'notes'));
    folder.remove_all_but(new Set());
    expect(() => readdirSync(folder.path)).toThrow();
    folder.remove_all_but(new Set());
  });

  it('forces files to the disk in the background, those that are there', async () => {
    const folder = side_folder();
    folder.write('1-01234567-0.bin', [Buffer.from('x')], false);
    await folder.sync_later(['1-01234567-0.bin', '1-01234567-9.bin']);
    await folder.sync_later([]);
  });
});
