/**
 * Owners: which process holds a lock, and whether it still lives. The number of a process is given again to
 * another, so its start time counts too; and it means nothing outside of its machine, or its container.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Owner {
  pid: number;
  host: string;
  /** Boot and process namespace: within the same, pid can be looked up. Undefined where the system does not say. */
  machine: string | undefined;
  /** Start of the process in ticks since the boot. Undefined as `machine`. */
  started: number | undefined;
  /** Since when it holds the lock, ISO 8601. */
  since: string;
  /** Of this lock alone. */
  token: string;
}

/** This process, as the owner of a new lock. */
export function new_owner(): Owner {
  return {
    pid: process.pid,
    host: hostname(),
    machine: this_machine(),
    started: process_state(process.pid)?.started,
    since: new Date().toISOString(),
    token: randomBytes(6).toString('hex'),
  };
}

/** Whether the process of `owner` runs; undefined when that cannot be told from this machine. */
export function is_running(owner: Owner): boolean | undefined {
  const machine = this_machine();
  if (machine !== owner.machine) return undefined;
  if (machine === undefined) return owner.host === hostname() ? answers(owner.pid) : undefined;
  const state = process_state(owner.pid);
  if (state === undefined) return false;
  return !state.is_dead && (owner.started === undefined || owner.started === state.started);
}

/** The owner that `text` tells of; undefined when it tells of none. */
export function parse_owner(text: string): Owner | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, host, machine, started, since, token } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(pid) || (pid as number) < 1 || typeof host !== 'string') return undefined;
  if (typeof since !== 'string' || typeof token !== 'string' || !/^[0-9a-f]{12}$/.test(token))
    return undefined;
  return {
    pid: pid as number,
    host,
    machine: typeof machine === 'string' ? machine : undefined,
    started: typeof started === 'number' ? started : undefined,
    since,
    token,
  };
}

let machine_cache: { machine: string | undefined } | undefined;

function this_machine(): string | undefined {
  if (machine_cache === undefined) {
    let machine: string | undefined;
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      machine = `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
    } catch {
      // no Linux
    }
    machine_cache = { machine };
  }
  return machine_cache.machine;
}

/** What /proc says of a process; undefined when there is none. A dead one may wait to be reaped. */
function process_state(pid: number): { is_dead: boolean; started: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name of the program stands in brackets and may hold anything
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { is_dead: /^[ZXx]$/.test(fields[0] ?? ''), started: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
