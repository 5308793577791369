/** A script in a file beside that of the secret, for launchers that cannot take its text. */
import { rmSync, writeFileSync } from 'node:fs';
import type { LaunchOrder } from './launcher.js';

export interface ScriptFile {
  path: string;
  remove: () => void;
}

/** @throws Error when it cannot be written */
export function write_script({ secret_file, slave_id, launch }: LaunchOrder, text: string): ScriptFile {
  const path = `${secret_file()}.${slave_id}.${launch}.sh`;
  writeFileSync(path, text, { mode: 0o700 });
  const remove = () => {
    process.off('exit', remove);
    rmSync(path, { force: true });
  };
  process.on('exit', remove);
  return { path, remove };
}
