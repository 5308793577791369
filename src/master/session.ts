/**
 * Session: the driver's side of one slave, from launch to end, and again.
 *
 *     launch ─▶ process ─▶ main link ─▶ ready ─▶ start-up commands ─▶ reports ... ─▶ gone
 *                      └─▶ pulse link ─▶ heartbeats, tasks taken back
 *
 * A slave is gone when its process has ended and its link is closed, so that what it said last has been
 * read; neither waits long for the other. It decides nothing: see SessionEvents for what it tells.
 */
import { join } from 'node:path';
import { type DeadAttempt, LaunchError, NetworkError, ProtocolError, RemoteError } from '../errors.js';
import { describe_end, exit_error, launch_error } from '../launch/failure.js';
import type { LaunchedProcess, ProcessEnd } from '../launch/launcher.js';
import { log_tail } from '../launch/log_tail.js';
import { Channel } from '../net/channel.js';
import { Communicator } from '../net/communicator.js';
import type { Link } from '../net/link.js';
import type { Progress } from '../task.js';
import { check_fits_frame } from '../wire/frame.js';
import type { LinkRole } from '../wire/hello.js';
import {
  order,
  read_reports,
  type SlaveFacts,
  type TaskReport,
  type ToMaster,
  type Welcome,
} from '../wire/messages.js';
import {
  type PulseMessage,
  read_pulse_messages,
  type Vitals,
  write_pulse_message,
} from '../wire/pulse_messages.js';
import { type Command, post_command } from './command.js';
import type { ResolvedJobOptions } from './job_options.js';
import type { JobTask } from './queued_task.js';
import type { Slave } from './slave.js';

/** From the close of its link to the kill of a process that has not ended, ms. */
const END_GRACE = 250;
/** From the end of a process to the loss of what its link may still bring, ms. */
const DRAIN_GRACE = 500;
/** From the order to stop to the kill, ms. */
const STOP_GRACE = 1500;

/** A slave that was ready is gone. */
export class SlaveLostError extends NetworkError {
  readonly evidence: DeadAttempt;

  constructor(evidence: DeadAttempt) {
    super(`${evidence.slave} ${evidence.reason}`);
    this.evidence = evidence;
  }
}

/** What all sessions of a job share. */
export interface SessionContext {
  readonly options: ResolvedJobOptions;
  /** Hexadecimal. */
  readonly secret: string;
  readonly startup_commands: readonly Command[];
}

/** What a session tells its driver. */
export interface SessionEvents {
  on_launched(session: Session, process: LaunchedProcess): void;
  on_ready(session: Session): void;
  on_launch_failed(session: Session, error: LaunchError): void;
  on_lost(session: Session, error: SlaveLostError, ended_with: number | 'no_task' | undefined): void;
  /** It ended after `stop`. */
  on_ended(session: Session): void;
  /** It gives back tasks from now on. */
  on_pulse(session: Session): void;
  on_task_reports(session: Session, reports: TaskReport[], bytes: number): void;
  on_progress(session: Session, task_id: number, progress: Progress): void;
  on_taken_back(session: Session, from: number, until: number): void;
  on_command_ended(session: Session): void;
  on_vitals(session: Session, vitals: Vitals): void;
  on_stray_error(session: Session, error: unknown): void;
}

/** One process of the slave, with its connections. */
class Life {
  readonly launch: number;
  process: LaunchedProcess | undefined;
  end: ProcessEnd | undefined;
  main: Channel | undefined;
  pulse: Channel | undefined;
  communicator: Communicator | undefined;
  facts: SlaveFacts | undefined;
  is_ready = false;
  is_link_closed = false;
  /** Start-up commands that have not ended. */
  startup_left = 0;
  next_cmd_id = 0;
  startup_count = 0;
  readonly running_commands = new Set<number>();
  readonly defined = new Set<number>();
  /** Why the driver ended it, if it did. */
  doom: Error | undefined;
  ended_with: number | 'no_task' | undefined;

  constructor(launch: number) {
    this.launch = launch;
  }
}

export class Session {
  readonly slave: Slave;
  readonly slave_id: number;
  readonly #context: SessionContext;
  readonly #events: SessionEvents;
  /** The N of `<jobname>.slaveN`: given at the first launch, never again. */
  #number: number | undefined;
  #launches = 0;
  #life: Life | undefined;
  #is_stopping = false;
  /** Something was heard since the driver last asked. */
  was_heard = false;
  last_error: Error | undefined;

  constructor(slave: Slave, slave_id: number, context: SessionContext, events: SessionEvents) {
    this.slave = slave;
    this.slave_id = slave_id;
    this.#context = context;
    this.#events = events;
  }

  get name(): string {
    return `${this.#context.options.jobname}.slave${this.#number ?? '?'}`;
  }

  get has_number(): boolean {
    return this.#number !== undefined;
  }

  get log_file(): string {
    return join(this.#context.options.log_dir, this.name);
  }

  get facts(): SlaveFacts | undefined {
    return this.#life?.facts;
  }

  get pid(): number | undefined {
    return this.#life?.facts?.pid ?? this.#life?.process?.pid;
  }

  get communicator(): Communicator | undefined {
    return this.#life?.is_ready === true ? this.#life.communicator : undefined;
  }

  get has_running_commands(): boolean {
    return (this.#life?.running_commands.size ?? 0) > 0;
  }

  // ---- the process

  /** Gives the slave its number, unless it has one. */
  set_number(next: () => number): void {
    this.#number ??= next();
  }

  /** Starts the process. */
  launch(addresses: readonly string[]): void {
    const life = new Life(this.#launches++);
    this.#life = life;
    if (this.#is_stopping) {
      this.#life = undefined;
      this.#is_stopping = false;
      this.#events.on_ended(this);
      return;
    }
    const launch_order = {
      name: this.name,
      slave_id: this.slave_id,
      launch: life.launch,
      addresses,
      secret: this.#context.secret,
      log_file: this.log_file,
      slave_command: this.#context.options.slave_command,
    };
    try {
      life.process = this.slave.launcher.start(launch_order);
    } catch (error) {
      this.#life = undefined;
      const launch = { slave: this.name, command: [], log_file: this.log_file };
      this.#fail(launch_error(launch, 'cannot_start', (error as Error).message, error));
      return;
    }
    this.#events.on_launched(this, life.process);
    void life.process.ended.then((end) => {
      life.end = end;
      if (life.main === undefined || life.is_link_closed) this.#gone(life);
      else after(DRAIN_GRACE, () => life.main?.link.destroy());
    });
  }

  /** A connection of this slave has proved itself. */
  accept(link: Link, role: LinkRole, launch: number, rest: Buffer): void {
    const life = this.#life;
    const is_expected =
      life?.launch === launch &&
      !this.#is_stopping &&
      (role === 'main' ? life.main === undefined : life.pulse === undefined);
    if (life === undefined || !is_expected) return link.destroy();
    if (role === 'main') this.#accept_main(life, link, rest);
    else this.#accept_pulse(life, link, rest);
  }

  #accept_main(life: Life, link: Link, rest: Buffer): void {
    const { max_frame_bytes } = this.#context.options;
    const on_frame = (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => {
      this.was_heard = true;
      let size = end - start;
      for (const attachment of attachments) size += attachment.byteLength;
      this.#on_reports(life, read_reports(bytes, start, end, attachments), size);
    };
    const channel = new Channel(link, max_frame_bytes, on_frame, rest);
    life.main = channel;
    life.communicator = new Communicator({
      data: (bytes, value) => {
        check_fits_frame(bytes, max_frame_bytes, 'the data takes');
        channel.make_room(bytes);
        order.data(channel.writer, bytes, value);
        channel.posted();
      },
      data_taken: (bytes) => {
        order.data_taken(channel.writer, bytes);
        channel.posted();
      },
    });
    link.on_close = (error) => {
      life.is_link_closed = true;
      if (error instanceof ProtocolError) life.doom ??= error;
      if (life.end !== undefined || life.process === undefined) return this.#gone(life);
      after(END_GRACE, () => life.process?.kill());
    };
  }

  #accept_pulse(life: Life, link: Link, rest: Buffer): void {
    const on_frame = (bytes: Buffer, start: number, end: number) => {
      this.was_heard = true;
      for (const message of read_pulse_messages(bytes, start, end)) this.#on_pulse_message(life, message);
    };
    life.pulse = new Channel(link, this.#context.options.max_frame_bytes, on_frame, rest);
    link.on_close = () => {
      life.pulse = undefined;
    };
    if (life.is_ready) this.#events.on_pulse(this);
  }

  #on_pulse_message(life: Life, message: PulseMessage): void {
    if (this.#life !== life) return;
    if (message.kind === 'taken_back') this.#events.on_taken_back(this, message.from, message.to);
    else if (message.kind === 'heartbeat') this.#events.on_vitals(this, message.vitals);
  }

  // ---- what the slave says

  #on_reports(life: Life, messages: ToMaster[], bytes: number): void {
    if (this.#life !== life) return;
    let tasks: TaskReport[] | undefined;
    for (const message of messages) {
      if (message.kind === 'task_done' || message.kind === 'task_failed') (tasks ??= []).push(message);
      else this.#on_report(life, message as Exclude<ToMaster, TaskReport>);
    }
    if (tasks !== undefined) this.#events.on_task_reports(this, tasks, bytes);
  }

  #on_report(life: Life, message: Exclude<ToMaster, TaskReport>): void {
    switch (message.kind) {
      case 'ready':
        life.facts = message.facts;
        return this.#welcome(life);
      case 'cmd_done':
        return this.#on_command_end(life, message.cmd_id, undefined);
      case 'cmd_failed': {
        const what = life.is_ready
          ? `command ${message.cmd_id + 1 - life.startup_count}`
          : `start-up command ${message.cmd_id + 1}`;
        return this.#on_command_end(
          life,
          message.cmd_id,
          new RemoteError(message.error, { slave: this.name, what }),
        );
      }
      case 'data':
        return life.communicator?.on_data(message.value, message.bytes);
      case 'data_taken':
        return life.communicator?.on_data_taken(message.bytes);
      case 'progress':
        return this.#events.on_progress(this, message.task_id, message.progress);
      case 'stray_error':
        return this.#events.on_stray_error(this, message.error);
      case 'exiting':
        life.ended_with = message.task_id ?? 'no_task';
        return;
      default:
        message satisfies never;
    }
  }

  #welcome(life: Life): void {
    const { options, startup_commands } = this.#context;
    const channel = life.main as Channel;
    const welcome: Welcome = {
      name: this.name,
      max_frame_bytes: options.max_frame_bytes,
      heartbeat_interval: options.heartbeat_interval,
      log_level: options.log_level ?? 'info',
    };
    order.welcome(channel.writer, welcome);
    life.startup_left = startup_commands.length;
    life.startup_count = startup_commands.length;
    try {
      for (const command of startup_commands) {
        post_command(channel, life.next_cmd_id++, command, [], options.max_frame_bytes);
      }
    } catch (error) {
      const launch = { slave: this.name, command: life.process?.command ?? [], log_file: this.log_file };
      return this.abandon(launch_error(launch, 'startup_command_failed', (error as Error).message, error));
    }
    channel.posted();
    if (life.startup_left === 0) this.#ready(life);
  }

  #ready(life: Life): void {
    life.is_ready = true;
    this.was_heard = true;
    this.#events.on_ready(this);
    if (life.pulse !== undefined) this.#events.on_pulse(this);
  }

  #on_command_end(life: Life, cmd_id: number, error: RemoteError | undefined): void {
    if (!life.is_ready) {
      if (error !== undefined) {
        const launch = { slave: this.name, command: life.process?.command ?? [], log_file: this.log_file };
        const what = `start-up command ${cmd_id + 1} threw ${error.remote_name}: ${error.remote_message}`;
        return this.abandon(launch_error(launch, 'startup_command_failed', what, error));
      }
      life.startup_left--;
      if (life.startup_left === 0) this.#ready(life);
      return;
    }
    life.running_commands.delete(cmd_id);
    if (error !== undefined) life.communicator?.fail(error);
    this.#events.on_command_ended(this);
  }

  // ---- orders

  run_tasks(tasks: readonly JobTask[]): void {
    const life = this.#life;
    const channel = life?.main;
    if (life === undefined || channel === undefined) return;
    const { writer } = channel;
    for (const { task_id, attempt, index, definition, payload } of tasks) {
      const { fn_id, module, export_name } = definition;
      if (!life.defined.has(fn_id)) {
        life.defined.add(fn_id);
        order.define_task(writer, fn_id, module, export_name);
      }
      if (payload !== undefined) {
        channel.make_room(payload.byte_length);
        order.run_task(writer, task_id, attempt, fn_id, index, payload);
      }
      channel.posted();
    }
  }

  /** @throws UsageError (PARJOB_ERR_USAGE) when an argument cannot be sent */
  run_command(command: Command, args: unknown[]): void {
    const life = this.#life as Life;
    const channel = life.main as Channel;
    post_command(channel, life.next_cmd_id, command, args, this.#context.options.max_frame_bytes);
    life.running_commands.add(life.next_cmd_id++);
    channel.posted();
  }

  abort_task(task_id: number): void {
    const channel = this.#life?.main;
    if (channel === undefined) return;
    order.abort_task(channel.writer, task_id);
    channel.posted();
  }

  take_back(from: number, until: number): void {
    this.#post_pulse({ kind: 'take_back', from, to: until });
  }

  #post_pulse(message: PulseMessage): void {
    const channel = this.#life?.pulse;
    if (channel === undefined) return;
    write_pulse_message(channel.writer, message);
    channel.posted();
  }

  // ---- the end

  /** Tells the slave to end. `on_ended` follows, soon. */
  stop(): void {
    const life = this.#life;
    this.#is_stopping = true;
    if (life === undefined) return;
    if (life.main === undefined || life.is_link_closed) {
      life.process?.kill();
      return;
    }
    order.stop(life.main.writer);
    life.main.flush();
    this.#post_pulse({ kind: 'stop' });
    after(STOP_GRACE, () => life.process?.kill());
  }

  /** Ends the slave's process now, because of `error`. `on_launch_failed` or `on_lost` follows. */
  abandon(error: Error): void {
    const life = this.#life;
    if (life === undefined || life.doom !== undefined) return;
    life.doom = error;
    life.process?.kill();
    life.main?.link.destroy();
    if (life.process === undefined) this.#gone(life);
  }

  /** Ends the slave's process without further ado. */
  kill(): void {
    this.#life?.process?.kill();
  }

  #gone(life: Life): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    life.main?.link.destroy();
    life.pulse?.link.destroy();
    life.process?.kill();
    if (this.#is_stopping) {
      this.#is_stopping = false;
      life.communicator?.close(new NetworkError(`${this.name} was stopped`));
      this.#events.on_ended(this);
      return;
    }
    if (!life.is_ready) {
      const launch = { slave: this.name, command: life.process?.command ?? [], log_file: this.log_file };
      const { doom } = life;
      if (doom instanceof LaunchError) this.#fail(doom);
      else if (doom instanceof ProtocolError)
        this.#fail(launch_error(launch, 'version_differs', doom.message, doom));
      else if (doom !== undefined) this.#fail(launch_error(launch, 'timed_out', doom.message, doom));
      else this.#fail(exit_error(launch, life.end ?? NO_END));
      return;
    }
    const error = this.#lost_error(life);
    this.last_error = error;
    life.communicator?.close(error);
    this.#events.on_lost(this, error, life.ended_with);
  }

  #fail(error: LaunchError): void {
    this.last_error = error;
    this.#events.on_launch_failed(this, error);
  }

  #lost_error(life: Life): SlaveLostError {
    const tail = log_tail(this.log_file);
    const { doom, end = NO_END } = life;
    return new SlaveLostError({
      slave: this.name,
      reason: doom?.message ?? describe_end(end, this.log_file),
      exit_code: end.exit_code,
      signal: end.signal,
      log_file: this.log_file,
      log_tail: tail,
    });
  }
}

const NO_END: ProcessEnd = { exit_code: undefined, signal: undefined, error: undefined };

function after(delay: number, act: () => void): void {
  setTimeout(act, delay).unref();
}
