/** SshSlave: a slave on another machine, started by ssh. */
import { readFileSync } from 'node:fs';
import { A_BOOLEAN, A_STRING, check_options, either, STRING_RECORD, STRINGS } from '../../base/options.js';
import { UsageError } from '../../errors.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { is_local_host, type Machine, parse_machine_file } from '../../launch/machine_file.js';
import { COMMAND_PACE } from '../../launch/pace.js';
import { LocalSlave } from '../local_slave.js';
import { Slave } from '../slave.js';
import { A_NODE, check_argument, command_words } from './option_tables.js';

/** Options of slaves that ssh starts. */
export interface SshSlaveOptions {
  /**
   * Command that reaches the node, in the place of ssh: words, or text that is split at blanks. It gets the name
   * of the node and one word for the shell there.
   * @default 'ssh'
   */
  ssh_command?: string | readonly string[] | undefined;
  /** Environment variables of the slave; undefined unsets one. They go over the connection, not on a command line. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Names of the master's environment variables that the slave gets too. */
  forward_env?: readonly string[] | undefined;
  /** Flags for node, after those of the master. */
  node_flags?: readonly string[] | undefined;
  /** Lines of shell that run on the node before the slave, such as `module load node`. */
  setup?: readonly string[] | undefined;
  /**
   * Let the slave reach the master through the ssh connection (its -R): for a master behind a firewall or NAT.
   * @default false
   */
  tunnel?: boolean | undefined;
}

/**
 * A slave on the machine `nodename`, in the master's working directory (MODELLER's ssh_slave). Needs a login without
 * a question. Its output comes back over ssh, so no file system need be shared but where tasks need it.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 * @example job.push(new SshSlave('node7'));
 */
export class SshSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(nodename: string, options: SshSlaveOptions = {}) {
    super();
    check_argument('SshSlave', 'nodename', nodename, A_NODE);
    check_options('SshSlave', options, {
      ssh_command: either(A_STRING, STRINGS),
      env: STRING_RECORD,
      forward_env: STRINGS,
      node_flags: STRINGS,
      setup: STRINGS,
      tunnel: A_BOOLEAN,
    });
    const { ssh_command = 'ssh', env = {}, forward_env = [], node_flags, setup, tunnel = false } = options;
    // a tunnel ends at the master's own loopback
    const facts = {
      kind: 'ssh',
      host: nodename,
      reach: tunnel ? 'local' : 'network',
      pace: COMMAND_PACE,
    } as const;
    this.launcher = new LazyLauncher(facts, async () => {
      const { SshLauncher } = await import('../../launch/ssh.js');
      return new SshLauncher(nodename, {
        ssh_command: command_words(ssh_command),
        env,
        forward_env,
        node_flags,
        setup,
        tunnel,
      });
    });
  }
}

/**
 * One slave for each slot of the machines: local ones for `localhost`, others by ssh.
 * @param machines path of a machine file (MPICH, Open MPI or GNU parallel), or a list of its lines
 * @throws UsageError (PARJOB_ERR_USAGE) for a file that cannot be read or understood, with the number of the line
 * @example job.push(...ssh_slaves('mfile')); job.push(...ssh_slaves(['node1:4', 'node2:4']));
 */
export function ssh_slaves(machines: string | readonly string[], options: SshSlaveOptions = {}): Slave[] {
  return read_machines('ssh_slaves', machines).flatMap(({ host, slots }) =>
    Array.from({ length: slots }, () =>
      is_local_host(host) ? new LocalSlave() : new SshSlave(host, options),
    ),
  );
}

/** @throws UsageError (PARJOB_ERR_USAGE) */
export function read_machines(owner: string, machines: string | readonly string[]): Machine[] {
  check_argument(owner, 'machines', machines, either(A_STRING, STRINGS));
  if (typeof machines !== 'string') return parse_machine_file(machines.join('\n'), 'the list of machines');
  let text: string;
  try {
    text = readFileSync(machines, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${owner}: the machine file cannot be read: ${(error as Error).message}; give the path of a file with a host a line, or an array of hosts`,
      { cause: error },
    );
  }
  return parse_machine_file(text, machines);
}
