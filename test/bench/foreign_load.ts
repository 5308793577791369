/** How busy others keep this machine: the share of its CPUs that is used while the bench does nothing. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 1_000;

/** From 0, a quiet machine, to 1. Figures that are measured on a busy machine mean little. */
export async function foreign_load(): Promise<number> {
  const before = cpu_times();
  await sleep(LOOK_MS);
  const after = cpu_times();
  return 1 - (after.idle - before.idle) / (after.total - before.total);
}

function cpu_times(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    for (const time of Object.values(times)) total += time;
  }
  return { idle, total };
}
