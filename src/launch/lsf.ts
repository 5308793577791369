/** LSF: bsub, bjobs, bkill, as in the reference of LSF 10.1; not tried on a real one. */
import {
  type BatchOptions,
  type BatchSystem,
  end_of,
  type JobStatus,
  option_words,
  type Submission,
} from './batch_system.js';
import { walltime_seconds } from './duration.js';
import type { LaunchOrder } from './launcher.js';
import { array_script } from './script.js';

/** Options of slaves that LSF starts. */
export interface LsfOptions extends BatchOptions {
  /** Queue: bsub's -q. */
  queue?: string | undefined;
  /** Project: bsub's -P. */
  project?: string | undefined;
}

const FIELDS = 'jobid jobindex stat exit_code exit_reason pend_reason';
/** LSF ended it for reasons of its own. */
const EVICTED =
  /TERM_(RUNLIMIT|DEADLINE|PREEMPT|OWNER|ADMIN|FORCE_OWNER|FORCE_ADMIN|REQUEUE_\w+|LOAD|WINDOW)/;
const RUNNING = /^(RUN|USUSP|SSUSP)$/;
const PENDING = /^(PEND|PSUSP|WAIT)$/;

export class Lsf implements BatchSystem {
  readonly kind = 'lsf';
  readonly title = 'LSF';
  readonly #options: LsfOptions;

  constructor(options: LsfOptions) {
    this.#options = options;
  }

  submit(orders: readonly LaunchOrder[]): Submission {
    const [{ jobname, cwd }] = orders as [LaunchOrder];
    const { time, memory, cpus, account, queue, project, extra_args = [] } = this.#options;
    const command = [
      ...[
        'bsub',
        '-J',
        `${jobname.replace(/[^\w.-]/g, '_')}[1-${orders.length}]`,
        '-cwd',
        cwd,
        '-o',
        '/dev/null',
      ],
      // minutes
      ...option_words('-W', time === undefined ? undefined : Math.ceil(walltime_seconds(time) / 60)),
      ...option_words('-M', typeof memory === 'number' ? `${Math.ceil(memory / 2 ** 20)}MB` : memory),
      ...option_words('-n', cpus),
      ...(cpus === undefined || cpus === 1 ? [] : ['-R', 'span[hosts=1]']),
      ...option_words('-G', account),
      ...option_words('-q', queue),
      ...option_words('-P', project),
      ...extra_args,
    ];
    const script = { ...this.#options, index: '$LSB_JOBINDEX', first: 1, ends_at: end_of(time) };
    return { command, input: array_script(orders, script) };
  }

  read_job_id(stdout: string): string | undefined {
    return /^Job <(\d+)> is submitted/m.exec(stdout)?.[1];
  }

  element(job_id: string, i: number): string {
    return `${job_id}[${i + 1}]`;
  }

  status_command(job_ids: readonly string[]): string[] {
    return ['bjobs', '-noheader', '-a', '-o', `${FIELDS} delimiter='|'`, ...job_ids];
  }

  read_status(stdout: string): Map<string, JobStatus> {
    const statuses = new Map<string, JobStatus>();
    for (const line of stdout.split('\n')) {
      const [id = '', index, stat = '', exit = '', exit_reason = '', pend_reason = ''] = line
        .trim()
        .split('|');
      if (/^\d+$/.test(id)) statuses.set(`${id}[${index}]`, status_of(stat, exit, exit_reason, pend_reason));
    }
    return statuses;
  }

  is_answer(exit_code: number | undefined, stderr: string): boolean {
    return exit_code === 0 || /is not found|has already finished|No matching job/i.test(stderr);
  }

  cancel_command(elements: readonly string[]): string[] {
    return ['bkill', ...elements];
  }
}

function status_of(stat: string, exit: string, exit_reason: string, pend_reason: string): JobStatus {
  if (PENDING.test(stat)) return { state: 'pending', reason: said(pend_reason) };
  if (RUNNING.test(stat)) return { state: 'running' };
  if (stat === 'UNKWN') return { state: 'unknown', reason: 'its node cannot be reached' };
  const exit_code = /^\d+$/.test(exit) ? Number(exit) : undefined;
  return {
    state: 'ended',
    reason: said(exit_reason) ?? stat,
    exit_code,
    is_evicted: EVICTED.test(exit_reason),
  };
}

/** LSF writes `-` for nothing. */
function said(text: string): string | undefined {
  return text === '' || text === '-' ? undefined : text;
}
