/** The header: the first line of a status file, which says what the file is and of which program. */

import { StatusFileError } from '../errors.js';
import { is_json_exact } from './json_exact.js';
import { brief, is_object, parse_object } from './line.js';
import type { LineFile } from './line_file.js';

/** Rises when a reader of the present one would misunderstand the file. */
export const FORMAT = 1;

/** The first line. */
export interface HeaderLine {
  parjob: 'status';
  format: number;
  jobname: string;
  program: Readonly<Record<string, string>>;
  run_id: string;
  /** ISO 8601; every `at` counts from it. */
  created: string;
  /** Name of the folder beside the file, for large values. */
  folder: string;
}

/** The line for a header. */
export function header_text(header: HeaderLine): string {
  const { parjob, format, jobname, program, run_id, created, folder } = header;
  return JSON.stringify({ parjob, format, jobname, program, run_id, created, folder });
}

/** The header in the first line of `file`. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
export function read_header(file: string, text: string): HeaderLine {
  let header: HeaderLine;
  try {
    header = parse_header(text);
  } catch (error) {
    throw not_a_status_file(file, (error as Error).message);
  }
  if (header.format > FORMAT) {
    throw new StatusFileError(
      `${file} has format ${header.format}, this parjob reads up to ${FORMAT}: use the version that has written it, or move it away to start anew`,
      { file, problem: 'newer_format' },
    );
  }
  return header;
}

/** What every header begins with. */
const HEADER_START = '{"parjob":"status"';

/** True for a status file that was cut off within its first line, or an empty file. */
export function is_torn_header(lines: LineFile): boolean {
  const length = Math.min(lines.size, HEADER_START.length);
  return HEADER_START.startsWith(lines.text_at({ offset: 0, length })) && lines.first() === undefined;
}

/** The header that `text` holds. @throws Error that says what is wrong with it */
function parse_header(text: string): HeaderLine {
  const line = parse_object(text);
  if (line['parjob'] !== 'status') throw new Error('its first line is not the header of a status file');
  // what else a newer format has in its header is not ours to judge
  const { format } = line;
  if (!Number.isSafeInteger(format) || (format as number) < 1)
    throw new Error(`its format is ${brief(format)}`);
  if ((format as number) > FORMAT) return line as unknown as HeaderLine;
  const { jobname, program, run_id, created, folder } = line;
  if (typeof jobname !== 'string' || jobname === '') throw new Error(`its jobname is ${brief(jobname)}`);
  if (
    !is_object(program) ||
    !is_json_exact(program) ||
    !Object.values(program).every((v) => typeof v === 'string')
  ) {
    throw new Error(`its program must be an object of strings, it is ${brief(program)}`);
  }
  if (typeof run_id !== 'string' || !/^[0-9a-f]{8,64}$/.test(run_id))
    throw new Error(`its run_id is ${brief(run_id)}`);
  if (typeof created !== 'string' || Number.isNaN(Date.parse(created))) {
    throw new Error(`its created must be a time, it is ${brief(created)}`);
  }
  if (typeof folder !== 'string' || !/^[^/\\\0]{1,250}\.d$/.test(folder)) {
    throw new Error(`its folder must be a name that ends in .d, it is ${brief(folder)}`);
  }
  return line as unknown as HeaderLine;
}

function not_a_status_file(file: string, why: string): StatusFileError {
  return new StatusFileError(
    `${file} is not a status file of parjob: ${why}. Move it away, or choose another jobname`,
    { file, problem: 'not_a_status_file' },
  );
}
