/** CommandSlave: a slave that any command line starts. */
import {
  A_BOOLEAN,
  A_STRING,
  check_options,
  either,
  one_of,
  STRING_RECORD,
  STRINGS,
} from '../../base/options.js';
import { UsageError } from '../../errors.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { COMMAND_PACE } from '../../launch/pace.js';
import { Slave } from '../slave.js';
import { check_argument } from './option_tables.js';

/** Options of a CommandSlave. */
export interface CommandSlaveOptions {
  /**
   * How the secret of the job gets there: in the first line of the command's stdin; in a file of the working directory,
   * which then must be shared; or in its environment, as PARJOB_SECRET.
   * @default 'stdin'
   */
  secret?: 'stdin' | 'file' | 'env' | undefined;
  /**
   * The slave runs on this machine, and reaches the master by loopback.
   * @default false
   */
  is_local?: boolean | undefined;
  /** Environment variables, over those of the master; undefined unsets one. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Names of the master's environment variables that go along with a secret by stdin. */
  forward_env?: readonly string[] | undefined;
  /** Flags for node, after those of the master. */
  node_flags?: readonly string[] | undefined;
}

/**
 * A slave that is started by a command line of yours. In it `{command}` stands for the words that start the slave, and
 * `{name}`, `{id}` and `{cwd}` for its name, its number and the working directory. Give words, or text for the shell.
 * @throws UsageError (PARJOB_ERR_USAGE) when `{command}` is not in it, or for an option that cannot be
 * @example new CommandSlave('docker run -i --rm -v {cwd}:{cwd} -w {cwd} node:22 {command}')
 */
export class CommandSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(command: string | readonly string[], options: CommandSlaveOptions = {}) {
    super();
    check_argument('CommandSlave', 'command', command, either(A_STRING, STRINGS));
    check_options('CommandSlave', options, {
      secret: one_of('stdin', 'file', 'env'),
      is_local: A_BOOLEAN,
      env: STRING_RECORD,
      forward_env: STRINGS,
      node_flags: STRINGS,
    });
    if (typeof command === 'string' ? !command.includes('{command}') : !command.includes('{command}')) {
      throw new UsageError(
        'CommandSlave: the command must hold {command}, as a word of its own, where the words that start the slave belong: ' +
          "new CommandSlave('nice {command}')",
      );
    }
    const { secret = 'stdin', is_local = false, env = {}, forward_env = [], node_flags = [] } = options;
    const [first = 'command'] = typeof command === 'string' ? command.split(' ') : command;
    const reach = is_local ? 'local' : 'network';
    const facts = { kind: 'command', host: first, reach, pace: COMMAND_PACE } as const;
    this.launcher = new LazyLauncher(facts, async () => {
      const { CommandLauncher } = await import('../../launch/command_launcher.js');
      return new CommandLauncher({
        template: command,
        secret,
        is_local,
        env,
        forward_env,
        node_flags,
      });
    });
  }
}
