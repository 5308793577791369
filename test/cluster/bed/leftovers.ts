/** What a bed has left behind: processes, network namespaces, mounts, cgroups, files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { is_alive } from '../../kit/processes.js';

/** `state` is the bed's folder. A line for each thing that is still there. */
export function leftovers(state: string): string[] {
  const prefix = prefix_of(state);
  const namespaces = list('/run/netns').filter((name) => name.startsWith(`${prefix}-`));
  const mounts = read('/proc/self/mounts')
    .split('\n')
    .filter((line) => line.includes(prefix) || line.includes(state));
  const cgroups = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
    .flatMap(list)
    .filter((name) => name.startsWith(prefix));
  return [
    ...marked_processes(prefix).map((line) => `process ${line}`),
    ...namespaces.map((name) => `network namespace ${name}`),
    ...mounts.map((line) => `mount ${line}`),
    ...cgroups.map((name) => `cgroup ${name}`),
    ...(existsSync(state) ? [`folder ${state}`] : []),
  ];
}

/** What all that a bed makes outside of its folder begins with. */
export function prefix_of(state: string): string {
  return basename(state).replace('parjob-bed-', 'pj-');
}

function marked_processes(prefix: string): string[] {
  return list('/proc').flatMap((name) => {
    const is_marked = read(`/proc/${name}/environ`).split('\0').includes(`BED_MARK=${prefix}`);
    if (!is_marked || !is_alive(Number(name))) return [];
    return [`${name} ${read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim()}`];
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
