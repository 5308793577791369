/** Starts slaves by any command line, for what parjob does not know. */
import { Deferred } from '../base/deferred.js';
import { inherited_flags, SLAVE_SCRIPT, slave_arguments } from './command.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from './launcher.js';
import { COMMAND_PACE } from './pace.js';
import { quote_all } from './quote.js';
import { kill_process, spawn_process } from './spawn.js';
import { stdin_line } from './ssh.js';

export interface CommandLauncherOptions {
  /** Words, or text for the shell. */
  template: string | readonly string[];
  secret: 'stdin' | 'file' | 'env';
  is_local: boolean;
  env: Readonly<Record<string, string | undefined>>;
  forward_env: readonly string[];
  node_flags: readonly string[];
}

const COMMAND = '{command}';

export class CommandLauncher implements Launcher {
  readonly kind = 'command';
  readonly host: string;
  readonly reach: 'local' | 'network';
  readonly pace = COMMAND_PACE;
  readonly #options: CommandLauncherOptions;

  constructor(options: CommandLauncherOptions) {
    this.#options = options;
    this.reach = options.is_local ? 'local' : 'network';
    const { template } = options;
    this.host = (typeof template === 'string' ? template.split(' ') : template)[0] ?? 'command';
  }

  /** The words to run. */
  command(order: LaunchOrder): string[] {
    const { template } = this.#options;
    const slave = this.#slave_words(order);
    if (typeof template !== 'string')
      return template.flatMap((word) => (word === COMMAND ? slave : [fill(word, order)]));
    return [
      '/bin/sh',
      '-c',
      fill(template, order, (text) => quote_all([text])).replaceAll(COMMAND, () => quote_all(slave)),
    ];
  }

  #slave_words(order: LaunchOrder): string[] {
    const { secret, node_flags } = this.#options;
    const { slave_command } = order;
    const interpreter =
      typeof slave_command === 'string'
        ? ['/bin/sh', '-c', `${slave_command} "$@"`, 'slave']
        : [...(slave_command ?? [process.execPath, ...inherited_flags(process.execArgv)])];
    const way =
      secret === 'file' ? ['--secret', 'file', '--secret-file', order.secret_file()] : ['--secret', secret];
    return [...interpreter, ...node_flags, SLAVE_SCRIPT, ...slave_arguments(order), ...way];
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    return orders.map((order) => this.#start(order));
  }

  #start(order: LaunchOrder): LaunchedProcess {
    const { secret, env } = this.#options;
    const command = this.command(order);
    const { pid, stdin, ended } = spawn_process(command, {
      env: { ...process.env, ...env, PARJOB_SECRET: secret === 'env' ? order.secret : undefined },
      log_file: order.log_file,
      append: order.launch > 0,
      has_stdin: secret === 'stdin',
    });
    stdin?.write(`${stdin_line(order, this.#options)}\n`);
    return new CommandProcess(command, pid, ended, () => {
      stdin?.end('kill\n');
      kill_process(pid);
    });
  }
}

/** The name of the slave, and the like, in the place of `{name}`, `{id}`, `{cwd}`. */
function fill(text: string, order: LaunchOrder, as_text = (value: string) => value): string {
  return text
    .replaceAll('{name}', () => as_text(order.name))
    .replaceAll('{id}', String(order.slave_id))
    .replaceAll('{cwd}', () => as_text(order.cwd));
}

/** A command that ends well may have left the slave running: then only its connections tell of it. */
class CommandProcess implements LaunchedProcess {
  readonly command: readonly string[];
  readonly pid: number | undefined;
  is_unwatched = false;
  readonly #ended = new Deferred<ProcessEnd>();
  readonly #kill: () => void;
  #is_killed = false;

  constructor(command: string[], pid: number | undefined, ended: Promise<ProcessEnd>, kill: () => void) {
    this.command = command;
    this.pid = pid;
    this.#kill = kill;
    void ended.then((end) => {
      this.is_unwatched = end.exit_code === 0;
      if (!this.is_unwatched || this.#is_killed) this.#ended.resolve(end);
    });
  }

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  kill(): void {
    this.#is_killed = true;
    this.#kill();
    if (this.is_unwatched) this.#ended.resolve({ exit_code: undefined, signal: undefined, error: undefined });
  }
}
