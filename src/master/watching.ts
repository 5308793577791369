/**
 * Watching: what looks on while a job runs: progress, metrics, trace, dashboard. They stand above this room and only
 * listen; the front door says where they are, and they are loaded by a job that asks for one.
 */
import type { Log } from '../base/log.js';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import type { JobTask } from './queued_task.js';

/** Options of a Job that ask for somebody who looks on. */
export interface WatchingOptions {
  /**
   * Show the run in the terminal, on stderr; without a terminal as a line every few seconds.
   * @default false
   */
  progress?: boolean | undefined;
  /**
   * Serve a page that shows the run, on loopback or at `host`, where its link holds a token. The system chooses the
   * port and the job the token, unless they are given.
   * @default false
   */
  dashboard?: boolean | { port?: number; host?: string; token?: string } | undefined;
  /**
   * Serve metrics for Prometheus, on loopback or at `host`. The system chooses the port, unless it is given.
   * @default false
   */
  metrics?: boolean | { port?: number; host?: string } | undefined;
  /**
   * Write a trace for Perfetto or chrome://tracing to this file.
   * @default none is written
   */
  trace?: string | undefined;
  /**
   * Make spans by @opentelemetry/api, which must be installed.
   * @default false
   */
  spans?: boolean | undefined;
  /**
   * Publish events on node:diagnostics_channel.
   * @default false
   */
  channels?: boolean | undefined;
}

/** Somebody who looks on. */
export interface Watcher {
  close(): Promise<void>;
}

/** Says in which trace tasks run. */
export interface TaskTracing {
  /** Somebody wants the task, in the context that is active now. */
  wanted(task: JobTask): void;
  /** The task is about to be sent: its trace, as a propagator writes it. */
  context_of(task: JobTask): Readonly<Record<string, string>> | undefined;
}

/** Has those look on that `options` ask for. */
export type Watch = (
  job: object,
  options: WatchingOptions & {
    jobname: string;
    log_dir: string;
    /** Told of what one of them cannot do. */
    on_error: (watcher: string, error: Error) => void;
    /** From now on tasks are sent with their trace. */
    trace_tasks: (tracing: TaskTracing) => void;
  },
) => Promise<Watcher>;

let load_watch: (() => Promise<Watch>) | undefined;

/** For the front door: how to load them. */
export function set_watch(load: () => Promise<Watch>): void {
  load_watch = load;
}

/** A propagator may be anybody's, and what it writes is sent. */
function check_text(name: string, value: unknown): void {
  if (typeof value === 'string' && value.isWellFormed() && name.isWellFormed() && name !== '__proto__')
    return;
  throw new UsageError(
    `the propagator of traces writes ${JSON.stringify(name)}: expected well-formed texts, got ${show(value)}`,
  );
}

/** Those who look on at one job, from the first thing that it does. */
export class Watching {
  /** Nobody was asked for, or all who were look on. */
  is_settled: boolean;
  readonly #on_error: (watcher: string, error: Error) => void;
  /** If spans are made. */
  #tracing: TaskTracing | undefined;
  readonly #begin: () => Promise<Watcher | undefined>;
  #watcher: Promise<Watcher | undefined> | undefined;

  constructor(job: object, options: WatchingOptions, jobname: string, log_dir: string, log: Log) {
    const { progress, dashboard, metrics, trace, spans, channels } = options;
    const wishes = [progress, dashboard, metrics, trace, spans, channels];
    this.is_settled = wishes.every((wish) => wish === undefined || wish === false);
    const on_error = (watcher: string, error: Error) =>
      log.error({ watcher, reason: error.message }, 'nobody looks on there');
    const trace_tasks = (tracing: TaskTracing) => {
      this.#tracing = tracing;
    };
    this.#on_error = on_error;
    this.#begin = async () => {
      try {
        return await (await load_watch?.())?.(job, { ...options, jobname, log_dir, on_error, trace_tasks });
      } catch (error) {
        on_error('watch', error as Error);
        return undefined;
      }
    };
  }

  /** They begin before anything happens. What they cannot do holds nobody up. */
  async begin(): Promise<void> {
    if (this.is_settled) return;
    this.#watcher ??= this.#begin();
    await this.#watcher;
    this.is_settled = true;
  }

  /** See TaskTracing. What it cannot do ends it, and nothing else. */
  wanted(task: JobTask): void {
    if (this.#tracing === undefined) return;
    try {
      this.#tracing.wanted(task);
    } catch (error) {
      this.#end_tracing(error as Error);
    }
  }

  /** See TaskTracing. */
  context_of(task: JobTask): Readonly<Record<string, string>> | undefined {
    if (this.#tracing === undefined) return undefined;
    try {
      const carrier = this.#tracing.context_of(task);
      for (const [name, value] of Object.entries(carrier ?? {})) check_text(name, value);
      return carrier;
    } catch (error) {
      this.#end_tracing(error as Error);
      return undefined;
    }
  }

  #end_tracing(error: Error): void {
    this.#tracing = undefined;
    this.#on_error('spans', error);
  }

  async close(): Promise<void> {
    await (await this.#watcher)?.close();
  }
}
