/**
 * Announcement: where the dashboard of a job is, in a file beside its logs, `<jobname>.dashboard`, by which
 * `parjob top` finds it. It holds the token, so it is for this user's eyes only, and goes when the job does.
 */
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { at_end } from '../../base/at_end.js';

const ENDING = '.dashboard';

export interface Announcement {
  jobname: string;
  /** With the token. */
  url: string;
  pid: number;
  host: string;
}

export function announcement_file(folder: string, jobname: string): string {
  return join(folder, `${jobname}${ENDING}`);
}

/** Leaves word in `folder` until the returned function is called, or the process ends. */
export function announce(
  folder: string,
  jobname: string,
  url: string,
  on_error: (error: Error) => void,
): () => void {
  const file = announcement_file(folder, jobname);
  const said: Announcement = { jobname, url, pid: process.pid, host: hostname() };
  const text = `${JSON.stringify(said)}\n`;
  try {
    remove(file);
    // a new one: what was there may be open to others, or lead elsewhere
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    on_error(error as Error);
    return () => {};
  }
  const withdraw = () => {
    // another job of that name may have put its own there
    if (read_text(file) === text) remove(file);
  };
  const forget = at_end(withdraw);
  return () => {
    forget();
    withdraw();
  };
}

/** What a file says; undefined when there is none, or it says something else. */
export function read_announcement(file: string): Announcement | undefined {
  try {
    const said = JSON.parse(read_text(file) ?? '') as Partial<Announcement>;
    const { jobname, url, pid, host } = said;
    if (typeof jobname !== 'string' || typeof url !== 'string') return undefined;
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
    return { jobname, url, pid, host };
  } catch {
    return undefined;
  }
}

/** The files of that kind in a folder. */
export function announcement_files(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => join(folder, name));
}

function read_text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
