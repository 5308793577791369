/**
 * Starts slaves on other machines by ssh, or a command like it.
 *
 *     ssh NODE 'exec /bin/sh -c "cd DIRECTORY ...; exec node bin/slave.js ..."'    < secret and environment
 *
 * The secret and the environment go over stdin, as one line of JSON, so that nobody sees them in a list of
 * processes. stdin stays open: a line `kill` ends the slave, for the end of ssh itself would not.
 */
import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from './launcher.js';
import { COMMAND_PACE } from './pace.js';
import { quote } from './quote.js';
import { type ScriptOptions, slave_script } from './script.js';
import { kill_process, spawn_process } from './spawn.js';

export interface SshLauncherOptions extends ScriptOptions {
  /** Words before the name of the node. */
  ssh_command: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Names of the master's environment variables that the slave gets too. */
  forward_env: readonly string[];
  /** Reach the master through the ssh connection itself. */
  tunnel: boolean;
}

/** Nobody is there to answer questions; a node that is dead or gone is found out in time. */
const OPENSSH_OPTIONS = [
  ...['-o', 'BatchMode=yes'],
  ...['-o', 'ConnectTimeout=20'],
  ...['-o', 'ServerAliveInterval=15'],
  ...['-o', 'ServerAliveCountMax=3'],
];
/** ssh's own failure, if it is not the slave's exit code. */
const EXIT_SSH = 255;
/** From the order to end the slave to the end of ssh, ms. */
const KILL_GRACE = 1500;
/** Ports on the node of which a tunnel takes one: above those of services, below those the system gives out. */
const [LOWEST_TUNNEL, HIGHEST_TUNNEL] = [20_000, 32_000];

export class SshLauncher implements Launcher {
  readonly kind = 'ssh';
  readonly host: string;
  readonly reach: 'local' | 'network';
  readonly pace = COMMAND_PACE;
  readonly #options: SshLauncherOptions;

  constructor(nodename: string, options: SshLauncherOptions) {
    this.host = nodename;
    this.#options = options;
    // the tunnel ends at the master's own loopback
    this.reach = options.tunnel ? 'local' : 'network';
  }

  /** The words to run. `tunnel_port` is the port on the node that leads to the master. */
  command(order: LaunchOrder, tunnel_port = 0): string[] {
    const { ssh_command } = this.#options;
    const is_openssh = basename(ssh_command[0] ?? '') === 'ssh';
    const there = this.#options.tunnel ? through_tunnel(order, tunnel_port) : { order, words: [] };
    const script = slave_script(there.order, 'stdin', this.#options);
    return [
      ...ssh_command,
      ...(is_openssh ? OPENSSH_OPTIONS : []),
      ...there.words,
      this.host,
      `exec /bin/sh -c ${quote(script)}`,
    ];
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    return orders.map((order) => this.#start(order));
  }

  #start(order: LaunchOrder): LaunchedProcess {
    const command = this.command(order, randomInt(LOWEST_TUNNEL, HIGHEST_TUNNEL));
    const { pid, stdin, ended } = spawn_process(command, {
      env: process.env,
      log_file: order.log_file,
      append: order.launch > 0,
      has_stdin: true,
    });
    stdin?.write(`${stdin_line(order, this.#options)}\n`);
    return new SshProcess(command, pid, ended, () => {
      stdin?.end('kill\n');
      setTimeout(() => kill_process(pid), KILL_GRACE).unref();
    });
  }
}

class SshProcess implements LaunchedProcess {
  readonly command: readonly string[];
  readonly pid: number | undefined;
  readonly ended: Promise<ProcessEnd>;
  /** ssh is gone, and the slave may not be. */
  is_unwatched = false;
  readonly #kill: () => void;

  constructor(command: string[], pid: number | undefined, ended: Promise<ProcessEnd>, kill: () => void) {
    this.command = command;
    this.pid = pid;
    this.#kill = kill;
    this.ended = ended.then((end) => {
      this.is_unwatched = end.exit_code === EXIT_SSH || end.signal !== undefined;
      return end;
    });
  }

  kill(): void {
    this.#kill();
  }
}

/** What a slave reads first. A variable that is null there is to be unset. */
export function stdin_line(
  { secret }: LaunchOrder,
  { env, forward_env }: Pick<SshLauncherOptions, 'env' | 'forward_env'>,
): string {
  const all: Record<string, string | null | undefined> = {};
  for (const name of forward_env) all[name] = process.env[name];
  for (const [name, value] of Object.entries(env)) all[name] = value ?? null;
  return JSON.stringify({ secret, env: all });
}

/** sshd listens on its node's loopback, and what comes there goes to the master. */
function through_tunnel(order: LaunchOrder, port: number): { order: LaunchOrder; words: string[] } {
  const [address = ''] = order.addresses;
  const is_encrypted = address.startsWith('tls://');
  const target = address.replace('tls://', '');
  const near = `${is_encrypted ? 'tls://' : ''}127.0.0.1:${port}`;
  return {
    order: { ...order, addresses: [near] },
    words: ['-o', 'ExitOnForwardFailure=yes', '-R', `127.0.0.1:${port}:${target}`],
  };
}
