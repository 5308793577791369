/** What a bed can be made of on this machine, and what to install for the rest. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** `netns`: hosts in network namespaces; the others are what their names say. */
export type Component = 'ssh' | 'netns' | 'slurm' | 'grid_engine' | 'mpi' | 'blast';

export type Capability = { here: true } | { here: false; reason: string; install: string };

interface Need {
  programs: readonly string[];
  /** More files that must be there. */
  files?: readonly string[];
  packages: string;
  as_root: boolean;
}

const NEEDS: Readonly<Record<Component, Need>> = {
  blast: { programs: ['blastp', 'makeblastdb'], packages: 'ncbi-blast+', as_root: false },
  ssh: {
    programs: ['ssh', 'sshd', 'ssh-keygen'],
    packages: 'openssh-server openssh-client',
    as_root: false,
  },
  netns: {
    programs: ['ip', 'tc', 'nsenter', 'unshare', 'nft', 'pgrep', 'sshd', 'ssh', 'ssh-keygen'],
    files: ['/usr/bin/python3'],
    packages: 'iproute2 nftables util-linux procps python3-minimal openssh-server openssh-client',
    as_root: true,
  },
  slurm: {
    programs: ['slurmctld', 'slurmd', 'sbatch', 'scontrol', 'munged'],
    packages: 'slurm-wlm munge',
    as_root: true,
  },
  grid_engine: {
    programs: ['sge_qmaster', 'sge_execd', 'qsub', 'qrsh'],
    files: ['/usr/lib/gridengine/spoolinit', '/usr/share/gridengine/default-configuration'],
    packages: 'gridengine-master gridengine-exec gridengine-client',
    as_root: true,
  },
  mpi: { programs: ['mpirun'], packages: 'openmpi-bin', as_root: false },
};

/** Where daemons lie, though not in everybody's PATH. */
const PATH = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

function is_executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined if the kernel makes the namespaces that a host consists of, and a cable between two. */
function why_no_namespaces(): string | undefined {
  const host = ['--net', '--uts', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const cable = ['ip', 'link', 'add', 'bed0', 'type', 'veth', 'peer', 'name', 'bed1'];
  try {
    execFileSync('unshare', [...host, ...cable], { stdio: 'pipe', env: { PATH: PATH.join(':') } });
    return undefined;
  } catch (error) {
    return `no namespaces can be made: ${(error as { stderr?: Buffer }).stderr?.toString().trim()}`;
  }
}

function capability(component: Component): Capability {
  const { programs, files = [], packages, as_root } = NEEDS[component];
  const install = `apt-get install ${packages}   (or all of them: test/cluster/bed/install.sh)`;
  const missing = [
    ...programs.filter((name) => !PATH.some((folder) => is_executable(`${folder}/${name}`))),
    ...files.filter((file) => !is_executable(file) && !is_readable(file)),
  ];
  if (missing.length > 0) return { here: false, reason: `there is no ${missing.join(', ')}`, install };
  if (as_root && process.getuid?.() !== 0) {
    return { here: false, reason: 'it needs root', install: 'run the tests as root' };
  }
  const reason = component === 'netns' ? why_no_namespaces() : undefined;
  return reason === undefined
    ? { here: true }
    : { here: false, reason, install: 'run the tests where unshare(1) is allowed' };
}

function is_readable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

let found: Readonly<Record<Component, Capability>> | undefined;

/** What can be had here; looked up once. */
export function capabilities(): Readonly<Record<Component, Capability>> {
  found ??= {
    blast: capability('blast'),
    ssh: capability('ssh'),
    netns: capability('netns'),
    slurm: capability('slurm'),
    grid_engine: capability('grid_engine'),
    mpi: capability('mpi'),
  };
  return found;
}

/**
 * A suite for machines that have `needed`. Elsewhere it is skipped, and says what would have to be installed;
 * where PARJOB_REQUIRE_CLUSTER is 1 it fails instead.
 */
export function describe_with(
  needed: Component | readonly Component[],
  name: string,
  suite: () => void,
): void {
  const components = typeof needed === 'string' ? [needed] : needed;
  const obstacles = components.flatMap((component) => {
    const found = capabilities()[component];
    return found.here ? [] : [`${component}: ${found.reason}; ${found.install}`];
  });
  if (obstacles.length === 0) {
    describe(name, suite);
    return;
  }
  if (process.env['PARJOB_REQUIRE_CLUSTER'] === '1') {
    describe(name, () => {
      it('has all that it needs on this machine', () => expect.fail(obstacles.join('\n')));
    });
    return;
  }
  console.warn(`skipped: ${name}\n  ${obstacles.join('\n  ')}`);
  describe.skip(name, suite);
}
