/**
 * Where the files of a job go on a host, in this order: what the job says, DATAPATH in the environment, `.datapath` in
 * the working directory, `.datapath` in the home directory, a folder in the system's temporary one.
 *
 * Lines of a .datapath file are `datapath=DIR/` or `HOST datapath=DIR/`; of those that fit the last one counts.
 */
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../../errors.js';

export function scratch_folder(wanted: string | undefined): string {
  if (wanted !== undefined) return resolve(wanted);
  const datapath = process.env['DATAPATH'];
  if (datapath !== undefined && datapath !== '') return resolve(datapath);
  for (const folder of [process.cwd(), homedir()]) {
    const found = datapath_in(text_of(join(folder, '.datapath')), hostname());
    if (found !== undefined) return resolve(found);
  }
  return own_folder(join(tmpdir(), `parjob-${userInfo().username}`));
}

/**
 * A folder in one that is everybody's, made if it is not there.
 * @throws UsageError (PARJOB_ERR_USAGE) when it is somebody else's, who could put other programs and data in it
 */
export function own_folder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (uid === userInfo().uid && (mode & 0o022) === 0) return folder;
  throw new UsageError(
    `the folder ${folder} is not this user's alone: remove it, take away the rights of others (chmod go-w), or choose another ` +
      'by the option scratch or DATAPATH',
  );
}

/** What the text of a .datapath file says for `host`. */
export function datapath_in(text: string | undefined, host: string): string | undefined {
  let found: string | undefined;
  for (const line of text?.split('\n') ?? []) {
    const [, name, folder] = /^\s*(?:(\S+)\s+)?datapath=(\S+)\s*$/.exec(line) ?? [];
    const is_ours =
      name === undefined || name === host || host.startsWith(`${name}.`) || name.startsWith(`${host}.`);
    if (folder !== undefined && is_ours) found = folder;
  }
  return found;
}

function text_of(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
