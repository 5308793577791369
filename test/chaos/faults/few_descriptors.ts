/** The master may open no more descriptors for a while: it can neither accept connections nor start slaves. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Fault } from './fault.js';

/** Both connections of a slave stand so long after it is ready, ms. */
const SETTLED_AFTER = 1500;

function limit_of(pid: number): { soft: string; hard: string } {
  const line = readFileSync(`/proc/${pid}/limits`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith('Max open files'));
  const [, soft, hard] = /Max open files\s+(\S+)\s+(\S+)/.exec(line ?? '') ?? [];
  return { soft: soft as string, hard: hard as string };
}

/** Sets the soft limit only, so that it can be raised again. */
function set_limit(pid: number, soft: string | number, hard: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:${hard}`], { stdio: 'ignore' });
}

export const few_descriptors: Fault = {
  name: 'few_descriptors',
  weight: 0.7,
  impossible() {
    try {
      execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
      return undefined;
    } catch (error) {
      return `prlimit cannot be run: ${(error as Error).message}`;
    }
  },
  strike(world, random) {
    const pid = world.master?.pid;
    if (pid === undefined) return undefined;
    if (world.lacks.includes('descriptors')) return undefined;
    const { soft, hard } = limit_of(pid);
    // a new descriptor gets the lowest number that is free
    const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let free = 0;
    while (taken.has(free)) free++;
    const left = random.integer(0, 3);
    const ms = random.integer(300, 2000);
    set_limit(pid, free + left, hard);
    for (const slave of world.living()) {
      const is_settled = slave.state === 'ready' && performance.now() - slave.since > SETTLED_AFTER;
      if (!is_settled) world.wrong(slave.pid, 'starved');
    }
    world.starve('descriptors', ms, () => {
      if (world.master?.pid === pid) set_limit(pid, soft, hard);
    });
    return `${left} left beside ${taken.size}, for ${ms} ms`;
  },
};
