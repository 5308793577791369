/** Slurm: sbatch, squeue, scancel, as in their manual pages of 22.05 to 24.11. */
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
import { array_script } from './script.js';

/** Options of slaves that Slurm starts. */
export interface SlurmOptions extends BatchOptions {
  /** Partition: sbatch's --partition. */
  partition?: string | undefined;
  /** Quality of service: sbatch's --qos. */
  qos?: string | undefined;
  /** Features that nodes must have: sbatch's --constraint. */
  constraint?: string | undefined;
  /** Such as `gpu:1`: sbatch's --gres. */
  gres?: string | undefined;
}

/** The job would wait for ever for what it cannot have. */
const HOPELESS =
  /^(BadConstraints|InvalidAccount|InvalidQOS|PartitionNodeLimit|PartitionTimeLimit|DependencyNeverSatisfied)$/;
const PENDING = /^(PENDING|CONFIGURING|REQUEUED|REQUEUE_HOLD|REQUEUE_FED|SPECIAL_EXIT|RESV_DEL_HOLD)$/;
/** COMPLETING does not say yet how it ends. */
const RUNNING = /^(RUNNING|COMPLETING|SUSPENDED|STOPPED|SIGNALING|STAGE_OUT|RESIZING)$/;
const EVICTED = /^(TIMEOUT|PREEMPTED|NODE_FAIL|CANCELLED|BOOT_FAIL|DEADLINE|REVOKED)$/;
/** Width of squeue's columns, in characters. */
const COLUMN = 60;
const FIELDS = ['JobArrayID', 'State', 'Reason', 'exit_code'];

export class Slurm implements BatchSystem {
  readonly kind = 'slurm';
  readonly title = 'Slurm';
  readonly #options: SlurmOptions;

  constructor(options: SlurmOptions) {
    this.#options = options;
  }

  submit(orders: readonly LaunchOrder[]): Submission {
    const [{ jobname, cwd }] = orders as [LaunchOrder];
    const { time, partition, memory, cpus, account, qos, constraint, gres, extra_args = [] } = this.#options;
    const command = [
      ...['sbatch', '--parsable', '--job-name', jobname, '--array', `0-${orders.length - 1}`],
      // what a slave prints goes to its own file; a slave that is lost is launched again by its master
      ...['--chdir', cwd, '--output', '/dev/null', '--no-requeue'],
      ...option_words('--time', time === undefined ? undefined : format_walltime(walltime_seconds(time))),
      ...option_words('--partition', partition),
      ...option_words('--mem', typeof memory === 'number' ? `${Math.ceil(memory / 2 ** 20)}M` : memory),
      ...option_words('--cpus-per-task', cpus),
      ...option_words('--account', account),
      ...option_words('--qos', qos),
      ...option_words('--constraint', constraint),
      ...option_words('--gres', gres),
      ...extra_args,
    ];
    const ends_at = `\${SLURM_JOB_END_TIME:-${end_of(time) ?? ''}}`;
    const script = { ...this.#options, index: '$SLURM_ARRAY_TASK_ID', first: 0, ends_at };
    return { command, input: array_script(orders, script) };
  }

  read_job_id(stdout: string): string | undefined {
    return /^(\d+)(;[\w.-]+)?$/m.exec(stdout.trim())?.[1];
  }

  element(job_id: string, i: number): string {
    return `${job_id}_${i}`;
  }

  status_command(job_ids: readonly string[]): string[] {
    const format = FIELDS.map((field) => `${field}:${COLUMN}`).join(',');
    return [
      'squeue',
      '--noheader',
      '--array',
      '--states=all',
      `--Format=${format}`,
      `--jobs=${job_ids.join(',')}`,
    ];
  }

  read_status(stdout: string): Map<string, JobStatus> {
    const statuses = new Map<string, JobStatus>();
    for (const line of stdout.split('\n')) {
      const [element = '', state = '', reason = '', exit] = FIELDS.map((_, i) =>
        line.slice(i * COLUMN, (i + 1) * COLUMN).trim(),
      );
      if (element !== '') statuses.set(element, status_of(state, reason, Number(exit)));
    }
    return statuses;
  }

  /** All jobs that were asked for may be forgotten. */
  is_answer(exit_code: number | undefined, stderr: string): boolean {
    return exit_code === 0 || /Invalid job id/i.test(stderr);
  }

  cancel_command(elements: readonly string[]): string[] {
    return ['scancel', '--quiet', ...elements];
  }
}

/** `wait_status` as of wait(2): the exit code stands in its second byte. */
function status_of(state: string, reason: string, wait_status: number): JobStatus {
  const why = reason === '' || reason === 'None' ? undefined : reason;
  if (PENDING.test(state)) return { state: 'pending', reason: why, is_hopeless: HOPELESS.test(reason) };
  if (RUNNING.test(state)) return { state: 'running' };
  return {
    state: 'ended',
    reason: state,
    is_evicted: EVICTED.test(state),
    exit_code: state === 'FAILED' && wait_status > 255 ? wait_status >> 8 : undefined,
  };
}
