/** Sections of data on hosts that share nothing but the program: each has a scratch folder of its own, and may be lost. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sections_status } from '../../src/sections/status.js';
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

/** What of an example may be held up on a host: its script, or the program of BLAST+. */
const EXAMPLES = {
  blast: { says: ['equal to the serial run, byte for byte'], holds: () => which('blastp') },
  fdmod: {
    says: ['6 gathers, the same as those of one program alone', 'direct wave: 2000 m/s, expected 2000'],
    holds: () => resolve('examples/fdmod/fdmod.js'),
  },
  scan: {
    says: ['24 sections, an array of (24, 200)', 'r = 2.9: all at 0.655, expected 0.655'],
    holds: () => resolve('examples/scan/logistic.js'),
  },
  transpose: {
    says: ['300 x 401, 0 of 120300 elements are wrong'],
    holds: () => resolve('examples/transpose/transp.js'),
  },
} as const;

/** Compiled into fdmod, which goes to the hosts as a file. */
const HOLD_IN_C = `#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void hold(void) {
  char name[64];
  if (gethostname(name, sizeof name) == 0 && strcmp(name, "node2") == 0) for (;;) pause();
}
`;

function which(program: string): string {
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).trim();
}

describe_with(
  ['netns', 'blast'],
  'the examples of sections on three hosts that do not see the files of the master',
  () => {
    let bed: Bed;
    beforeAll(async () => {
      bed = await ssh_bed({ nodes: 3 });
    });
    afterAll(() => bed?.stop());

    const in_shell = async (host: string, script: string, ...words: string[]): Promise<string> => {
      const { exit_code, stdout, stderr } = await bed.exec_on(host, ['sh', '-ec', script, 'sh', ...words]);
      expect(exit_code, stderr).toBe(0);
      return stdout;
    };

    /** Whatever the example runs on node2 never comes to its end. */
    async function hold_on_node2(name: keyof typeof EXAMPLES, cwd: string): Promise<void> {
      const held = EXAMPLES[name].holds();
      const holder = join(bed.folder, `${name}.holder`);
      const text = held.endsWith('.js') ? 'setInterval(() => {}, 1e6);' : '#!/bin/sh\nexec sleep 100000\n';
      writeFileSync(holder, text, { mode: 0o755 });
      await in_shell('node2', 'mount --bind "$1" "$2"', holder, held);
      writeFileSync(join(cwd, 'hold.c'), HOLD_IN_C);
      writeFileSync(join(cwd, 'cc.sh'), '#!/bin/sh\nexec cc "$@" hold.c\n', { mode: 0o755 });
    }

    async function start(name: keyof typeof EXAMPLES) {
      const cwd = mkdtempSync(join(bed.folder, `${name}-`));
      writeFileSync(join(cwd, 'mfile'), 'node1\nnode2\nnode3\n');
      // on the hosts there is another folder in its place, which says where pieces go: a disk of each its own
      const hide = 'mount -t tmpfs none "$1"; echo "datapath=$2/" > "$1/.datapath"';
      for (const host of bed.nodes) await in_shell(host, hide, cwd, bed.scratch);
      await hold_on_node2(name, cwd);
      const proteins = resolve('examples/alignment/data/swissprot100.fa');
      const args = name === 'blast' ? [proteins, proteins, 'mfile'] : ['mfile'];
      const words = [
        process.execPath,
        resolve('node_modules/tsx/dist/cli.mjs'),
        resolve('examples', name, 'main.ts'),
      ];
      const run = bed.start_on_head([...words, ...args], { cwd, env: { CC: './cc.sh' } });
      return { name, cwd, run };
    }

    const status_of = (cwd: string) => sections_status(join(cwd, 'main.sections')).sections;

    function has_one_on_node2(cwd: string): boolean {
      try {
        return status_of(cwd).some(({ host, state }) => host === 'node2' && state === 'running');
      } catch {
        // there is no status file yet
        return false;
      }
    }

    async function one_on_node2(cwd: string): Promise<void> {
      if (has_one_on_node2(cwd)) return;
      const changes = watch(cwd, { signal: AbortSignal.timeout(RUN_TIME) });
      for await (const _ of changes) if (has_one_on_node2(cwd)) return;
    }

    async function ended_early(run: Awaited<ReturnType<typeof start>>['run']): Promise<never> {
      const { stdout, stderr } = await run.ended;
      throw new Error(`it has ended before node2 was cut off: ${stdout}${stderr}`);
    }

    it(
      'find what one program alone finds, though one of them is cut off while it runs some',
      async () => {
        const names = Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[];
        const started = await Promise.all(names.map(start));
        await Promise.all(started.map(({ cwd, run }) => Promise.race([one_on_node2(cwd), ended_early(run)])));
        await bed.cut('node2');
        for (const { name, cwd, run } of started) {
          const { exit_code, stdout, stderr } = await run.ended;
          expect(exit_code, `${name}: ${stderr}`).toBe(0);
          for (const line of EXAMPLES[name].says) expect(stdout, name).toContain(line);
          const sections = status_of(cwd);
          expect(new Set(sections.map(({ host }) => host)), name).toEqual(new Set(['node1', 'node3']));
          expect(
            sections.reduce((sum, { failures }) => sum + failures, 0),
            name,
          ).toBe(0);
        }
        for (const host of ['node1', 'node3'])
          expect(await in_shell(host, 'find "$1" -type f', bed.scratch)).toBe('');
        await bed.heal('node2');
      },
      2 * RUN_TIME,
    );
  },
);
