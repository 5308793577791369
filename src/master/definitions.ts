/**
 * Definitions: which module exports what a task is to run. Checked when a task is queued, since the
 * slave's complaint would come late and from far away.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import { type AnyTask, type FunctionName, FunctionTask } from '../task.js';

/** A class or function that tasks run, as slaves know it. */
export interface TaskDefinition {
  /** Number under which it is defined to slaves. */
  fn_id: number;
  module: string;
  export_name: string;
  /** Set when the module was found not to export the class. */
  problem: UsageError | undefined;
  /** Pending while the module is looked at. Never rejects. */
  check: Promise<void> | undefined;
}

export class Definitions {
  readonly #by_class = new Map<unknown, TaskDefinition>();
  readonly #by_name = new Map<FunctionName, TaskDefinition>();
  /** tasks_from may be called twice for a module. */
  readonly #by_text = new Map<string, TaskDefinition>();
  #count = 0;

  /** @throws UsageError (PARJOB_ERR_USAGE) when a slave could not find what `task` runs */
  of(task: AnyTask | FunctionTask): TaskDefinition {
    if (task instanceof FunctionTask) return this.#of_function(task);
    const known = this.#by_class.get(task?.constructor);
    return known ?? this.#of_class(task);
  }

  /** Waits for the checks of all classes. @throws UsageError (PARJOB_ERR_USAGE) when one is not exported */
  async check_all(): Promise<void> {
    for (const { check } of this.#by_class.values()) await check;
    for (const { problem } of this.#by_class.values()) if (problem !== undefined) throw problem;
  }

  #of_function({ name }: FunctionTask): TaskDefinition {
    const known = this.#by_name.get(name);
    if (known !== undefined) return known;
    const text = `${name.module}#${name.export_name}`;
    let definition = this.#by_text.get(text);
    if (definition === undefined) {
      check_module(name.module, `the function ${name.export_name}`, 'tasks_from');
      definition = this.#add(name.module, name.export_name);
      this.#by_text.set(text, definition);
    }
    this.#by_name.set(name, definition);
    return definition;
  }

  #of_class(task: AnyTask): TaskDefinition {
    const TASK_CLASS = (task as object | null | undefined)?.constructor as
      | { name: string; module?: unknown }
      | undefined;
    const has_args = Array.isArray((task as { args?: unknown } | null | undefined)?.args);
    if (has_args && typeof (task as { run?: unknown }).run !== 'function') {
      throw new UsageError(
        `class ${TASK_CLASS?.name || '(anonymous)'} has no method run: give it one, which does the work on a slave`,
      );
    }
    if (!has_args) {
      throw new UsageError(
        `expected a task, got ${show(task)}: make one with new MyTask(...), where MyTask extends Task, or with tasks_from(url).my_function(...)`,
      );
    }
    const name = TASK_CLASS?.name ?? '';
    const module = TASK_CLASS?.module;
    if (
      !(typeof module === 'string' || module instanceof URL) ||
      !Object.hasOwn(TASK_CLASS as object, 'module')
    ) {
      throw new UsageError(
        `class ${name || '(anonymous)'} has no static module of its own: add "static override module = import.meta.url;" ` +
          'to it, in a module that slaves can import, and export it under its name',
      );
    }
    if (name === '') throw new UsageError('a task class needs a name, under which its module exports it');
    const url = String(module);
    check_module(url, `class ${name}`, 'static module');
    const definition = this.#add(url, name);
    definition.check = check_export(definition);
    this.#by_class.set(TASK_CLASS, definition);
    return definition;
  }

  #add(module: string, export_name: string): TaskDefinition {
    return { fn_id: this.#count++, module, export_name, problem: undefined, check: undefined };
  }
}

/** What can be seen without loading it. A loader of TypeScript may find x.ts where x.js is asked for. */
function check_module(module: string, what: string, where: string): void {
  if (!URL.canParse(module)) {
    throw new UsageError(
      `${where} of ${what} must be a URL, got ${show(module)}: use import.meta.url or new URL('./file.js', import.meta.url)`,
    );
  }
  if (!module.startsWith('file:')) return;
  const path = fileURLToPath(module);
  const main_script = process.argv[1];
  if (main_script !== undefined && pathToFileURL(main_script).href === module) {
    throw new UsageError(
      `${what} stands in the main script ${path}, and a slave that imports it would run the whole program again: ` +
        'move it to a module of its own and import it from there',
    );
  }
  if (!existsSync(path) && !existsSync(path.replace(/\.([cm]?)js$/, '.$1ts')))
    throw new UsageError(`the module ${path} of ${what} does not exist`);
}

/** The class came from its module, so that is loaded: this only looks at what it exports. */
async function check_export(definition: TaskDefinition): Promise<void> {
  const { module, export_name } = definition;
  try {
    const exports = (await import(module)) as Record<string, unknown>;
    if (typeof exports[export_name] !== 'function') {
      const others = Object.keys(exports).join(', ') || 'nothing';
      definition.problem = new UsageError(
        `class ${export_name} is not exported under its name by ${module}, which exports ${others}: write "export class ${export_name} ..."`,
      );
    }
  } catch (error) {
    definition.problem = new UsageError(
      `the module ${module} of class ${export_name} cannot be imported: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  } finally {
    definition.check = undefined;
  }
}
