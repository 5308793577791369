/** MasterRun: masters/master.js on a host of a bed, and what it tells. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { JobOptions } from '../../../src/index.js';
import type { Bed } from './bed.js';
import type { HeadProcess } from './head_process.js';

/** What a master is to do. */
export interface Order {
  /** Calls that make its slaves: name of the function or class, and its arguments. */
  slaves?: readonly (readonly [string, ...unknown[]])[];
  /** The class of its Job, and its arguments before the slaves. Default: Job. */
  job?: readonly [string, ...unknown[]];
  job_options?: JobOptions;
  /** Names of tasks in masters/tasks.js, with their arguments. */
  tasks: readonly (readonly [string, ...unknown[]])[];
  /** After so many results something throws, and nobody catches it. */
  throw_after?: number;
  /** From the end of the run to the stop of the job, ms. */
  hold?: number;
}

/** What a task returns: see masters/tasks.js. */
interface Where {
  value: unknown;
  host: string;
  pid: number;
  cwd: string;
  slurm?: string;
  node?: string;
  grid_engine?: string;
  rank?: string;
  variable?: string;
}

export interface RunEnd {
  results: Where[];
  failures: Record<string, number>;
  /** The most slaves that the job had. */
  largest: number;
}

const MASTER = fileURLToPath(new URL('./masters/master.js', import.meta.url));
/** A run of a few seconds on an idle machine. */
const RUN_TIME = 90_000;

/** `count` tasks that sleep for `ms`, and what they return. */
export function squares(count: number, ms: number): ['square', number, number][] {
  return Array.from({ length: count }, (_, i) => ['square', i, ms]);
}

/** The words that start a master. */
export function master_words({ slaves = [], job = ['Job'], ...rest }: Order): string[] {
  return [process.execPath, MASTER, JSON.stringify({ slaves, job, ...rest })];
}

/** Reads what a master has told at the end of its run. */
export function read_end(stdout: string): RunEnd {
  const line = stdout.match(/^end (.*)$/m)?.[1];
  if (line === undefined) expect.fail(`the run has not come to its end: ${stdout}`);
  return JSON.parse(line) as RunEnd;
}

/** Fails unless the results are those of `squares`. */
export function expect_squares({ results }: RunEnd, count: number): void {
  expect(results.map((result) => result?.value)).toEqual(Array.from({ length: count }, (_, i) => i * i));
}

export class MasterRun {
  readonly process: HeadProcess;

  constructor(bed: Bed, folder: string, order: Order, host = 'head') {
    this.process = bed.start_on(host, master_words(order), { cwd: folder, env: { BED_TEST: "it's $HOME" } });
  }

  /** Resolves when so many lines begin with `word`. */
  async told(word: string, count = 1, limit = RUN_TIME): Promise<void> {
    await this.process.printed(new RegExp(`(^${word} [^]*?){${count}}`, 'm'), limit);
  }

  /** Waits until the master has stopped its job and ended well. */
  async end(): Promise<RunEnd> {
    await this.process.printed(/^stopped$/m, RUN_TIME);
    const { exit_code, stdout, stderr } = await this.process.ended;
    expect(exit_code, stderr).toBe(0);
    return read_end(stdout);
  }
}
