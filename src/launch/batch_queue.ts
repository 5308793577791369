/**
 * BatchQueue: the jobs that one batch system has of this master. Asks for all of them in one command, now and
 * then, and only while there is something to learn; cancels many by one command; leaves none behind when the
 * process ends, also by Ctrl-C or an error that nobody caught.
 */
import { spawnSync } from 'node:child_process';
import { at_end } from '../base/at_end.js';
import type { BatchSystem, JobStatus } from './batch_system.js';
import { run_command } from './run_command.js';

/** Between two questions, ms: at first, and at most. Those who keep a batch system ask users not to flood it. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
/** A job that was accepted and cannot be seen is given so long to appear, ms. */
const APPEAR_TIME = 6000;
/** Orders to cancel are gathered for so long, ms. */
const GATHER_TIME = 30;
const CANCEL_TRIES = 3;
/** Longest time that the end of the process may take to cancel what is left, ms. */
const LAST_CANCEL_TIMEOUT = 10_000;

/** One element of an array job. */
export interface BatchJob {
  readonly element: string;
  readonly job_id: string;
  readonly submitted_at: number;
  /** The batch system has shown it. */
  readonly is_seen: boolean;
  readonly has_started: boolean;
  /** Somebody thinks that it may have ended. */
  readonly is_doubtful: boolean;
  readonly has_ended: boolean;
  note(status: JobStatus): void;
  end(end: { exit_code: undefined; signal: undefined; error: undefined }): void;
}

export class BatchQueue {
  static readonly #queues = new Map<string, BatchQueue>();
  readonly #system: BatchSystem;
  readonly #jobs = new Set<BatchJob>();
  #to_cancel: BatchJob[] = [];
  #wait = FIRST_WAIT;
  #timer: NodeJS.Timeout | undefined;
  /** When it will be asked next. */
  #ask_at = Infinity;
  #is_asking = false;
  /** Set while there are jobs that must not outlive this process. */
  #unguard: (() => void) | undefined;

  private constructor(system: BatchSystem) {
    this.#system = system;
  }

  /** All launchers of one batch system share its queue. */
  static of(system: BatchSystem): BatchQueue {
    const known = BatchQueue.#queues.get(system.kind);
    if (known !== undefined) return known;
    const queue = new BatchQueue(system);
    BatchQueue.#queues.set(system.kind, queue);
    return queue;
  }

  /** Takes care of jobs that were accepted. */
  add(jobs: readonly BatchJob[]): void {
    for (const job of jobs) if (!job.has_ended) this.#jobs.add(job);
    this.#guard();
    this.look_soon();
  }

  look_soon(): void {
    this.#wait = FIRST_WAIT;
    this.#schedule();
  }

  /** However often somebody wants it sooner, it is asked in time. */
  #schedule(): void {
    const at = performance.now() + this.#wait;
    if (at < this.#ask_at) {
      clearTimeout(this.#timer);
      this.#ask_at = at;
      this.#timer = setTimeout(() => void this.#ask(), this.#wait).unref();
    }
    this.#wait = Math.min(LONGEST_WAIT, this.#wait * 1.5);
  }

  async #ask(): Promise<void> {
    this.#ask_at = Infinity;
    if (this.#is_asking) return this.#schedule();
    this.#forget_ended();
    const open = [...this.#jobs].filter(({ has_started, is_doubtful }) => !has_started || is_doubtful);
    if (open.length === 0) return;
    this.#is_asking = true;
    const system = this.#system;
    const command = system.status_command([...new Set(open.map(({ job_id }) => job_id))]);
    const { exit_code, stdout, stderr, failure } = await run_command(command);
    this.#is_asking = false;
    if (failure === undefined && system.is_answer(exit_code, stderr)) {
      const statuses = system.read_status(stdout);
      for (const job of open) note(job, statuses.get(job.element));
    } else {
      const reason = `${command[0]}: ${failure ?? (stderr.trim() || `exit code ${exit_code}`)}`;
      for (const job of open) job.note({ state: 'unknown', reason });
    }
    this.#forget_ended();
    this.#schedule();
  }

  cancel(job: BatchJob): void {
    if (this.#to_cancel.push(job) === 1) setTimeout(() => void this.#cancel_gathered(), GATHER_TIME);
  }

  async #cancel_gathered(): Promise<void> {
    const jobs = this.#to_cancel;
    this.#to_cancel = [];
    // also one that was given up: it may stand there yet, in an error state
    const elements = jobs.map(({ element }) => element);
    for (let tries = 0; elements.length > 0 && tries < CANCEL_TRIES; tries++) {
      const { exit_code, stderr } = await run_command(this.#system.cancel_command(elements));
      if (this.#system.is_answer(exit_code, stderr)) break;
    }
    for (const job of jobs) job.end({ exit_code: undefined, signal: undefined, error: undefined });
    this.#forget_ended();
  }

  #forget_ended(): void {
    for (const job of this.#jobs) if (job.has_ended) this.#jobs.delete(job);
    this.#guard();
  }

  #guard(): void {
    if (this.#jobs.size + this.#to_cancel.length > 0) {
      this.#unguard ??= at_end(() => this.#cancel_all_now());
    } else {
      this.#unguard?.();
      this.#unguard = undefined;
    }
  }

  /** The process ends: nothing that takes turns can be done any more. */
  #cancel_all_now(): void {
    const left = [...this.#jobs].filter(({ has_ended }) => !has_ended);
    const elements = [...new Set([...left, ...this.#to_cancel])].map(({ element }) => element);
    if (elements.length === 0) return;
    const [file, ...words] = this.#system.cancel_command(elements) as [string, ...string[]];
    spawnSync(file, words, { stdio: 'ignore', timeout: LAST_CANCEL_TIMEOUT });
    this.#jobs.clear();
  }
}

/** A job that is not in an answer has not appeared yet, or has ended and is forgotten. */
function note(job: BatchJob, status: JobStatus | undefined): void {
  if (status !== undefined) return job.note(status);
  if (job.is_seen || performance.now() - job.submitted_at > APPEAR_TIME) job.note({ state: 'ended' });
}
