/** Sums on the far end: what a section has written is added to the sum of those before it on its slot. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../../errors.js';
import { format_named } from '../formats/formats.js';
import { read_header } from '../formats/header.js';
import { write_wide_sum } from '../pieces/wide_sum.js';
import type { FarCall } from './call.js';
import { facts_of } from './files.js';
import type { FileFacts } from './messages.js';

export interface AddOrder {
  /** The sum so far, which stays as it is. */
  sum: { file: string; is_wide: boolean };
  /** What the section has written. */
  output: string;
  /** Name of the format of both. */
  format: string;
  /** File of the new sum. */
  target: string;
  /** Of the output, for errors. */
  name: string;
}

/** @returns what the new sum is, and all files of the old one and of the output, which it makes superfluous */
export async function add_to_sum(
  _call: FarCall,
  order: AddOrder,
): Promise<FileFacts & { used: readonly string[] }> {
  const { sum, output, target, name } = order;
  const format = format_named(order.format);
  if (format.kind !== 'cube') throw new UsageError(`${name}: only cubes can be added up`);
  await read_header(sum.file, format).catch((error: Error) => {
    // whoever adds to it is not to blame
    throw new Error(`a sum was damaged: ${error.message}`, { cause: error });
  });
  await mkdir(dirname(target), { recursive: true });
  const used = await write_wide_sum(target, format, [sum, { file: output, is_wide: false }], name);
  return { ...(await facts_of(target, undefined)), used };
}
