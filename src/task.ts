/**
 * Task: a unit of work that is run on a slave. What users extend; both ends load this file.
 *
 * A task travels by name, never by source: the URL of its module, the name under which that module
 * exports it, and its arguments.
 */
declare const RESULT: unique symbol;

/**
 * Base class of tasks. The arguments of the constructor are those of `run`, which is called on a slave.
 *
 * @example
 * export class BuildModel extends Task<[code: string, seed: number], Model> {
 *   static override module = import.meta.url;
 *   override run(code: string, seed: number): Model { ... }
 * }
 */
export abstract class Task<Args extends unknown[] = never, Result = unknown> {
  /** URL of the module that exports the class, under the class's own name: `import.meta.url`. */
  static module: string | URL | undefined = undefined;
  /** What `run` gets: the arguments of the constructor. Nothing else of a task travels. */
  readonly args: Args;
  /** Only a type: what the task returns. */
  declare readonly [RESULT]: Result;

  constructor(...args: Args) {
    this.args = args;
  }

  /** Does the work, on a slave. What it returns, or its promise resolves to, is sent to the master. */
  abstract run(...args: Args): Result | Promise<Result>;
}

/** Any task that yields `Result`. */
export type AnyTask<Result = unknown> = Pick<Task<never, Result>, typeof RESULT> & {
  readonly args: readonly unknown[];
};

/** An exported function, by name. */
export interface FunctionName {
  readonly module: string;
  readonly export_name: string;
}

/** A call of an exported function, as made by tasks_from. */
export class FunctionTask {
  /** The same object for all calls of one function. */
  readonly name: FunctionName;
  readonly args: readonly unknown[];

  constructor(name: FunctionName, args: readonly unknown[]) {
    this.name = name;
    this.args = args;
  }
}

/** The functions of module type `M`, each as a maker of tasks. */
export type TasksFrom<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer Args
  ) => infer Result
    ? (...args: Args) => AnyTask<Awaited<Result>>
    : never;
};

/**
 * Makes tasks of the functions that a module exports. The module is not loaded here, only on the slaves.
 *
 * A module that is not there, or a value that cannot be sent, is refused by queue_task; a function that the module does
 * not export fails on the slave.
 *
 * @param module URL of the module: `new URL('./model.js', import.meta.url)`
 * @example
 * const { score } = tasks_from<typeof import('./model.js')>(new URL('./model.js', import.meta.url));
 * job.queue_task(score(model));
 */
export function tasks_from<M>(module: string | URL): TasksFrom<M> {
  const url = String(module);
  const makers = new Map<string, (...args: unknown[]) => FunctionTask>();
  return new Proxy({} as Record<string, unknown>, {
    get(_target, name) {
      // a proxy that is awaited or printed is asked for names that no module means
      if (typeof name !== 'string' || name === 'then') return undefined;
      let maker = makers.get(name);
      if (maker === undefined) {
        const function_name = { module: url, export_name: name };
        maker = (...args) => new FunctionTask(function_name, args);
        makers.set(name, maker);
      }
      return maker;
    },
  }) as TasksFrom<M>;
}

/** How far a task says it is. */
export interface Progress {
  /** So much is done, in units of the task's own. */
  done: number;
  /** Of so much, if that is known. */
  total?: number | undefined;
  /** A word for people. */
  note?: string | undefined;
}

/** What a running task can know of itself and tell its master. */
export interface CurrentTask {
  /** Place in the order of queue_task; undefined for run_task. */
  readonly index: number | undefined;
  /** 1 in the first run, more when a slave died in an earlier one. */
  readonly attempt: number;
  /** Name of the slave, `<jobname>.slaveN`. */
  readonly slave: string;
  /** Aborted when the task's result is no longer wanted. */
  readonly signal: AbortSignal;
  /**
   * Tells the master how far the task is: its job emits `task_progress`.
   * @param note a word for people
   */
  report_progress(done: number, total?: number, note?: string): void;
  /**
   * Keeps `value`, which any argument could be, for the next attempt of this task, if there will be one: on
   * another slave after the death of this, after a failure, or in a restarted run. Only the last one counts.
   * Announce what is safe: write the files that go with it first.
   */
  checkpoint(value: unknown): void;
  /** What an earlier attempt passed to `checkpoint` last; undefined when none did. */
  readonly last_checkpoint: unknown;
  /**
   * The trace that the task belongs to, as the propagator of its master writes it (`traceparent`, as in W3C Trace
   * Context); undefined unless the job has `spans`. The task runs in it already: this is for programs that it starts.
   */
  readonly trace_context: Readonly<Record<string, string>> | undefined;
}

/** One per process, whichever copy of this file a task module has loaded. */
const KEY = Symbol.for('parjob.current_task');
const holder: { task: CurrentTask | undefined } = ((globalThis as Record<symbol, unknown>)[KEY] ??= {
  task: undefined,
}) as {
  task: CurrentTask | undefined;
};

/**
 * The task that runs on this slave now.
 * @throws Error (without a code) when no task runs here: on the master, in a command, or after the task has ended
 */
export function current_task(): CurrentTask {
  if (holder.task === undefined) {
    throw new Error(
      'current_task() was called outside of a task: it only means something within run, on a slave',
    );
  }
  return holder.task;
}

/** For the slave: says which task runs. */
export function set_current_task(task: CurrentTask | undefined): void {
  holder.task = task;
}
