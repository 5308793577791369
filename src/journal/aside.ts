/** Moving aside: what becomes of a status file that is in the way of a new run. */
import { existsSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { StatusFileError } from '../errors.js';
import { is_torn_header, read_header } from './header.js';
import { MAX_LINE_BYTES, parse_line } from './line.js';
import { LineFile } from './line_file.js';
import { on_disk } from './on_disk.js';
import { SideFolder, sync_folder } from './side_folder.js';

/**
 * Renames `file` to `<file>.1`, or `.2`, and so on: the first name that is free, which is returned. The folder
 * with its large values has a name of its own, by which the file knows it, and stays.
 * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be renamed
 */
export function move_aside(file: string): string {
  return on_disk(file, 'unwritable', `${file} could not be moved aside`, () => {
    let number = 1;
    while (existsSync(`${file}.${number}`)) number++;
    const aside = `${file}.${number}`;
    renameSync(file, aside);
    sync_folder(dirname(file));
    return aside;
  });
}

/** What stands where a new run wants its status file. */
export type InTheWay =
  /** Nothing that anybody could miss: no file, or one that holds no more than a header. */
  | { kind: 'nothing' }
  /** The status file of a run that has come to its end, with the folder beside it. */
  | { kind: 'finished'; folder: SideFolder }
  /** That of a run that has not, a damaged one, or a file that is none of ours. */
  | { kind: 'unfinished' };

/** Looks at the first and the last line of `file`. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it is no regular file */
export function in_the_way(file: string): InTheWay {
  if (!existsSync(file)) return { kind: 'nothing' };
  const lines = new LineFile(file, MAX_LINE_BYTES);
  try {
    if (is_torn_header(lines)) return { kind: 'nothing' };
    const first = lines.first();
    const last = lines.last();
    if (first === undefined || last === undefined) return { kind: 'unfinished' };
    const { folder } = read_header(file, first);
    if (lines.size === Buffer.byteLength(first) + 1) return { kind: 'nothing' };
    return is_finished_line(last)
      ? { kind: 'finished', folder: new SideFolder(file, folder) }
      : { kind: 'unfinished' };
  } catch (error) {
    if (error instanceof StatusFileError) return { kind: 'unfinished' };
    throw error;
  } finally {
    lines.close();
  }
}

function is_finished_line(text: string): boolean {
  try {
    return parse_line(text).kind === 'finished';
  } catch {
    return false;
  }
}
