/**
 * Spawn: the one file that starts processes which live as long as a slave.
 *
 * Each leads a process group of its own: Ctrl-C in the master's terminal does not reach it, and it can be
 * killed with all that it started. They are started by node:child_process itself: to load a process library
 * would take a third of the time in which the first result is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { Deferred } from '../base/deferred.js';
import type { ProcessEnd } from './launcher.js';

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

/** Kills the group of a process that was spawned or taken over here, while it is there. */
export function kill_process(pid: number | undefined): void {
  if (pid !== undefined && groups.has(pid)) kill_group(pid);
}

export interface SpawnOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** Takes what it prints on stderr and, unless `reads_stdout`, on stdout. */
  log_file: string;
  /** Keep what stands in that file. */
  append: boolean;
  /** Its stdin is a pipe, else empty. */
  has_stdin?: boolean | undefined;
  /** Its stdout is a pipe. */
  reads_stdout?: boolean | undefined;
}

export interface SpawnedProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** Resolves when it has ended, or could not be started. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
}

/** @throws Error when the log file cannot be opened */
export function spawn_process(command: readonly string[], options: SpawnOptions): SpawnedProcess {
  const [file, ...words] = command as [string, ...string[]];
  const log = openSync(options.log_file, options.append ? 'a' : 'w');
  let child: ChildProcess;
  try {
    child = spawn(file, words, {
      env: options.env,
      stdio: [
        options.has_stdin === true ? 'pipe' : 'ignore',
        options.reads_stdout === true ? 'pipe' : log,
        log,
      ],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
  child.unref();
  for (const stream of [child.stdin, child.stdout]) {
    // a process that is gone does not read; its end says more
    stream?.on('error', () => {});
    (stream as { unref?: () => void } | null)?.unref?.();
  }
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);
  const ended = new Deferred<ProcessEnd>();
  child.once('error', (error) => ended.resolve({ exit_code: undefined, signal: undefined, error }));
  child.once('exit', (exit_code, signal) => {
    // what it left behind; the group's number is not given anew while anyone is in it
    if (pid !== undefined) kill_group(pid);
    if (pid !== undefined) groups.delete(pid);
    ended.resolve({ exit_code: exit_code ?? undefined, signal: signal ?? undefined, error: undefined });
  });
  return { pid, stdin: child.stdin, stdout: child.stdout, ended: ended.promise };
}

/** How often it is looked whether a process that is no child of ours lives, ms. */
const LOOK_EVERY = 250;

/** Watches a process that another one started, as if it had been spawned here. */
export function take_over_process(pid: number): Promise<ProcessEnd> {
  groups.add(pid);
  const ended = new Deferred<ProcessEnd>();
  const looking = setInterval(() => {
    if (is_alive(pid)) return;
    clearInterval(looking);
    kill_group(pid);
    groups.delete(pid);
    ended.resolve({ exit_code: undefined, signal: undefined, error: undefined });
  }, LOOK_EVERY).unref();
  return ended.promise;
}

function is_alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
