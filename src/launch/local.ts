/** Starts slaves on this machine. */
import { inherited_flags, SLAVE_SCRIPT, slave_arguments } from './command.js';
import type { LaunchedProcess, Launcher, LaunchOrder } from './launcher.js';
import { kill_process, spawn_process, take_over_process } from './spawn.js';

export interface LocalLauncherOptions {
  env?: Readonly<Record<string, string | undefined>> | undefined;
  node_flags?: readonly string[] | undefined;
  nice?: number | undefined;
}

/** Large buffers come in huge pages where the kernel allows it: sending them is up to twice as fast. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';

export class LocalLauncher implements Launcher {
  readonly kind = 'local';
  readonly host = 'localhost';
  readonly reach = 'local';
  readonly pace = { at_once: 16, until: 'ready' } as const;
  readonly #options: LocalLauncherOptions;

  constructor(options: LocalLauncherOptions) {
    this.#options = options;
  }

  /** The words to run, and whether the first is text for the shell. */
  command(order: LaunchOrder): string[] {
    const { node_flags = [], nice } = this.#options;
    const rest = [SLAVE_SCRIPT, ...slave_arguments(order), '--own-group'];
    const niced = nice === undefined ? [] : ['nice', '-n', String(nice)];
    const { slave_command } = order;
    if (slave_command === undefined) {
      return [...niced, process.execPath, ...inherited_flags(process.execArgv), ...node_flags, ...rest];
    }
    if (typeof slave_command !== 'string') return [...niced, ...slave_command, ...node_flags, ...rest];
    // the shell gets the rest as "$@", so nothing of it needs quoting
    return [...niced, '/bin/sh', '-c', `${slave_command} "$@"`, 'slave', ...node_flags, ...rest];
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    return orders.map((order) => this.#start(order));
  }

  #start(order: LaunchOrder): LaunchedProcess {
    const command = this.command(order);
    const { pid, ended } = spawn_process(command, {
      env: {
        GLIBC_TUNABLES: HUGE_PAGES,
        ...process.env,
        ...this.#options.env,
        PARJOB_SECRET: order.secret,
      },
      log_file: order.log_file,
      append: order.launch > 0,
    });
    return { command, pid, ended, kill: () => kill_process(pid) };
  }

  /** It is no child of ours: whether it lives must be looked at now and then. */
  adopt(pid: number): LaunchedProcess {
    const ended = take_over_process(pid);
    return { command: ['(started by an earlier master)'], pid, ended, kill: () => kill_process(pid) };
  }
}
