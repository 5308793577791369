/** Every launcher against commands that only look like those of ssh, Slurm and the others: test/fake. */
import { BatchLauncher } from '../../src/launch/batch.js';
import type { BatchSystem } from '../../src/launch/batch_system.js';
import { CommandLauncher } from '../../src/launch/command_launcher.js';
import { GridEngine } from '../../src/launch/grid_engine.js';
import { GroupLauncher } from '../../src/launch/group.js';
import type { Launcher } from '../../src/launch/launcher.js';
import { LocalLauncher } from '../../src/launch/local.js';
import { Lsf } from '../../src/launch/lsf.js';
import { mpi_group } from '../../src/launch/mpi.js';
import { Pbs } from '../../src/launch/pbs.js';
import { QrshLauncher } from '../../src/launch/qrsh.js';
import { Slurm } from '../../src/launch/slurm.js';
import { srun_group } from '../../src/launch/srun.js';
import { SshLauncher } from '../../src/launch/ssh.js';
import { type Ground, launcher_contract, type Traits } from '../contract/launcher.contract.js';
import { FakeCluster } from '../fake/cluster.js';

type Which = ConstructorParameters<typeof FakeCluster>[0];

/** A launcher among the fakes. */
function ground(launcher: () => Launcher, submit: string, which?: Which): Ground {
  const cluster = new FakeCluster(which).enter();
  cluster.hosts({ node1: {} });
  return {
    launcher: launcher(),
    hold: (reason) => cluster.hold(reason),
    release: () => cluster.release(),
    said: () =>
      JSON.stringify(
        cluster.calls().map(({ program, argv, stdin }) => [program, argv, submit === program ? stdin : '']),
      ),
    count: (program) => cluster.calls(program).length,
    refuse: (text) => cluster.misbehave(submit, { exit_code: 1, stderr: `${text}\n` }),
    babble: () => cluster.misbehave(submit, { exit_code: 0, stdout: 'good morning\n' }),
    stop: () => cluster.stop(),
  };
}

const ALONE: Traits = {
  starts_many: false,
  secret: 'stdin',
  tells_exit_code: true,

  kills: 'one',
};
const GROUP: Traits = {
  starts_many: true,
  secret: 'file',
  tells_exit_code: true,

  kills: 'all',
};
const BATCH: Traits = { ...GROUP, kills: 'one' };

function batch(name: string, system: BatchSystem, traits: Partial<Traits>, which?: Which): void {
  const submit = traits.programs?.submit ?? '';
  launcher_contract(name, { ...BATCH, ...traits }, () =>
    ground(() => new BatchLauncher(system, { env: {} }), submit, which),
  );
}

launcher_contract('local processes', { ...ALONE, secret: 'env' }, () =>
  ground(() => new LocalLauncher({}), 'none'),
);

launcher_contract('ssh', ALONE, () =>
  ground(
    () => new SshLauncher('node1', { ssh_command: ['ssh'], env: {}, forward_env: [], tunnel: false }),
    'ssh',
  ),
);

for (const secret of ['stdin', 'file', 'env'] as const) {
  const options = {
    template: ['nice', '{command}'],
    secret,
    is_local: true,
    env: {},
    forward_env: [],
    node_flags: [],
  };
  launcher_contract(`a command, the secret by ${secret}`, { ...ALONE, secret }, () =>
    ground(() => new CommandLauncher(options), 'nice'),
  );
}

launcher_contract('qrsh', { ...ALONE, secret: 'file' }, () =>
  ground(() => new QrshLauncher('node1'), 'qrsh'),
);

launcher_contract('mpirun', { ...GROUP, kills: 'none' }, () =>
  ground(() => new GroupLauncher(mpi_group({ mpirun: ['mpirun'], extra_args: [], env: {} })), 'mpirun'),
);

launcher_contract('srun', GROUP, () =>
  ground(() => new GroupLauncher(srun_group({ extra_args: [], env: {} })), 'srun'),
);

batch('Slurm', new Slurm({}), { programs: { submit: 'sbatch', status: 'squeue', cancel: 'scancel' } });

const QSUB = { submit: 'qsub', status: 'qstat', cancel: 'qdel' };
batch('Grid Engine', new GridEngine({}), { programs: QSUB, tells_exit_code: false });
batch('OpenPBS', new Pbs({}), { programs: QSUB, tells_exit_code: false }, 'openpbs');
batch('Torque', new Pbs({ flavour: 'torque' }), { programs: QSUB, tells_exit_code: false }, 'torque');
batch('LSF', new Lsf({}), { programs: { submit: 'bsub', status: 'bjobs', cancel: 'bkill' } });
