/** mpirun and srun: their words. How they run is in the contract of launchers. */
import { describe, expect, it } from 'vitest';
import { allocation_size } from '../../src/launch/allocation.js';
import { mpi_group } from '../../src/launch/mpi.js';
import { srun_group } from '../../src/launch/srun.js';

describe('mpirun', () => {
  it('runs the script so often, on the machines of a file', () => {
    const group = mpi_group({
      hostfile: 'my hosts',
      mpirun: ['mpirun'],
      extra_args: ['--map-by', 'node'],
      env: {},
    });
    expect(group.command(4, '/w/s.sh')).toEqual([
      ...['mpirun', '-n', '4', '--hostfile', 'my hosts', '--map-by', 'node', '/bin/sh', '/w/s.sh'],
    ]);
    expect(mpi_group({ mpirun: ['mpiexec.hydra', '-q'], extra_args: [], env: {} }).command(1, 's')).toEqual([
      ...['mpiexec.hydra', '-q', '-n', '1', '/bin/sh', 's'],
    ]);
  });

  it('knows a process by the rank that its kind of MPI gives it', () => {
    const { index } = mpi_group({ mpirun: ['mpirun'], extra_args: [], env: {} });
    for (const name of ['OMPI_COMM_WORLD_RANK', 'PMIX_RANK', 'PMI_RANK', 'MPI_LOCALRANKID'])
      expect(index).toContain(`\${${name}:-`);
  });

  it('goes on when one process fails, unless the user wants it otherwise', () => {
    const names = ['OMPI_MCA_orte', 'PRTE_MCA_prte'].map((prefix) => `${prefix}_abort_on_non_zero_status`);
    const go_on = mpi_group({ mpirun: ['mpirun'], extra_args: [], env: {} }).env;
    expect(go_on).toEqual(Object.fromEntries(names.map((name) => [name, '0'])));
    const env = { [names[0] as string]: '1', X: 'y' };
    expect(mpi_group({ mpirun: ['mpirun'], extra_args: [], env }).env).toMatchObject(env);
  });
});

describe('srun', () => {
  it('runs the script so often, and leaves the others alone when one ends', () => {
    const group = srun_group({ extra_args: ['--overlap'], env: {} });
    expect(group.command(3, '/w/s.sh')).toEqual([
      ...['srun', '--quiet', '--ntasks=3', '--kill-on-bad-exit=0', '--wait=0', '--input=none'],
      ...['--overlap', '/bin/sh', '/w/s.sh'],
    ]);
    expect(group).toMatchObject({ index: '$SLURM_PROCID', ends_at: '$SLURM_JOB_END_TIME' });
  });

  it.each([
    [{}, undefined],
    [{ SLURM_NTASKS: '6', SLURM_JOB_CPUS_PER_NODE: '72(x2)' }, 6],
    [{ SLURM_JOB_CPUS_PER_NODE: '4' }, 4],
    [{ SLURM_JOB_CPUS_PER_NODE: '4(x2),8' }, 16],
    [{ SLURM_JOB_CPUS_PER_NODE: '72(x2),36,4(x3)' }, 192],
    [{ SLURM_JOB_CPUS_PER_NODE: '8(x2)', SLURM_CPUS_PER_TASK: '4' }, 4],
    [{ SLURM_JOB_CPUS_PER_NODE: '9', SLURM_CPUS_PER_TASK: '2' }, 4],
  ])('is for as many slaves as the allocation has room: %j', (env, size) => {
    expect(allocation_size(env as Record<string, string>)).toBe(size);
  });

  it('counts no CPU that a task on another node would have to share', () => {
    // two nodes of 5 with 2 CPUs for a task: two tasks each
    expect(allocation_size({ SLURM_JOB_CPUS_PER_NODE: '5(x2)', SLURM_CPUS_PER_TASK: '2' })).toBe(4);
  });
});
