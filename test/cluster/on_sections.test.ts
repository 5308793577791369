/** Sections of data on hosts that share nothing but the program: each has a scratch folder of its own, and may be lost. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { ssh_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';

const MASTER = resolve('test/cluster/bed/masters/sections.js');
const WORDS = Array.from({ length: 300 }, (_, i) => `word ${i.toString(36)}`);
const RUN_TIME = 90_000;

describe_with('netns', 'sections of data on three hosts', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await ssh_bed({ nodes: 3 });
  });
  afterAll(() => bed?.stop());

  function start(hosts: string, sections: number, seconds: number) {
    const cwd = mkdtempSync(join(bed.folder, 'sections-'));
    writeFileSync(join(cwd, 'words.txt'), `${WORDS.join('\n')}\n`);
    const words = [process.execPath, MASTER, bed.scratch, hosts, String(sections), String(seconds)];
    return { run: bed.start_on_head(words, { cwd }), cwd };
  }

  async function expect_all(
    run: ReturnType<typeof start>['run'],
    cwd: string,
    sections: number,
  ): Promise<string> {
    const { exit_code, stdout, stderr } = await run.ended;
    expect(exit_code, stderr).toBe(0);
    expect(stdout).toContain(`all ${sections}`);
    expect(readFileSync(join(cwd, 'capitals.txt'), 'utf8')).toBe(`${WORDS.join('\n').toUpperCase()}\n`);
    return stdout;
  }

  /** What is left in the scratch folder of a host. */
  async function scratch_of(host: string): Promise<string> {
    return (await bed.exec_on(host, ['find', bed.scratch, '-type', 'f'])).stdout;
  }

  it(
    'go to all of them, come back whole, and leave nothing there',
    async () => {
      const { run, cwd } = start('node1:2,node2,node3', 12, 0.2);
      const stdout = await expect_all(run, cwd, 12);
      for (const host of bed.nodes) expect(stdout).toMatch(new RegExp(`^finished \\d+ ${host}$`, 'm'));
      for (const host of bed.nodes) expect(await scratch_of(host)).toBe('');
    },
    RUN_TIME,
  );

  it(
    'are run elsewhere when a host that holds some is cut off',
    async () => {
      const { run, cwd } = start('node1,node2,node3', 9, 1);
      await run.printed(/^finished \d+ node2$/m, RUN_TIME);
      await bed.cut('node2');
      await expect_all(run, cwd, 9);
      await bed.heal('node2');
    },
    RUN_TIME,
  );
});
