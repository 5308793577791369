/** The formats that come with parjob, by name and by file name. */
import { extname } from 'node:path';
import { UsageError } from '../../errors.js';
import type { Format } from './format.js';
import { npy } from './npy.js';
import { csv, fasta, fixed, lines } from './records.js';
import { sep } from './sep.js';

export { csv, fasta, fixed, lines, npy, sep };

const MAKERS: Readonly<Record<string, () => Format>> = {
  SEP: () => sep,
  RSF: () => sep,
  NPY: () => npy,
  FASTA: () => fasta,
  LINES: () => lines,
  TEXT: () => lines,
  CSV: () => csv(),
  TSV: () => csv({ delimiter: '\t' }),
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  '.h': 'SEP',
  '.rsf': 'RSF',
  '.npy': 'NPY',
  '.fa': 'FASTA',
  '.fasta': 'FASTA',
  '.fna': 'FASTA',
  '.faa': 'FASTA',
  '.ffn': 'FASTA',
  '.txt': 'TEXT',
  '.list': 'TEXT',
  '.csv': 'CSV',
  '.tsv': 'TSV',
};

/**
 * The format of that name, in any case: SEP, RSF, NPY, FASTA, LINES (or TEXT), CSV, TSV, `CSV:;` with another
 * delimiter, or FIXED:80 for records of 80 bytes, FIXED:80+512 if a head of 512 bytes is before them.
 * @throws UsageError (PARJOB_ERR_USAGE)
 */
export function format_named(name: string): Format {
  const word = name.toUpperCase();
  const maker = Object.hasOwn(MAKERS, word) ? MAKERS[word] : undefined;
  if (maker !== undefined) return maker();
  const [, size, head] = /^FIXED:(\d+)(?:\+(\d+))?$/.exec(word) ?? [];
  if (size !== undefined) return fixed(Number(size), Number(head ?? 0));
  if (/^CSV:.$/.test(word)) return csv({ delimiter: name.slice(-1) });
  throw new UsageError(
    `there is no format '${name}': expected one of ${Object.keys(MAKERS).join(', ')}, CSV:<delimiter> or FIXED:<bytes of a record>`,
  );
}

/** The name by which format_named gives just this format; undefined for one of a user. */
export function name_of(format: Format): string | undefined {
  return [sep, npy, lines, fasta].includes(format) ? format.name : undefined;
}

/** The format that the name of a file tells; undefined if it tells none. */
export function format_of_file(file: string): Format | undefined {
  const extension = extname(file).toLowerCase();
  const name = Object.hasOwn(EXTENSIONS, extension) ? EXTENSIONS[extension] : undefined;
  return name === undefined ? undefined : format_named(name);
}
