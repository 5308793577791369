/** The end of a slave, and of what its tasks have started. */
import { readdirSync, readFileSync } from 'node:fs';

/** Its master is gone or wants it gone: it leaves with all that its tasks started. */
export function end_process(owns_group: boolean): void {
  // 0 is the caller's own process group: this slave and the programs that its tasks run
  process.kill(owns_group ? 0 : process.pid, 'SIGKILL');
}

/**
 * Ends the programs that the tasks of this process have started, when it ends by itself, with an exit code that says
 * more than SIGKILL would: nobody else may be there to do it. Linux only; elsewhere its master does.
 */
export function end_others_of_group(): void {
  for (const name of names_in('/proc')) {
    const pid = Number(name);
    if (!(pid > 1) || pid === process.pid || group_of(pid) !== process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
}

/** The process group of a process; undefined when it is gone, or the system does not say. */
export function group_of(pid: number | 'self'): number | undefined {
  try {
    // the name in parentheses may hold anything; then follow state, parent, group
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}

function names_in(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
