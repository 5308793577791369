/**
 * What earlier masters have left on a host: programs that still run, noted in `<folder>/*.pid`, and files that nobody
 * wants. A process group's number may have been given again, so the start time of its leader must be the noted one.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FarCall } from './call.js';

/** Start of a process in ticks since the boot; undefined where the system does not say, or there is none. */
export function start_of(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Kills the process group that `pid` leads, with all in it. */
export function kill_group(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody is left in it
  }
}

/** Ends the programs that earlier masters of this job have left. Returns how many there were. */
export async function sweep(_call: FarCall, folder: string): Promise<number> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.pid'));
  } catch {
    return 0;
  }
  let killed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const [pid = '', started] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
    if (/^\d+$/.test(pid) && started !== undefined && start_of(Number(pid)) === started) {
      kill_group(Number(pid));
      killed++;
    }
    await rm(path, { force: true });
  }
  return killed;
}
