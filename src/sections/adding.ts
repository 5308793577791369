/**
 * Adding: what an attempt has written goes into the sum of its slot. That is a new file each time, which does not count
 * before it is written down; so nothing is in a sum twice, whatever is killed.
 */
import { posix } from 'node:path';
import { AttemptFailure } from './attempt_failure.js';
import type { ProgramEnd } from './far/messages.js';
import type { Line } from './line.js';
import type { ParFile } from './par_file.js';
import { safe_name } from './safe_name.js';
import type { Addition, Sum, SumFile, SumsTable } from './sums_table.js';

/** An output of an attempt. */
export interface Output {
  key: string;
  file: ParFile;
  path: string;
}

export interface AddingParts {
  sums: SumsTable;
  line: Line;
  /** Folder of the run on the host. */
  root: string;
}

/** The attempt. */
export interface Adder {
  id: string;
  attempt: number;
  host: string;
  slot: number;
}

/**
 * Adds those of the outputs that are summed.
 * @returns what is to be written down, undefined when none is summed; and files that it makes superfluous then
 * @throws AttemptFailure when an output cannot be added
 */
export async function add_up(
  parts: AddingParts,
  adder: Adder,
  outputs: readonly Output[],
  end: ProgramEnd,
): Promise<{ addition: Addition | undefined; used: string[] }> {
  const summed = outputs.filter(({ file }) => file.is_summed);
  if (summed.length === 0) return { addition: undefined, used: [] };
  const { id: section, attempt, host, slot } = adder;
  const sum = parts.sums.open_of(slot, host);
  const files: SumFile[] = [];
  const used: string[] = [];
  for (const output of summed) {
    const { key: file, path } = output;
    const found = end.outputs.find(({ key }) => key === file);
    if (found === undefined || !('size' in found)) continue;
    const { size, sha256 } = found;
    if (sum === undefined) files.push({ file, path, size, sha256, is_wide: false });
    else files.push(await add_one(parts, adder, output, sum, used));
  }
  return { addition: { slot, host, section, attempt, sum, files }, used };
}

async function add_one(
  { sums, line, root }: AddingParts,
  { id, attempt }: Adder,
  { key, path, file }: Output,
  sum: Sum,
  used: string[],
): Promise<SumFile> {
  const before = sum.files.find((other) => other.file === key);
  const target = posix.join(root, 'sum', `${safe_name(key)}-${safe_name(id)}.a${attempt}`);
  try {
    if (before === undefined) throw new Error(`the sum ${sum.id} has no ${key}`);
    const order = {
      sum: { file: before.path, is_wide: before.is_wide },
      output: path,
      format: file.format_name ?? '',
      target,
      name: `its output ${key}`,
    };
    const { size, sha256, used: read } = await line.call('add_to_sum', [order]);
    used.push(...read);
    return { file: key, path: target, size, sha256, is_wide: true };
  } catch (error) {
    const { message, system_code } = error as Error & { system_code?: string };
    if (system_code === 'PARJOB_ERR_USAGE') throw new AttemptFailure('program', message, { cause: error });
    // what it was may be the cause
    sums.close(sum.id);
    throw error;
  }
}
