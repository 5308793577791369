/** Slaves of other machines: what may be said of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CommandSlave,
  LocalSlave,
  lsf_slaves,
  mpi_slaves,
  pbs_slaves,
  SgePeJob,
  SgePeSlave,
  SgeQsubJob,
  SgeQsubSlave,
  type Slave,
  SlurmJob,
  SlurmSlave,
  SshSlave,
  sge_pe_slaves,
  sge_qsub_slaves,
  slurm_allocation_slaves,
  slurm_slaves,
  ssh_slaves,
} from '../../src/index.js';
import { unit_folder } from '../kit/fake_slave.js';

afterEach(() => vi.unstubAllEnvs());

const REFUSED = expect.objectContaining({ code: 'PARJOB_ERR_USAGE' });

/** `ssh node1`, `local` */
function brief(slaves: readonly Slave[]): string[] {
  return slaves.map((slave) =>
    slave instanceof LocalSlave ? 'local' : `${slave.launcher.kind} ${slave.launcher.host}`,
  );
}

describe('SshSlave', () => {
  it.each(['node7', 'me@node7.cluster', '10.0.0.7', 'fe80::1%eth0', '[::1]'])('takes a node: %s', (node) => {
    expect(new SshSlave(node).launcher).toMatchObject({ kind: 'ssh', host: node, reach: 'network' });
  });

  it.each(['', '-oProxyCommand=id', 'node 7', 'node7;id', '$(id)', "a'b", undefined, 7])(
    'refuses what is none: %j',
    (node) => {
      expect(() => new SshSlave(node as string)).toThrow(REFUSED);
      expect(() => new SshSlave(node as string)).toThrow(
        /SshSlave: nodename must be the name or address of a node/,
      );
    },
  );

  it.each([
    [{ ssh_comand: 'ssh' }, /ssh_comand/],
    [{ ssh_command: 7 }, /ssh_command/],
    [{ env: ['A=b'] }, /env/],
    [{ env: { A: 7 } }, /env/],
    [{ forward_env: 'A' }, /forward_env/],
    [{ tunnel: 'yes' }, /tunnel/],
    [{ setup: 'module load node' }, /setup/],
  ])('refuses options that cannot be: %j', (options, text) => {
    expect(() => new SshSlave('node7', options as object)).toThrow(REFUSED);
    expect(() => new SshSlave('node7', options as object)).toThrow(text);
  });

  it('reaches the master by its own connection with a tunnel', () => {
    expect(new SshSlave('node7', { tunnel: true }).launcher.reach).toBe('local');
  });
});

describe('ssh_slaves', () => {
  it('are one for each slot of a machine file, and local ones for localhost', () => {
    const file = join(unit_folder(), 'mfile');
    writeFileSync(file, '# ours\nnode1:2\nlocalhost slots=2\n1/node2\n');
    expect(brief(ssh_slaves(file))).toEqual(['ssh node1', 'ssh node1', 'local', 'local', 'ssh node2']);
    expect(brief(ssh_slaves(['node1', 'node1', '127.0.0.1']))).toEqual(['ssh node1', 'ssh node1', 'local']);
    expect(ssh_slaves([])).toEqual([]);
  });

  it('are refused with the file and the line', () => {
    const folder = unit_folder();
    writeFileSync(join(folder, 'mfile'), 'node1\nnode2 cores=3\n');
    mkdirSync(join(folder, 'dir'));
    expect(() => ssh_slaves(join(folder, 'mfile'))).toThrow(
      /mfile, line 2: the word "cores=3" is not understood/,
    );
    expect(() => ssh_slaves(['node1', 'x y'])).toThrow(/the list of machines, line 2/);
    expect(() => ssh_slaves(join(folder, 'none'))).toThrow(
      /ssh_slaves: the machine file cannot be read: ENOENT.*an array of hosts/,
    );
    expect(() => ssh_slaves(join(folder, 'dir'))).toThrow(REFUSED);
    expect(() => ssh_slaves(7 as never)).toThrow(REFUSED);
  });
});

describe('slaves of batch systems', () => {
  const makers = [
    ['slurm_slaves', slurm_slaves, 'slurm Slurm'],
    ['sge_qsub_slaves', sge_qsub_slaves, 'grid_engine Grid Engine'],
    ['pbs_slaves', pbs_slaves, 'pbs PBS'],
    ['lsf_slaves', lsf_slaves, 'lsf LSF'],
  ] as const;

  it.each(makers)('%s: so many, of one launcher, so that one command submits them', (_name, make, kind) => {
    const slaves = make(3, {
      time: '1:00:00',
      memory: 2 ** 30,
      cpus: 2,
      account: 'a',
      extra_args: ['-x'],
      setup: ['true'],
      env: { A: undefined },
      node_flags: [],
    });
    expect(brief(slaves)).toEqual([kind, kind, kind]);
    expect(new Set(slaves.map(({ launcher }) => launcher)).size).toBe(1);
    expect(make(0)).toEqual([]);
    expect(make(1)[0]?.launcher).not.toBe(make(1)[0]?.launcher);
  });

  it.each(makers)('%s: refuses what cannot be', (_name, make) => {
    for (const n of [-1, 1.5, '3', undefined]) expect(() => make(n as number)).toThrow(REFUSED);
    for (const time of ['90', '', 0, -1, Number.NaN, '1-12:30', true])
      expect(() => make(1, { time: time as string }), String(time)).toThrow(
        /time: expected text such as '1:30:00' or '2-00:00:00', or a number of ms|time/,
      );
    expect(() => make(1, { cpus: 0 })).toThrow(/cpus/);
    expect(() => make(1, { memory: -1 })).toThrow(/memory/);
    expect(() => make(1, { tine: '1:00:00' } as object)).toThrow(/tine/);
    expect(() => make(1, { extra_args: '--exclusive' as never })).toThrow(/extra_args/);
  });

  it('take options of their own', () => {
    expect(() => slurm_slaves(1, { partition: 'p', qos: 'q', constraint: 'c', gres: 'gpu:1' })).not.toThrow();
    expect(() => sge_qsub_slaves(1, { queue: 'q', pe: 'smp 4', project: 'p' })).not.toThrow();
    expect(() => pbs_slaves(1, { queue: 'q', flavour: 'torque' })).not.toThrow();
    expect(() => pbs_slaves(1, { flavour: 'slurm' as never })).toThrow(/flavour/);
    expect(() => lsf_slaves(1, { queue: 'q', project: 'p' })).not.toThrow();
    expect(() => lsf_slaves(1, { partition: 'p' } as object)).toThrow(/partition/);
  });

  it('take text in the words of qsub, as MODELLER does', () => {
    expect(brief(sge_qsub_slaves(2, '-l arch=lx24-amd64'))).toHaveLength(2);
    expect(brief([new SgeQsubSlave(''), new SgeQsubSlave({ queue: 'a.q' }), new SlurmSlave()])).toHaveLength(
      3,
    );
  });

  it('make jobs that grow', async () => {
    await using slurm = new SlurmJob({ partition: 'p' }, 4);
    await using sge = new SgeQsubJob('-q a.q', 4, [new LocalSlave()], { jobname: 'x' });
    expect([slurm.length, sge.length]).toEqual([0, 1]);
    expect(() => new SlurmJob({ partition: 7 } as never, 4)).toThrow(/partition/);
    expect(() => new SlurmJob({}, 0)).toThrow(/max_slaves/);
    expect(() => new SgeQsubJob({ queue: 7 } as never, 4)).toThrow(/queue/);
  });
});

describe('slaves within an allocation of Slurm', () => {
  it('are as many as fit', () => {
    vi.stubEnv('SLURM_NTASKS', undefined);
    vi.stubEnv('SLURM_JOB_CPUS_PER_NODE', '2(x2)');
    expect(brief(slurm_allocation_slaves())).toEqual(Array(4).fill('srun srun'));
    expect(slurm_allocation_slaves(2)).toHaveLength(2);
  });

  it('are refused outside of one', () => {
    vi.stubEnv('SLURM_NTASKS', undefined);
    vi.stubEnv('SLURM_JOB_CPUS_PER_NODE', undefined);
    expect(() => slurm_allocation_slaves()).toThrow(
      /does not run within an allocation of Slurm.*use slurm_slaves/,
    );
  });
});

describe('slaves within a parallel environment of Grid Engine', () => {
  it('are one for each slot, the first of them local', async () => {
    const file = join(unit_folder(), 'pe_hostfile');
    writeFileSync(file, 'node1 2 all.q@node1 UNDEFINED\nnode2 1 all.q@node2 UNDEFINED\n');
    vi.stubEnv('PE_HOSTFILE', file);
    expect(brief(sge_pe_slaves())).toEqual(['local', 'qrsh node1', 'qrsh node2']);
    await using job = new SgePeJob([new LocalSlave()]);
    expect(brief(job)).toEqual(['local', 'qrsh node1', 'qrsh node2', 'local']);
  });

  it('are refused outside of one, and when the file cannot be read', () => {
    vi.stubEnv('PE_HOSTFILE', undefined);
    expect(() => sge_pe_slaves()).toThrow(/PE_HOSTFILE is not set.*qsub -pe NAME SLOTS/);
    vi.stubEnv('PE_HOSTFILE', '/no/such/file');
    expect(() => sge_pe_slaves()).toThrow(/the file that PE_HOSTFILE names cannot be read: ENOENT/);
  });

  it.each(['', 7, '-x'])('are on nodes: %j is none', (node) => {
    expect(() => new SgePeSlave(node as string)).toThrow(REFUSED);
  });
});

describe('mpi_slaves', () => {
  it('are started by one command', () => {
    const slaves = mpi_slaves(3, {
      hostfile: 'hosts',
      mpirun: 'mpiexec -q',
      extra_args: ['--oversubscribe'],
      env: {},
    });
    expect(brief(slaves)).toEqual(Array(3).fill('mpi mpirun'));
    expect(new Set(slaves.map(({ launcher }) => launcher)).size).toBe(1);
  });

  it.each([{ hostfile: 7 }, { mpirun: 7 }, { hosts: 'a' }])('refuse %j', (options) => {
    expect(() => mpi_slaves(1, options as object)).toThrow(REFUSED);
  });
});

describe('CommandSlave', () => {
  it('says where it is', () => {
    expect(new CommandSlave('docker run {command}').launcher).toMatchObject({
      kind: 'command',
      host: 'docker',
      reach: 'network',
    });
    expect(new CommandSlave(['nice', '{command}'], { is_local: true }).launcher).toMatchObject({
      host: 'nice',
      reach: 'local',
    });
  });

  it.each([['nice node'], [['nice', 'x{command}']], [[]], [7]])('needs {command} in %j', (command) => {
    expect(() => new CommandSlave(command as string)).toThrow(REFUSED);
  });

  it.each([{ secret: 'argv' }, { is_local: 1 }, { shell: true }])('refuses %j', (options) => {
    expect(() => new CommandSlave('{command}', options as object)).toThrow(REFUSED);
  });
});
