/**
 * Launcher: how slaves' processes are started. What is common to all ways of starting them.
 *
 *     orders ─▶ start ─▶ accepted ─▶ (waits in a queue) ─▶ started ─▶ ended
 */
import type { LaunchCause } from '../errors.js';
import type { Pace } from './pace.js';

/** All that a launcher must know to start one slave. */
export interface LaunchOrder {
  /** `<jobname>.slaveN` */
  name: string;
  jobname: string;
  slave_id: number;
  /** How often this slave was launched before. */
  launch: number;
  /** Where the master listens for slaves of this launcher's reach: see net/address.ts. */
  addresses: readonly string[];
  /** Hexadecimal. Must not appear on a command line or in a log. */
  secret: string;
  /** Path of a file that holds it, in the working directory, for its owner's eyes only. Made when first asked for. */
  secret_file: () => string;
  /** Relative to `cwd`, or absolute. */
  log_file: string;
  /** The master's working directory, which is to be the slave's. */
  cwd: string;
  /** The job's slave_command option: what stands in the place of node and its flags. */
  slave_command: string | readonly string[] | undefined;
}

/** How a process ended. */
export interface ProcessEnd {
  exit_code: number | undefined;
  signal: string | undefined;
  /** Set when the process could not be started at all. */
  error: NodeJS.ErrnoException | undefined;
  /** Why, where its launcher knows better than the exit code, in words that follow the slave's name. */
  reason?: { cause: LaunchCause; text: string } | undefined;
  /** Set when its batch system ended it: what that says of it. */
  evicted?: string | undefined;
}

/** A process that was started, or is about to be, or to fail. */
export interface LaunchedProcess {
  /** The command, word by word, for people. It holds no secret. */
  readonly command: readonly string[];
  readonly pid: number | undefined;
  /** Resolves when a queue has accepted it, or it has failed. Left out where there is no queue. */
  readonly accepted?: Promise<void> | undefined;
  /** Resolves when it runs. Until then no time limit counts. Left out where it is started at once. */
  readonly started?: Promise<void> | undefined;
  /** What it waits for while it has not started, in words that follow the slave's name. */
  readonly waits_for?: string | undefined;
  /** Resolves when the process has ended, or could not be started. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Nobody can tell when it ends: only its connections say that it lives. */
  readonly is_unwatched?: boolean | undefined;
  /** Ends the process now, with all that it started. Safe to call at any time and again. */
  kill(): void;
  /** The slave has connected, so it runs. */
  has_connected?(): void;
  /** It may have ended: find out soon. */
  look?(): void;
}

/** What is to be known of a launcher before it launches. */
export interface LauncherFacts {
  /** What it starts them with: `local`, `ssh`, `slurm`. Launchers of one kind share a pace. */
  readonly kind: string;
  /** Where the slave will run, for people. */
  readonly host: string;
  /** Whether its slaves are on this machine, and reach the master by loopback. */
  readonly reach: 'local' | 'network';
  readonly pace: Pace;
}

export interface Launcher extends LauncherFacts {
  /** Starts one process for each order. @throws Error when none could be started */
  start(orders: readonly LaunchOrder[]): LaunchedProcess[] | Promise<LaunchedProcess[]>;
  /** Takes over a process that an earlier master had started; left out where only its connection tells of it. */
  adopt?(pid: number): LaunchedProcess | undefined;
}
