/**
 * Starts several slaves by one command that runs a script in many processes: mpirun, srun.
 *
 * The command is the child of the master, its processes are not: of one of them only its connections tell.
 */
import { Deferred } from '../base/deferred.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from './launcher.js';
import { GROUP_PACE } from './pace.js';
import { array_script, type ScriptOptions } from './script.js';
import { write_script } from './script_file.js';
import { kill_process, spawn_process } from './spawn.js';

export interface GroupOptions extends ScriptOptions {
  /** `mpi` */
  kind: string;
  /** For people: `mpirun`. */
  title: string;
  /** The words that run `script` in `count` processes. */
  command: (count: number, script: string) => readonly string[];
  /** Shell text that gives a process its place among them, from 0. */
  index: string;
  /** As in array_script. */
  own_session?: boolean | undefined;
  /** Shell text for the end of its time, in seconds since 1970. */
  ends_at?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/** From the order to end to the kill, ms: mpirun ends its processes itself, if it can. */
const KILL_GRACE = 3000;

export class GroupLauncher implements Launcher {
  readonly kind: string;
  readonly host: string;
  readonly reach = 'network';
  readonly pace = GROUP_PACE;
  readonly #options: GroupOptions;

  constructor(options: GroupOptions) {
    this.kind = options.kind;
    this.host = options.title;
    this.#options = options;
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    const [first] = orders as [LaunchOrder];
    const { env, command: words } = this.#options;
    const script = write_script(first, array_script(orders, { ...this.#options, first: 0 }));
    const command = words(orders.length, script.path);
    const { pid, ended } = spawn_process(command, {
      env: { ...process.env, ...env },
      // what the command itself says; each slave has a log of its own
      log_file: first.log_file,
      append: first.launch > 0,
    });
    void ended.then(script.remove);
    const members = new Set<Member>();
    for (const _ of orders) {
      const member = new Member(command, pid, ended, () => {
        members.delete(member);
        if (members.size === 0) end_group(pid);
      });
      members.add(member);
    }
    return [...members];
  }
}

function end_group(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    return; // it has ended
  }
  setTimeout(() => kill_process(pid), KILL_GRACE).unref();
}

class Member implements LaunchedProcess {
  readonly command: readonly string[];
  /** That of the command. */
  readonly pid: number | undefined;
  readonly is_unwatched = true;
  readonly #ended = new Deferred<ProcessEnd>();
  readonly #on_kill: () => void;

  constructor(
    command: readonly string[],
    pid: number | undefined,
    group: Promise<ProcessEnd>,
    on_kill: () => void,
  ) {
    this.command = command;
    this.pid = pid;
    this.#on_kill = on_kill;
    void group.then((end) => this.#ended.resolve(end));
  }

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  /** Its process ends when it finds that the master does not know it any more; the command when all have. */
  kill(): void {
    this.#on_kill();
    this.#ended.resolve({ exit_code: undefined, signal: undefined, error: undefined });
  }
}
