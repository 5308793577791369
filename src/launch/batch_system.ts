/**
 * BatchSystem: what is particular to Slurm, Grid Engine, PBS and LSF: command lines, scripts, and how their
 * answers read. Pure text; batch.ts runs it.
 */
import { walltime_seconds } from './duration.js';
import type { LaunchOrder } from './launcher.js';
import type { ScriptOptions } from './script.js';

/** What users say of a batch job, whatever the batch system. */
export interface BatchOptions {
  /**
   * Longest time that a slave may run, its walltime: text such as `'1:30:00'` or `'1-12:00:00'`, or ms.
   * @default what the batch system gives
   */
  time?: string | number | undefined;
  /**
   * Memory of a slave: bytes, or text in the words of the batch system, such as `'4G'`.
   * @default what the batch system gives
   */
  memory?: string | number | undefined;
  /**
   * CPUs of a slave.
   * @default what the batch system gives, as a rule 1
   */
  cpus?: number | undefined;
  /** Who pays: the account that the time is charged to. */
  account?: string | undefined;
  /** Further words for the command that submits. */
  extra_args?: readonly string[] | undefined;
  /** Lines of shell that run before the slave, such as `module load node`. */
  setup?: readonly string[] | undefined;
  /** Environment variables, over those of the master; undefined unsets one. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Flags for node, after those of the master. */
  node_flags?: readonly string[] | undefined;
}

/** An option and its value, as words of a command line; none when there is no value. */
export function option_words(flag: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [flag, String(value)];
}

/** Shell text for the end of a walltime that begins now, in seconds since 1970; undefined when there is none. */
export function end_of(time: string | number | undefined): string | undefined {
  return time === undefined ? undefined : `$(( $(date +%s) + ${walltime_seconds(time)} ))`;
}

/** Where an element of an array job stands. */
export interface JobStatus {
  state: 'pending' | 'running' | 'ended' | 'unknown';
  /** What it waits for, or what it ended with, as the batch system says it. */
  reason?: string | undefined;
  exit_code?: number | undefined;
  /** The batch system ended it, for its own reasons: walltime, preemption, a lost node, an operator. */
  is_evicted?: boolean | undefined;
  /** It will never run: an error in the queue. */
  is_hopeless?: boolean | undefined;
}

/** What is submitted at once. */
export interface Submission {
  command: readonly string[];
  /** Goes to its stdin. */
  input: string;
}

export interface BatchSystem {
  /** `slurm` */
  readonly kind: string;
  /** For people: `Slurm`. */
  readonly title: string;
  /** One array job for all orders. */
  submit(orders: readonly LaunchOrder[], script: ScriptOptions): Submission;
  /** The id of the job in the answer to `submit`; undefined when there is none. */
  read_job_id(stdout: string): string | undefined;
  /** What the batch system calls element `i`, counted from 0, of `count`. */
  element(job_id: string, i: number, count: number): string;
  /** Asks for all these jobs at once. */
  status_command(job_ids: readonly string[]): readonly string[];
  /** By element. A job that has ended and is forgotten is not among them. */
  read_status(stdout: string): Map<string, JobStatus>;
  /** Whether the status or cancel command has done its work, though it may complain of jobs that are gone. */
  is_answer(exit_code: number | undefined, stderr: string): boolean;
  cancel_command(elements: readonly string[]): readonly string[];
}
