/** Slaves by mpirun, and a job whose slaves come by every way at once. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { mixed_bed, mpi_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';
import { expect_squares, MasterRun, type Order, squares } from './bed/master_run.js';

async function slaves_on(bed: Bed, host: string): Promise<string> {
  return (await bed.exec_on(host, ['pgrep', '-fa', 'bin/slave.js|mpirun|orted'])).stdout;
}

describe_with(['netns', 'mpi'], 'slaves by mpirun', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await mpi_bed({ nodes: 3 });
  });
  afterAll(() => bed?.stop());

  const run = (order: Order) => new MasterRun(bed, mkdtempSync(join(bed.folder, 'run-')), order);

  async function expect_no_slaves(): Promise<void> {
    for (const host of ['head', ...bed.nodes])
      await expect.poll(() => slaves_on(bed, host), { timeout: 30_000 }).toBe('');
  }

  it('work on all nodes', async () => {
    const going = run({ slaves: [['mpi_slaves', 6, { hostfile: bed.hostfile }]], tasks: squares(60, 50) });
    await going.told('connected', 6);
    const end = await going.end();
    expect_squares(end, 60);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
    expect(new Set(end.results.map(({ rank }) => rank)).size).toBe(6);
    await expect_no_slaves();
  });

  it('survive the death of one of them', async () => {
    const going = run({
      slaves: [['mpi_slaves', 3, { hostfile: bed.hostfile }]],
      tasks: squares(60, 100),
    });
    await going.told('connected', 3);
    await going.told('done', 5);
    await bed.exec_on('node2', ['pkill', '-KILL', '-f', 'bin/slave.js']);
    const end = await going.end();
    expect_squares(end, 60);
    expect(end.failures['died']).toBeGreaterThan(0);
    await expect_no_slaves();
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('end when their master ends by %s', async (signal) => {
    const going = run({
      slaves: [['mpi_slaves', 3, { hostfile: bed.hostfile }]],
      tasks: squares(10, 60_000),
    });
    await going.told('connected', 3);
    await going.process.kill(signal);
    expect(await going.process.ended).toMatchObject({ signal });
    await expect_no_slaves();
  });

  it('end when their master ends by an error that nobody caught', async () => {
    const slaves = [['mpi_slaves', 3, { hostfile: bed.hostfile }]] as const;
    const going = run({ slaves, tasks: squares(30, 100), throw_after: 3 });
    expect(await going.process.ended).toMatchObject({ exit_code: 1 });
    await expect_no_slaves();
  });
});

describe_with(['netns', 'slurm', 'grid_engine', 'mpi'], 'slaves of all kinds in one job', () => {
  it('work side by side', async () => {
    await using bed = await mixed_bed({ nodes: 3 });
    const going = new MasterRun(bed, bed.folder, {
      slaves: [
        ['local_slaves', 1],
        ['ssh_slaves', ['node1', 'node2', 'node3']],
        ['slurm_slaves', 3],
        ['sge_qsub_slaves', 3],
        ['mpi_slaves', 3, { hostfile: bed.hostfile }],
      ],
      tasks: squares(400, 50),
      job_options: { prefetch: 1 },
    });
    const end = await going.end();
    expect_squares(end, 400);
    expect(end.failures).toMatchObject({ died: 0, lost: 0, evicted: 0, cannot_start: 0 });
    const kinds = new Set(
      end.results.map(({ host, slurm, grid_engine, rank }) => {
        if (host === 'head') return 'local';
        if (slurm !== undefined) return 'slurm';
        if (grid_engine !== undefined) return 'grid engine';
        return rank === undefined ? 'ssh' : 'mpi';
      }),
    );
    expect([...kinds].sort()).toEqual(['grid engine', 'local', 'mpi', 'slurm', 'ssh']);
  });
});
