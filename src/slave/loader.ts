/** Loader: finds the function or class that a task names, and makes a call of it. */
import { UsageError } from '../errors.js';

/** Runs a task with its arguments. */
export type Callable = (args: unknown[]) => unknown;

export interface Definition {
  module: string;
  export_name: string;
}

export class Loader {
  readonly #load: (module: string) => Promise<Record<string, unknown>>;
  readonly #definitions = new Map<number, Definition>();
  readonly #callables: (Callable | undefined)[] = [];

  constructor(load: (module: string) => Promise<Record<string, unknown>> = (module) => import(module)) {
    this.#load = load;
  }

  define(fn_id: number, definition: Definition): void {
    this.#definitions.set(fn_id, definition);
  }

  /** The call of a definition that has been loaded. */
  loaded(fn_id: number): Callable | undefined {
    return this.#callables[fn_id];
  }

  /** Loads a definition. What goes wrong is thrown by the call, so that it becomes the outcome of each task. */
  async load(fn_id: number): Promise<void> {
    const definition = this.#definitions.get(fn_id);
    this.#callables[fn_id] = await this.#resolve(definition).catch((error: unknown) => () => {
      throw error;
    });
  }

  async #resolve(definition: Definition | undefined): Promise<Callable> {
    if (definition === undefined) throw new UsageError('the task was never defined on this slave');
    const { module, export_name } = definition;
    let exports: Record<string, unknown>;
    try {
      exports = await this.#load(module);
    } catch (error) {
      throw new UsageError(
        `the task module ${module} cannot be loaded on the slave: ${(error as Error)?.message ?? error}`,
        {
          cause: error,
        },
      );
    }
    const value = exports[export_name];
    if (typeof value !== 'function') {
      const functions = Object.keys(exports).filter((name) => typeof exports[name] === 'function');
      throw new UsageError(
        `the task module ${module} exports no function or class '${export_name}'; it exports ${functions.join(', ') || 'none at all'}`,
      );
    }
    return callable(value as AnyFunction);
  }
}

type AnyFunction = (...args: unknown[]) => unknown;
type TaskClass = new (...args: unknown[]) => { run: AnyFunction };

function callable(value: AnyFunction): Callable {
  const prototype = value.prototype as { run?: unknown } | undefined;
  if (typeof prototype?.run !== 'function') return (args) => value(...args);
  const THE_CLASS = value as unknown as TaskClass;
  return (args) => new THE_CLASS(...args).run(...args);
}
