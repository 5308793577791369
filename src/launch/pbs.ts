/** PBS: qsub, qstat, qdel of OpenPBS/PBS Pro 2022 and of Torque 6, written from their manuals; not tried on a real one. */
import {
  type BatchOptions,
  type BatchSystem,
  end_of,
  type JobStatus,
  option_words,
  type Submission,
} from './batch_system.js';
import { format_walltime, walltime_seconds } from './duration.js';
import type { LaunchOrder } from './launcher.js';
import { array_script, first_set } from './script.js';

/** Options of slaves that PBS starts. */
export interface PbsOptions extends BatchOptions {
  /** Queue: qsub's -q. */
  queue?: string | undefined;
  /** Whose qsub it is: their array jobs and resources differ. @default 'openpbs', which is PBS Pro too */
  flavour?: 'openpbs' | 'torque' | undefined;
}

/** Longest name of a job that all versions take. */
const LONGEST_NAME = 15;
const ENDED = /^[CEFX]$/;

export class Pbs implements BatchSystem {
  readonly kind = 'pbs';
  readonly title = 'PBS';
  readonly #options: PbsOptions;

  constructor(options: PbsOptions) {
    this.#options = options;
  }

  get #is_torque(): boolean {
    return this.#options.flavour === 'torque';
  }

  submit(orders: readonly LaunchOrder[]): Submission {
    const [{ jobname }] = orders as [LaunchOrder];
    const { time, account, queue, extra_args = [] } = this.#options;
    const walltime = time === undefined ? [] : [`walltime=${format_walltime(walltime_seconds(time))}`];
    const command = [
      ...['qsub', '-N', job_name(jobname), '-S', '/bin/sh', '-V', '-j', 'oe', '-o', '/dev/null'],
      // OpenPBS knows no array of one
      ...(orders.length === 1 ? [] : [this.#is_torque ? '-t' : '-J', `0-${orders.length - 1}`]),
      ...[...this.#resources(), ...walltime].flatMap((resource) => ['-l', resource]),
      ...option_words('-A', account),
      ...option_words('-q', queue),
      ...extra_args,
    ];
    const index = first_set('PBS_ARRAY_INDEX', 'PBS_ARRAYID');
    const script = { ...this.#options, index, first: 0, ends_at: end_of(time) };
    return { command, input: array_script(orders, script) };
  }

  #resources(): string[] {
    const { cpus, memory } = this.#options;
    const mem = typeof memory === 'number' ? `${Math.ceil(memory / 2 ** 20)}mb` : memory;
    if (this.#is_torque) {
      return [
        ...(cpus === undefined ? [] : [`nodes=1:ppn=${cpus}`]),
        ...(mem === undefined ? [] : [`mem=${mem}`]),
      ];
    }
    if (cpus === undefined && mem === undefined) return [];
    return [`select=1:ncpus=${cpus ?? 1}${mem === undefined ? '' : `:mem=${mem}`}`];
  }

  /** `1234.server`, `1234[].server` */
  read_job_id(stdout: string): string | undefined {
    return /^\d+(\[\])?(\.[\w.-]+)?$/m.exec(stdout.trim())?.[0];
  }

  element(job_id: string, i: number, count: number): string {
    return count === 1 ? job_id : job_id.replace(/^(\d+)(\[\])?/, `$1[${i}]`);
  }

  status_command(job_ids: readonly string[]): string[] {
    return ['qstat', '-t', ...job_ids];
  }

  /** Its table cuts names off: a job is known by its number, with the server that it was submitted to. */
  read_status(stdout: string): Map<string, JobStatus> {
    const statuses = new Map<string, JobStatus>();
    for (const line of stdout.split('\n')) {
      const words = line.trim().split(/\s+/);
      const [id = ''] = words;
      const letter = words.at(-2) ?? '';
      if (/^\d+(\[\d+\])?(\.|$)/.test(id) && /^[A-Z]$/.test(letter))
        statuses.set(short_id(id), status_of(letter));
    }
    return new ByShortId(statuses);
  }

  is_answer(exit_code: number | undefined, stderr: string): boolean {
    return exit_code === 0 || /Unknown Job|has finished|Job not found/i.test(stderr);
  }

  cancel_command(elements: readonly string[]): string[] {
    return ['qdel', ...elements];
  }
}

/** `1234[3]` of `1234[3].server.example.org` */
function short_id(id: string): string {
  return id.split('.')[0] as string;
}

/** Finds a job by its full id, or by what a table shows of it. */
class ByShortId extends Map<string, JobStatus> {
  override get(id: string): JobStatus | undefined {
    return super.get(short_id(id));
  }
}

function job_name(jobname: string): string {
  const name = jobname.replace(/[^\w.-]/g, '_').slice(0, LONGEST_NAME);
  return /^[A-Za-z]/.test(name) ? name : `j${name}`.slice(0, LONGEST_NAME);
}

function status_of(letter: string): JobStatus {
  if (ENDED.test(letter)) return { state: 'ended', reason: letter };
  if (/^[RB]$/.test(letter)) return { state: 'running' };
  return { state: 'pending', reason: letter === 'H' ? 'on hold' : letter };
}
