/** The main job, examples/alignment, on each kind of cluster and on all of them in one job. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { mixed_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';

const TSX = resolve('node_modules/tsx/dist/cli.mjs');
const MAIN = resolve('examples/alignment/main.ts');
/** Proteins of the example's data that are aligned here: 276 pairs. */
const PROTEINS = 24;
/** An alignment takes seconds; slaves may wait for each other on a machine that is loaded. */
const RUN_TIME = 100_000;

describe_with(['netns', 'slurm', 'grid_engine', 'mpi'], 'the alignment of proteins', () => {
  let bed: Bed;
  let file: string;
  let serial = '';
  beforeAll(async () => {
    bed = await mixed_bed({ nodes: 3 });
    const all = readFileSync(resolve('examples/alignment/data/swissprot100.fa'), 'utf8');
    file = join(bed.folder, 'proteins.fa');
    writeFileSync(
      file,
      `>${all
        .split(/^>/m)
        .slice(1, PROTEINS + 1)
        .join('>')}`,
    );
    serial = (await align('--slaves', '1')).table;
  }, RUN_TIME);
  afterAll(() => bed?.stop());

  /** Runs it on head; returns its table of identities, and what it printed. */
  async function align(...flags: string[]): Promise<{ table: string; stdout: string }> {
    const cwd = mkdtempSync(join(bed.folder, 'align-'));
    const words = [process.execPath, TSX, MAIN, file, '--once', '--block', '4', '--out', cwd, ...flags];
    const { exit_code, stdout, stderr } = await bed.exec_on_head(words, { cwd, timeout: RUN_TIME });
    expect(exit_code, stderr).toBe(0);
    return { table: readFileSync(join(cwd, 'identity.tsv'), 'utf8'), stdout };
  }

  it.each([
    ['by ssh', 'node1,node2:2,node3', 4],
    ['by Slurm', 'slurm:3', 3],
    ['by Grid Engine', 'sge:3', 3],
    ['by mpirun', 'mpi:2', 2],
    ['by all of these at once', 'local:1,node1:2,slurm:2,sge:2,mpi:1', 8],
  ])(
    '%s is that of one local slave',
    async (_, places, slaves) => {
      const parallel = await align('--on', places);
      expect(parallel.table).toBe(serial);
      expect(parallel.stdout).toContain(`${slaves} slaves `);
    },
    2 * RUN_TIME,
  );
});
