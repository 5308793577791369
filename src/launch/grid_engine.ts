/** Grid Engine: qsub, qstat, qdel, as in the manual pages of Son of Grid Engine 8.1 (and Sun's 6.2). */
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

/** Options of slaves that Grid Engine starts. `cpus` asks for the parallel environment `smp`, unless `pe` says another. */
export interface GridEngineOptions extends BatchOptions {
  /** Queue: qsub's -q. */
  queue?: string | undefined;
  /** Parallel environment with its slots, such as `smp 4`: qsub's -pe. */
  pe?: string | undefined;
  /** Project: qsub's -P. */
  project?: string | undefined;
}

export class GridEngine implements BatchSystem {
  readonly kind = 'grid_engine';
  readonly title = 'Grid Engine';
  readonly #options: GridEngineOptions;

  constructor(options: GridEngineOptions) {
    this.#options = options;
  }

  submit(orders: readonly LaunchOrder[]): Submission {
    const [{ jobname, cwd }] = orders as [LaunchOrder];
    const { time, memory, cpus, account, queue, pe, project, extra_args = [] } = this.#options;
    const limits = [
      ...(time === undefined ? [] : [`h_rt=${format_walltime(walltime_seconds(time))}`]),
      ...(memory === undefined
        ? []
        : [`h_vmem=${typeof memory === 'number' ? `${Math.ceil(memory / 2 ** 20)}M` : memory}`]),
    ];
    const command = [
      ...['qsub', '-terse', '-N', job_name(jobname), '-t', `1-${orders.length}`, '-S', '/bin/sh', '-V'],
      // what a slave prints goes to its own file; one that is lost is launched again by its master; USR2 comes before KILL
      ...['-wd', cwd, '-j', 'y', '-o', '/dev/null', '-r', 'n', '-notify'],
      ...limits.flatMap((limit) => ['-l', limit]),
      ...option_words('-A', account),
      ...option_words('-q', queue),
      ...option_words('-P', project),
      ...(pe === undefined
        ? cpus === undefined || cpus === 1
          ? []
          : ['-pe', 'smp', String(cpus)]
        : ['-pe', ...pe.split(/\s+/)]),
      ...extra_args,
    ];
    const script = { ...this.#options, index: '$SGE_TASK_ID', first: 1, ends_at: end_of(time) };
    return { command, input: array_script(orders, script) };
  }

  /** `123.1-4:1` of -terse, or the sentence of those that do not know it. */
  read_job_id(stdout: string): string | undefined {
    const text = stdout.trim();
    return (/^(\d+)(\.\d+-\d+(:\d+)?)?$/m.exec(text) ?? /^Your job(?:-array)? (\d+)/m.exec(text))?.[1];
  }

  element(job_id: string, i: number): string {
    return `${job_id}.${i + 1}`;
  }

  status_command(): string[] {
    return ['qstat', '-xml'];
  }

  read_status(stdout: string): Map<string, JobStatus> {
    const statuses = new Map<string, JobStatus>();
    for (const [, job = ''] of stdout.matchAll(/<job_list\b[^>]*>([\s\S]*?)<\/job_list>/g)) {
      const id = field(job, 'JB_job_number');
      const status = status_of(field(job, 'state'), id);
      for (const task of expand(field(job, 'tasks') || '1')) statuses.set(`${id}.${task}`, status);
    }
    return statuses;
  }

  is_answer(exit_code: number | undefined, stderr: string): boolean {
    return exit_code === 0 || /does not exist|do not exist/i.test(stderr);
  }

  cancel_command(elements: readonly string[]): string[] {
    return ['qdel', ...elements];
  }
}

/** Names of jobs must not begin with a digit. */
function job_name(jobname: string): string {
  const name = jobname.replace(/[^\w.-]/g, '_');
  return /^\d/.test(name) ? `j${name}` : name;
}

function field(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim() ?? '';
}

/** `1-9:2,12` */
function expand(tasks: string): number[] {
  return tasks.split(',').flatMap((range) => {
    const [, from = '1', to = from, step = '1'] = /^(\d+)(?:-(\d+))?(?::(\d+))?$/.exec(range.trim()) ?? [];
    const found: number[] = [];
    for (let task = Number(from); task <= Number(to); task += Math.max(1, Number(step))) found.push(task);
    return found;
  });
}

/** The letters of qstat: r running, t in transfer, R restarted, s/S/T suspended, q queued, w waiting, h held, d to be deleted, E error. */
function status_of(letters: string, id: string): JobStatus {
  if (letters.includes('E'))
    return { state: 'pending', reason: `${letters}; qstat -j ${id} says why`, is_hopeless: true };
  if (/[rtsST]/.test(letters)) return { state: 'running' };
  return { state: 'pending', reason: letters.includes('h') ? 'on hold' : letters };
}
