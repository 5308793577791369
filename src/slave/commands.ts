/**
 * Commands: runs code that the master sends, as the body of an async function with `master`, `require`
 * and `args`. Names that are assigned without a declaration persist on the slave, as in MODELLER: they
 * become globals. `require` and `import()` resolve from the working directory.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';
import type { RunCmd } from '../wire/messages.js';

/** What a command knows as `master`. */
export interface Master {
  /** Sends a value to the master; it gets it by `slave.get_data()`. */
  send_data(data: unknown): Promise<void>;
  /** The next value that the master sends by `slave.send_data(...)`. */
  get_data(): Promise<unknown>;
}

type Body = (
  master: Master,
  require: NodeJS.Require,
  args: unknown[],
  name: <T>(named: T) => T,
) => Promise<unknown>;

/** Runs `command` to its end. */
export async function run_command(command: RunCmd, master: Master, cwd: string): Promise<void> {
  // a transpiler may have wrapped the functions in a function's text in calls of __name
  const head = '(async function (master, require, args, __name) {\n';
  const body = command.is_function ? `return (${command.code}\n)(master, ...args);` : command.code;
  const script = compile(`${head}${body}\n})`, join(cwd, `command ${command.cmd_id + 1}`));
  const run = script.runInThisContext() as Body;
  await run(master, createRequire(join(cwd, 'command')), command.args, (named) => named);
}

function compile(source: string, filename: string): Script {
  const { emitWarning } = process;
  // node says once that this loader is experimental: no news to whoever reads the slave's log
  process.emitWarning = () => {};
  try {
    return new Script(source, {
      filename,
      lineOffset: -1,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
  } finally {
    process.emitWarning = emitWarning;
  }
}
