/**
 * Starts slaves on this machine.
 *
 * A slave leads a process group of its own: Ctrl-C in the master's terminal does not reach it, and it can
 * be killed with all that its tasks started. It is started by node:child_process itself: to load a
 * process library would take a third of the time in which the first result is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Deferred } from '../base/deferred.js';
import { inherited_flags, SLAVE_SCRIPT, slave_arguments } from './command.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from './launcher.js';

export interface LocalLauncherOptions {
  env?: Readonly<Record<string, string | undefined>> | undefined;
  node_flags?: readonly string[] | undefined;
  nice?: number | undefined;
}

/** Large buffers come in huge pages where the kernel allows it: sending them is up to twice as fast. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';

/** How often it is looked whether a process that is no child of ours lives, ms. */
const LOOK_EVERY = 250;

/** Groups that must not outlive this process. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const pid of groups) kill_group(pid);
});

function kill_group(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left in it
  }
}

function is_alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class LocalLauncher implements Launcher {
  readonly host = 'localhost';
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

  start(order: LaunchOrder): LaunchedProcess {
    const command = this.command(order);
    const [file, ...words] = command as [string, ...string[]];
    const log = openSync(order.log_file, order.launch === 0 ? 'w' : 'a');
    let child: ChildProcess;
    try {
      child = spawn(file, words, {
        env: {
          GLIBC_TUNABLES: HUGE_PAGES,
          ...process.env,
          ...this.#options.env,
          PARJOB_SECRET: order.secret,
        },
        stdio: ['ignore', log, log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    child.unref();
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    const ended = new Deferred<ProcessEnd>();
    child.once('error', (error) => ended.resolve({ exit_code: undefined, signal: undefined, error }));
    child.once('exit', (exit_code, signal) => {
      // what its tasks left behind; the group's number is not given anew while anyone is in it
      if (pid !== undefined) kill_group(pid);
      if (pid !== undefined) groups.delete(pid);
      ended.resolve({ exit_code: exit_code ?? undefined, signal: signal ?? undefined, error: undefined });
    });
    return {
      command,
      pid,
      ended: ended.promise,
      kill: () => {
        if (pid !== undefined && groups.has(pid)) kill_group(pid);
      },
    };
  }

  /** It is no child of ours: whether it lives must be looked at now and then. */
  adopt(pid: number): LaunchedProcess {
    groups.add(pid);
    const ended = new Deferred<ProcessEnd>();
    const looking = setInterval(() => {
      if (is_alive(pid)) return;
      clearInterval(looking);
      kill_group(pid);
      groups.delete(pid);
      ended.resolve({ exit_code: undefined, signal: undefined, error: undefined });
    }, LOOK_EVERY).unref();
    const kill = () => {
      if (groups.has(pid)) kill_group(pid);
    };
    return { command: ['(started by an earlier master)'], pid, ended: ended.promise, kill };
  }
}
