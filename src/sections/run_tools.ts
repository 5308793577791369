/** What a run of a ParJob needs, loaded when there is one: the run itself, and the opening of its status file. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StatusFileError } from '../errors.js';
import { read_status, StatusFile } from './status_file.js';

export { SectionRun } from './section_run.js';

/** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be used */
export function open_status(
  file: string,
  jobname: string,
  restart: boolean,
  on_notice: (text: string) => void,
): StatusFile {
  mkdirSync(dirname(file), { recursive: true });
  let left: ReturnType<typeof take_over> = [];
  const make_way = () => {
    left = take_over(file, on_notice);
  };
  const status = StatusFile.open({ file, jobname, on_notice, make_way }, restart);
  for (const { host, path } of left) status.write('garbage', `${host}:${path}`, { host, path });
  return status;
}

/**
 * What the run before has left on hosts, when its status file is about to be replaced. One of a run that did not come
 * to its end is moved aside.
 */
function take_over(file: string, on_notice: (text: string) => void): { host: string; path: string }[] {
  if (!existsSync(file)) return [];
  let found: ReturnType<typeof read_status>;
  try {
    found = read_status(file);
  } catch (error) {
    if (statSync(file).size === 0) return [];
    // not ours to replace
    if ((error as StatusFileError).problem === 'not_a_status_file') throw error;
    move_aside(file, (error as Error).message, on_notice);
    return [];
  }
  const { by_kind } = found.records;
  const left = [...(by_kind.get('garbage') ?? [])].map(([, { host, path }]) => ({
    host: host as string,
    path: path as string,
  }));
  if (by_kind.get('run')?.has('finished') === true) return left;
  move_aside(file, `${file} holds a run that has not come to its end`, on_notice);
  return left;
}

function move_aside(file: string, why: string, on_notice: (text: string) => void): void {
  const aside = `${file}.old`;
  renameSync(file, aside);
  on_notice(
    `${why}: it was moved to ${aside}. To go on with it, give it its name back and use restart: true`,
  );
}
