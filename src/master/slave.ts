/** Slave: one process that runs tasks and talks with the master. What users put into a Job. */
import { type InspectOptions, inspect } from 'node:util';
import { StateError, UsageError } from '../errors.js';
import type { Launcher } from '../launch/launcher.js';
import type { Communicator, GetDataOptions } from '../net/communicator.js';
import type { SlaveState } from '../sched/slave_state.js';
import type { SlaveFacts } from '../wire/messages.js';
import type { Command } from './command.js';
import type { QueuedTask } from './queued_task.js';

/** A task that a slave has. */
export interface RunningTask {
  /** The task. */
  readonly task: QueuedTask;
  /** When it began, by performance.now() of the master, ms. */
  readonly since: number;
}

/** What a slave shows of its session with the driver. */
export interface SlaveSession {
  readonly name: string;
  readonly has_number: boolean;
  readonly log_file: string;
  readonly facts: SlaveFacts | undefined;
  readonly pid: number | undefined;
  /** Set while the slave is ready. */
  readonly communicator: Communicator | undefined;
  readonly has_running_commands: boolean;
  readonly last_error: Error | undefined;
}

/** What a slave needs of the job that it is in. */
export interface SlaveHome {
  readonly session: SlaveSession;
  state(): SlaveState;
  run_command(command: Command, args: unknown[]): void;
  running(): RunningTask | undefined;
  /** Keeps the process alive while `wait` is pending. */
  keep_alive<T>(wait: Promise<T>): Promise<T>;
}

const homes = new WeakMap<Slave, SlaveHome>();

/** For the driver: puts `slave` into a job, or, without one, takes it out. */
export function set_home(slave: Slave, home: SlaveHome | undefined): void {
  if (home === undefined) homes.delete(slave);
  else homes.set(slave, home);
}

export function has_home(slave: Slave): boolean {
  return homes.has(slave);
}

/** Options of get_data on the master. */
export interface SlaveGetDataOptions extends GetDataOptions {
  /**
   * Wait even when the slave has finished all its commands: something there may send later, by a timer say.
   * @default false
   */
  wait_idle?: boolean | undefined;
}

/**
 * A process that runs one task at a time, started by its Job. Use LocalSlave, or another kind.
 *
 * Its messages pair up: what `send_data` sends here, `master.get_data()` takes there, and the other way round.
 */
export abstract class Slave {
  /** How its process is started. */
  abstract readonly launcher: Launcher;

  /** `<jobname>.slaveN`, which is also the name of its log file; N is given at its first start. */
  get name(): string {
    const session = homes.get(this)?.session;
    return session?.has_number === true ? session.name : `${this.constructor.name} (not started)`;
  }

  /** Where it stands: `created` while it is in no job. */
  get state(): SlaveState {
    return homes.get(this)?.state() ?? 'created';
  }

  /** Name of the machine that it runs on. */
  get host(): string {
    return homes.get(this)?.session.facts?.hostname ?? this.launcher.host;
  }

  /** Process id on its machine, while it runs. */
  get pid(): number | undefined {
    return homes.get(this)?.session.pid;
  }

  /** The task that it runs. */
  get running(): RunningTask | undefined {
    return homes.get(this)?.running();
  }

  /** Version of its node, while it is connected: `v20.19.0`. */
  get node_version(): string | undefined {
    return homes.get(this)?.session.facts?.node_version;
  }

  /** Its log file, once it has been started. */
  get log_file(): string | undefined {
    const session = homes.get(this)?.session;
    return session?.has_number === true ? session.log_file : undefined;
  }

  /** Why it was last lost or failed to start, if it was. */
  get last_error(): Error | undefined {
    return homes.get(this)?.session.last_error;
  }

  /**
   * Runs code on the slave: the body of an async function with `master`, `require` and `args`, or a
   * function that is called with `master` and the arguments. Commands and tasks of one slave run one
   * after another. Names assigned without a declaration persist on the slave.
   *
   * Resolves when the command is on its way. If it fails, the next call on this slave throws.
   *
   * @throws RemoteError (PARJOB_ERR_REMOTE) an earlier command failed
   * @throws NetworkError (PARJOB_ERR_NETWORK) the slave is lost
   * @throws StateError (PARJOB_ERR_STATE) the slave does not run
   * @throws UsageError (PARJOB_ERR_USAGE) the arguments cannot be sent
   * @example await slave.run_cmd('await master.send_data(args[0] * 2)', 21);
   */
  async run_cmd<Args extends unknown[]>(command: Command<Args>, ...args: Args): Promise<void> {
    const home = this.#home('run_cmd');
    this.#communicator(home, 'run_cmd').raise_failure();
    home.run_command(command as Command, args);
  }

  /**
   * Sends a value to the slave, which takes it by `master.get_data()`. Resolves when it is on its way;
   * waits while the slave has more than 16 MiB to take. A value larger than `max_frame_bytes` is refused.
   * @throws the errors of run_cmd
   */
  async send_data(data: unknown): Promise<void> {
    const home = this.#home('send_data');
    const communicator = this.#communicator(home, 'send_data');
    const sent = communicator.send(data);
    await (communicator.is_full ? home.keep_alive(sent) : sent);
  }

  /**
   * The next value that the slave sends by `master.send_data(...)`.
   * @throws StateError (PARJOB_ERR_STATE) also when the slave has ended its commands and sent nothing
   * @throws the errors of run_cmd; the reason of `signal` when that is aborted
   */
  async get_data<T = unknown>(options: SlaveGetDataOptions = {}): Promise<T> {
    const home = this.#home('get_data');
    const communicator = this.#communicator(home, 'get_data');
    const arrived = communicator.take();
    if (arrived !== undefined) return arrived.value as T;
    if (options.wait_idle === true) waits_idle.add(communicator);
    try {
      const answer = communicator.get({ signal: options.signal });
      refuse_idle_wait(home.session);
      return (await home.keep_alive(answer)) as T;
    } finally {
      waits_idle.delete(communicator);
    }
  }

  /** What console.log shows. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { name, state, host } = this;
    return `${this.constructor.name} ${inspect({ name, state, host }, options)}`;
  }

  /** Its name. */
  toString(): string {
    return this.name;
  }

  #home(method: string): SlaveHome {
    const home = homes.get(this);
    if (home !== undefined) return home;
    throw new UsageError(`${method}: this slave is in no job: push it to one first, then await job.start()`);
  }

  #communicator(home: SlaveHome, method: string) {
    const { communicator, last_error } = home.session;
    if (communicator !== undefined) return communicator;
    const state = home.state();
    if (last_error !== undefined) throw last_error;
    throw new StateError(`${method}: ${this.name} is ${state}, not connected: await job.start() first`);
  }
}

const waits_idle = new WeakSet<object>();

/** Nothing will come from a slave that runs no command: better an error than a wait without end. */
export function refuse_idle_wait(session: SlaveSession): void {
  const { communicator } = session;
  if (communicator === undefined || session.has_running_commands || waits_idle.has(communicator)) return;
  communicator.reject_waiting(
    new StateError(
      `get_data: ${session.name} runs no command and has sent nothing, so nothing will come: each get_data needs a master.send_data in ` +
        'a command there. If something there sends later, by a timer say, use get_data({ wait_idle: true })',
    ),
  );
}
