/** Leftovers: processes that a storm has started, however far down, found by a word in their environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { is_alive } from '../kit/processes.js';

/** The variable that every process of a storm inherits. */
export const MARK = 'CHAOS_MARK';

/** The living processes that carry `mark`, but for this one: pid and command line. */
export function processes_with(mark: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(`${MARK}=${mark}`) || !is_alive(pid)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      found.push({ pid, command });
    } catch {
      // gone meanwhile, or another user's
    }
  }
  return found;
}

/** Those that are left after at most `grace` ms. */
export async function wait_leftovers(
  mark: string,
  grace: number,
): Promise<{ pid: number; command: string }[]> {
  const deadline = performance.now() + grace;
  for (;;) {
    const found = processes_with(mark);
    if (found.length === 0 || performance.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
