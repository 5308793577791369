/** A script in a file beside that of the secret, for launchers that cannot take its text. */
import { rmSync, writeFileSync } from 'node:fs';
import { at_end } from '../base/at_end.js';
import type { LaunchOrder } from './launcher.js';

export interface ScriptFile {
  path: string;
  remove: () => void;
}

/** @throws Error when it cannot be written */
export function write_script({ secret_file, slave_id, launch }: LaunchOrder, text: string): ScriptFile {
  const path = `${secret_file()}.${slave_id}.${launch}.sh`;
  // never one that is there: in a folder of many it may be a link to a file of this user, or somebody else's
  writeFileSync(path, text, { mode: 0o700, flag: 'wx' });
  const forget = at_end(() => rmSync(path, { force: true }));
  const remove = () => {
    forget();
    rmSync(path, { force: true });
  };
  return { path, remove };
}
