/** Starts slaves by a batch system, all orders of one launch as one array job. */
import { Deferred } from '../base/deferred.js';
import { type BatchJob, BatchQueue } from './batch_queue.js';
import type { BatchSystem, JobStatus } from './batch_system.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from './launcher.js';
import { BATCH_PACE } from './pace.js';
import { type CommandResult, run_command } from './run_command.js';
import type { ScriptOptions } from './script.js';

export interface BatchLauncherOptions extends ScriptOptions {
  env: Readonly<Record<string, string | undefined>>;
}

export class BatchLauncher implements Launcher {
  readonly kind: string;
  readonly host: string;
  readonly reach = 'network';
  readonly pace = BATCH_PACE;
  readonly #system: BatchSystem;
  readonly #options: BatchLauncherOptions;

  constructor(system: BatchSystem, options: BatchLauncherOptions) {
    this.kind = system.kind;
    this.host = system.title;
    this.#system = system;
    this.#options = options;
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    const { command, input } = this.#system.submit(orders, this.#options);
    const queue = BatchQueue.of(this.#system);
    const processes = orders.map(() => new BatchProcess(this.#system, command, queue));
    void this.#submit(command, input, processes, queue);
    return processes;
  }

  async #submit(
    command: readonly string[],
    input: string,
    processes: readonly BatchProcess[],
    queue: BatchQueue,
  ): Promise<void> {
    const result = await run_command(command, { input, env: this.#options.env });
    const job_id = result.exit_code === 0 ? this.#system.read_job_id(result.stdout) : undefined;
    if (job_id === undefined) {
      const end = refused(command[0] as string, result);
      for (const process of processes) process.end(end);
      return;
    }
    for (const [i, process] of processes.entries())
      process.accept(this.#system.element(job_id, i, processes.length), job_id);
    queue.add(processes);
  }
}

const NO_END: ProcessEnd = { exit_code: undefined, signal: undefined, error: undefined };

/** Why nothing was submitted. */
function refused(
  program: string,
  { exit_code, stdout, stderr, failure, is_missing }: CommandResult,
): ProcessEnd {
  const said = [stderr, stdout].map((text) => text.trim()).find((text) => text !== '') ?? 'nothing';
  if (is_missing) {
    const text = `could not be submitted: there is no command ${program} in PATH`;
    return { ...NO_END, reason: { cause: 'command_not_found', text } };
  }
  if (exit_code === 0) {
    const text = `may have been submitted, but ${program} answered no job id that parjob can read: ${said}`;
    return { ...NO_END, exit_code, reason: { cause: 'submit_unreadable', text } };
  }
  const how = failure ?? `ended with code ${exit_code}`;
  return {
    ...NO_END,
    exit_code,
    reason: { cause: 'submit_refused', text: `was not submitted: ${program} ${how} and said: ${said}` },
  };
}

class BatchProcess implements LaunchedProcess, BatchJob {
  readonly command: readonly string[];
  readonly pid = undefined;
  element = '';
  job_id = '';
  submitted_at = 0;
  is_seen = false;
  has_started = false;
  is_doubtful = false;
  is_cancelled = false;
  readonly #title: string;
  readonly #queue: BatchQueue;
  readonly #accepted = new Deferred<void>();
  readonly #started = new Deferred<void>();
  readonly #ended = new Deferred<ProcessEnd>();
  #waits_for: string;
  has_ended = false;

  constructor(system: BatchSystem, command: readonly string[], queue: BatchQueue) {
    this.command = command;
    this.#title = system.title;
    this.#queue = queue;
    this.#waits_for = `is being submitted to ${system.title}`;
  }

  get accepted(): Promise<void> {
    return this.#accepted.promise;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  get waits_for(): string | undefined {
    return this.has_started || this.has_ended ? undefined : this.#waits_for;
  }

  accept(element: string, job_id: string): void {
    this.element = element;
    this.job_id = job_id;
    this.submitted_at = performance.now();
    this.#waits_for = `waits in the queue of ${this.#title} as job ${element}`;
    this.#accepted.resolve();
    if (this.is_cancelled) this.#queue.cancel(this);
  }

  start(): void {
    this.has_started = true;
    this.#started.resolve();
  }

  /** What its batch system says of it. */
  note(status: JobStatus): void {
    this.is_seen ||= status.state !== 'unknown';
    const because = status.reason === undefined ? '' : ` (${status.reason})`;
    const job = `job ${this.element} of ${this.#title}`;
    if (status.is_hopeless === true) {
      this.#queue.cancel(this);
      return this.end({
        ...NO_END,
        reason: { cause: 'submit_refused', text: `will never run: ${job} is in an error state${because}` },
      });
    }
    switch (status.state) {
      case 'pending':
        this.#waits_for = `waits in the queue of ${this.#title} as job ${this.element}${because}`;
        return;
      case 'running':
        return this.start();
      case 'unknown':
        this.#waits_for = `is job ${this.element} of ${this.#title}, of which nothing can be learnt just now${because}`;
        return;
      case 'ended':
        return this.end({
          ...NO_END,
          exit_code: status.exit_code,
          evicted: status.is_evicted === true ? `was ended by ${this.#title}${because}` : undefined,
          reason:
            this.has_started || status.exit_code !== undefined
              ? undefined
              : {
                  cause: 'left_queue',
                  text: `left the queue before it could connect: ${job} has ended${because}`,
                },
        });
      default:
        status.state satisfies never;
    }
  }

  end(end: ProcessEnd): void {
    this.has_ended = true;
    this.#accepted.resolve();
    this.#ended.resolve(end);
  }

  kill(): void {
    if (this.has_ended || this.is_cancelled) return;
    this.is_cancelled = true;
    if (this.element !== '') this.#queue.cancel(this);
  }

  look(): void {
    if (this.has_ended) return;
    this.is_doubtful = true;
    this.#queue.look_soon();
  }

  /** It was heard of by other ways. */
  has_connected(): void {
    this.is_seen = true;
    this.is_doubtful = false;
    if (!this.has_started) this.start();
  }
}
