/**
 * Wide sums: sums of cubes on their way, to which more will be added. The head is that of the cubes; the elements
 * behind it are doubles, or 64-bit integers where the cubes have these, so that what is added in many steps, on many
 * hosts, is rounded to the cubes' own elements once, at the end.
 */
import { open, rename, rm, stat } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { write_fully } from '../formats/file_bytes.js';
import type { CubeFormat } from '../formats/format.js';
import { type CubeHeader, data_bytes, element_text, read_header, shape_text } from '../formats/header.js';
import { check_numbers, type NumericElement, wide_of } from '../formats/numbers.js';
import { merge } from './merge.js';

/** A piece that is a file. */
export interface CubeFile {
  file: string;
  /** Its elements are wider than its head says: it is a sum itself, see wide_sum.ts. */
  is_wide: boolean;
}

/** The elements of a wide sum whose head is `header`. @throws UsageError (PARJOB_ERR_USAGE) when they are no numbers */
export function wide_element_of({ element }: CubeHeader, file: string): NumericElement {
  check_numbers(element, file);
  return wide_of(element);
}

/** Bytes of the file of a wide sum whose head is `header`. */
export function wide_bytes(header: CubeHeader, file: string): number {
  return header.offset + data_bytes({ axes: header.axes, element: wide_element_of(header, file) });
}

/**
 * Writes the sum of cubes, of which some may be wide sums themselves. It stands under its name when it is whole.
 * @param name for the errors
 * @returns the files that were read
 * @throws UsageError (PARJOB_ERR_USAGE) when they are not alike, or cannot be added
 */
export async function write_wide_sum(
  target: string,
  format: CubeFormat,
  terms: readonly CubeFile[],
  name: string,
): Promise<string[]> {
  const headers: CubeHeader[] = [];
  for (const { file, is_wide } of terms) {
    const header = await read_header(file, format);
    if (is_wide && (await stat(file)).size !== wide_bytes(header, file))
      throw new Error(`${file} is not as long as it was`);
    headers.push(header);
  }
  const [first] = headers as [CubeHeader];
  for (const header of headers) check_alike(name, first, header);
  const element = wide_element_of(first, name);
  const shape = first.axes.length === 0 ? [1] : first.axes.map(({ n }) => n);
  const ranges = shape.map((count) => ({ start: 0, step: 1, count }));
  const head = format.head(first, first.axes, `parjob: a sum of ${name}`);
  const part = `${target}.part`;
  try {
    const out = await open(part, 'w');
    try {
      await write_fully(out, head, 0);
      const layers = headers.map((header, i) => ({
        file: header.data_file,
        offset: header.offset,
        element: terms[i]?.is_wide === true ? element : (header.element as NumericElement),
        ranges,
      }));
      await merge(out, head.length, { name, shape, element, layers, how: 'sum', has_gaps: false });
    } finally {
      await out.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return [...new Set(headers.flatMap(({ file, data_file }) => [file, data_file]))];
}

function check_alike(name: string, first: CubeHeader, other: CubeHeader): void {
  const text = (header: CubeHeader) => `${shape_text(header.axes)} elements (${element_text(header)})`;
  if (text(first) === text(other)) return;
  throw new UsageError(
    `${name} cannot be added to those of other sections: it has ${text(other)}, they have ${text(first)}`,
  );
}
