/**
 * Session: the driver's side of one slave, from launch to end, and again.
 *
 *     launch ─▶ process ─▶ main link ─▶ ready ─▶ start-up commands ─▶ reports ... ─▶ gone
 *                      └─▶ pulse link ─▶ heartbeats, tasks taken back
 *
 * A slave is gone when its process has ended and its links are closed, so that what it said last has been
 * read; neither waits long for the other. A link that breaks while the process lives is given time to be
 * made anew, and nothing is lost. It decides nothing: see SessionEvents for what it tells.
 */
import { join } from 'node:path';
import { Deferred } from '../base/deferred.js';
import { LaunchError, type LossKind, NetworkError, ProtocolError, RemoteError } from '../errors.js';
import { exit_error, launch_error } from '../launch/failure.js';
import type { LaunchedProcess, LaunchOrder, ProcessEnd } from '../launch/launcher.js';
import { Channel } from '../net/channel.js';
import { Communicator } from '../net/communicator.js';
import type { Link } from '../net/link.js';
import type { StopReason } from '../sched/records.js';
import type { Progress } from '../task.js';
import { check_fits_frame } from '../wire/frame.js';
import type { Identity } from '../wire/hello.js';
import {
  order,
  read_reports,
  type SlaveFacts,
  type TaskReport,
  type ToMaster,
  type Welcome,
} from '../wire/messages.js';
import {
  MAX_PULSE_FRAME_BYTES,
  type PulseMessage,
  read_pulse_messages,
  type Vitals,
  write_pulse_message,
} from '../wire/pulse_messages.js';
import { type EncodedValue, encoded_bytes } from '../wire/value.js';
import { type Command, post_command } from './command.js';
import type { Heir } from './estate.js';
import type { ResolvedJobOptions } from './job_options.js';
import { type EndedWith, Life, NO_END, type SlaveLostError } from './life.js';
import type { JobTask } from './queued_task.js';
import type { Slave } from './slave.js';

/** A main thread that has not turned for so long, ms, is busy: it cannot make its link anew now. */
const BUSY_STALL = 1000;
/** From the close of its link to saying so: the end of its process may follow, and says more, ms. */
const TELL_GRACE = 250;
/** From the end of a process to the loss of what its link may still bring, ms. */
const DRAIN_GRACE = 500;
/** A process of which nobody else can tell that closes both its connections has so long to come back, ms. */
const UNWATCHED_GRACE = 3000;
/** From the order to stop to the kill, ms. */
const STOP_GRACE = 1500;

/** What all sessions of a job share. */
export interface SessionContext {
  readonly options: ResolvedJobOptions;
  /** Hexadecimal. */
  readonly secret: () => string;
  /** Path of the file that holds it. */
  readonly secret_file: () => string;
  readonly startup_commands: readonly Command[];
}

/** What is sent ahead of a task. */
export interface AheadOfTasks {
  /** What its earlier attempts have kept. */
  last_checkpoint(task: JobTask): EncodedValue | undefined;
  trace_context(task: JobTask): Readonly<Record<string, string>> | undefined;
}

export type LeftOverReport = Extract<ToMaster, { kind: 'left_over' }>;

/** What a session tells its driver. */
export interface SessionEvents {
  on_launched(session: Session, process: LaunchedProcess): void;
  on_ready(session: Session): void;
  on_launch_failed(session: Session, error: LaunchError): void;
  /** `ended_with` is what it said that it was running at its end, if it said so. */
  on_lost(session: Session, error: SlaveLostError, ended_with: EndedWith | undefined): void;
  /** It ended after `stop`, for the reason given there. */
  on_ended(session: Session, reason: StopReason): void;
  /** It gives back tasks from now on. */
  on_pulse(session: Session): void;
  on_task_reports(session: Session, reports: TaskReport[], bytes: number): void;
  on_progress(session: Session, task_id: number, progress: Progress): void;
  on_taken_back(session: Session, from: number, until: number): void;
  on_command_ended(session: Session): void;
  /** It brings what a task of an earlier run came to. Before it is ready. */
  on_left_over(session: Session, report: LeftOverReport): void;
  on_checkpoint(session: Session, task_id: number, attempt: number, value: unknown): void;
  /** Its link broke or was made anew. */
  on_link(session: Session, is_broken: boolean): void;
  on_vitals(session: Session, vitals: Vitals): void;
  on_round_trip(session: Session, ms: number): void;
  on_stray_error(session: Session, error: unknown): void;
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
  /** The process that may come back from an earlier master, while it has not. */
  #heir: Heir | undefined;
  #heir_came: Deferred<boolean> | undefined;
  #is_stopping = false;
  #stop_reason: StopReason = 'leave';
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

  get number(): number | undefined {
    return this.#number;
  }

  get launches(): number {
    return this.#launches;
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

  /** What its process needs to know; undefined when it is not to be started any more. `launched` or `not_launched` follows. */
  prepare_launch(addresses: readonly string[]): LaunchOrder | undefined {
    const life = new Life(this.#launches++, this.name, this.log_file);
    this.#life = life;
    this.#heir = undefined;
    if (this.#is_stopping) {
      this.#life = undefined;
      this.#is_stopping = false;
      this.#events.on_ended(this, this.#stop_reason);
      return undefined;
    }
    const { options, secret, secret_file } = this.#context;
    return {
      name: this.name,
      jobname: options.jobname,
      slave_id: this.slave_id,
      launch: life.launch,
      addresses,
      secret: secret(),
      secret_file,
      log_file: this.log_file,
      cwd: process.cwd(),
      slave_command: options.slave_command,
    };
  }

  /** Its process was started, or waits in a queue for that. */
  launched(process: LaunchedProcess): void {
    const life = this.#life;
    if (life === undefined) return process.kill();
    life.process = process;
    this.#watch_process(life, process);
    if (process.started === undefined) this.#note_started(life);
    else void process.started.then(() => this.#note_started(life));
    // it was told to stop before there was anything to stop
    if (this.#is_stopping) process.kill();
  }

  not_launched(error: Error): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.#fail(launch_error(life.launch_facts, 'cannot_start', error.message, error));
  }

  /** Its process runs: from now on it has its time to connect. */
  #note_started(life: Life): void {
    if (this.#life !== life || life.has_started || life.process === undefined) return;
    life.has_started = true;
    this.#events.on_launched(this, life.process);
  }

  #watch_process(life: Life, process: LaunchedProcess): void {
    void process.ended.then((end) => {
      // what we watched is gone; the slave may be well
      if (
        process.is_unwatched === true &&
        life.main !== undefined &&
        !this.#is_stopping &&
        life.doom === undefined
      )
        return this.#doubt(life);
      this.#note_end(life, end);
    });
  }

  #note_end(life: Life, end: ProcessEnd): void {
    life.end = end;
    if (end.evicted !== undefined) life.why = 'evicted';
    this.#gone_if_all_is_read(life);
    after(DRAIN_GRACE, () => this.#gone(life));
  }

  /** A connection closed: whether its process lives is to be found out by whoever can. */
  #doubt(life: Life): void {
    const { process } = life;
    if (process === undefined) return;
    const is_far = process.look !== undefined || process.is_unwatched === true;
    if (is_far && life.is_read && life.said_end !== undefined) return this.#note_end(life, life.said_end);
    process.look?.();
    if (process.is_unwatched !== true || !life.is_read) return;
    after(UNWATCHED_GRACE, () => {
      if (this.#life !== life || !life.is_read) return;
      life.doom ??= new NetworkError('closed its connections and did not come back');
      this.#gone(life);
    });
  }

  /** It was ready, and its connection is broken. */
  get is_disconnected(): boolean {
    return this.#life?.is_ready === true && this.#life.is_link_closed;
  }

  /** Why it does not run, while it waits to be started, in words that follow its name. */
  get waits_for(): string | undefined {
    return this.#life?.process?.waits_for;
  }

  #gone_if_all_is_read(life: Life): void {
    if (life.end !== undefined && life.is_read) this.#gone(life);
  }

  /** Whether a connection of that launch and role can be gone on with. */
  knows({ role, launch }: Identity): boolean {
    const life = this.#life;
    if (life?.launch !== launch) return false;
    // one that was adopted begins anew
    return !life.is_adopted || (role === 'main' ? life.main : life.pulse) !== undefined;
  }

  /** A process that an earlier master started may come back: resolves when it has, with true, or after `timeout` ms. */
  await_heir(heir: Heir, timeout: number): Promise<boolean> {
    this.#heir = heir;
    this.#number = heir.number;
    this.#launches = heir.launch + 1;
    const came = new Deferred<boolean>();
    this.#heir_came = came;
    after(timeout, () => {
      if (this.#life === undefined) this.#heir = undefined;
      came.resolve(this.#life !== undefined);
    });
    return came.promise;
  }

  #adopt({ launch, pid }: Heir): Life {
    const life = new Life(launch, this.name, this.log_file);
    life.is_adopted = true;
    this.#life = life;
    this.#heir = undefined;
    const process = pid === undefined ? undefined : this.slave.launcher.adopt?.(pid);
    if (process !== undefined) {
      life.process = process;
      this.#watch_process(life, process);
    }
    this.#heir_came?.resolve(true);
    return life;
  }

  /** A connection of this slave has proved itself. */
  accept(link: Link, { role, launch, is_resuming }: Identity, rest: Buffer): void {
    const is_heir = is_resuming && this.#heir?.launch === launch && this.#life === undefined;
    const life = is_heir ? this.#adopt(this.#heir as Heir) : this.#life;
    const channel = role === 'main' ? life?.main : life?.pulse;
    const is_expected = life?.launch === launch && (channel === undefined ? !this.#is_stopping : is_resuming);
    if (life === undefined || !is_expected) return link.destroy();
    life.process?.has_connected?.();
    if (role === 'main') {
      life.is_link_closed = false;
      if (channel === undefined) this.#accept_main(life, link, rest, is_resuming && !life.is_adopted);
      else this.#resume(life, channel, link, rest);
    } else {
      life.is_pulse_closed = false;
      if (channel === undefined) this.#accept_pulse(life, link, rest);
      else this.#resume_pulse(life, channel, link, rest);
    }
  }

  #resume(life: Life, channel: Channel, link: Link, rest: Buffer): void {
    this.was_heard = true;
    if (life.is_ready && !life.is_told_broken) this.#tell_broken(life);
    channel.resume(link, rest);
    life.is_told_broken = false;
    if (life.is_ready) this.#events.on_link(this, false);
  }

  #tell_broken(life: Life): void {
    life.is_told_broken = true;
    this.#events.on_link(this, true);
  }

  /** What was asked and not answered is asked again: the answer may have been lost. */
  #resume_pulse(life: Life, channel: Channel, link: Link, rest: Buffer): void {
    this.was_heard = true;
    channel.resume(link, rest);
    const { taking_back } = life;
    if (taking_back !== undefined) this.#post_pulse({ kind: 'take_back', ...taking_back });
    if (this.#is_stopping) this.#post_pulse({ kind: 'stop' });
  }

  #accept_main(life: Life, link: Link, rest: Buffer, is_resuming: boolean): void {
    const { max_frame_bytes } = this.#context.options;
    const on_frame = (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => {
      this.was_heard = true;
      let size = end - start;
      for (const attachment of attachments) size += attachment.byteLength;
      try {
        this.#on_reports(life, read_reports(bytes, start, end, attachments), size);
      } catch (error) {
        // whatever it is, this frame cannot be had again: not by a new link either
        if (error instanceof ProtocolError) throw error;
        throw new ProtocolError(`a frame could not be handled: ${(error as Error).message}`, {
          cause: error,
        });
      }
    };
    const channel = new Channel(link, { max_frame_bytes, on_frame, is_resumable: true, is_resuming }, rest);
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
    channel.on_close = (error) => {
      life.is_link_closed = true;
      if (error instanceof ProtocolError) life.doom ??= error;
      this.#gone_if_all_is_read(life);
      if (this.#life !== life) return;
      this.#doubt(life);
      if (life.doom !== undefined || this.#is_stopping) {
        life.process?.kill();
        if (life.process === undefined) this.#gone(life);
        return;
      }
      const broken = channel.link;
      after(TELL_GRACE, () => {
        if (this.#life === life && life.is_link_closed && life.is_ready) this.#tell_broken(life);
      });
      this.#wait_for_link(life, broken);
    };
  }

  /** The process lives and its link is broken: it has some time to make it anew. */
  #wait_for_link(life: Life, broken: Link): void {
    const { reconnect_timeout } = this.#context.options;
    after(reconnect_timeout, () => {
      if (this.#life !== life || !life.is_link_closed || life.main?.link !== broken) return;
      // a task may block its main thread; the pulse says that it is well
      if (!life.is_pulse_closed && (life.vitals?.stalled ?? 0) > BUSY_STALL)
        return this.#wait_for_link(life, broken);
      const what = `lost its connection and did not come back within ${reconnect_timeout} ms (reconnect_timeout)`;
      this.abandon(new NetworkError(what), 'lost');
    });
  }

  #accept_pulse(life: Life, link: Link, rest: Buffer): void {
    const on_frame = (bytes: Buffer, start: number, end: number) => {
      this.was_heard = true;
      for (const message of read_pulse_messages(bytes, start, end)) this.#on_pulse_message(life, message);
    };
    const options = { max_frame_bytes: MAX_PULSE_FRAME_BYTES, on_frame, is_resumable: false };
    life.pulse = new Channel(link, options, rest);
    life.pulse.on_close = (error) => {
      life.is_pulse_closed = true;
      if (error instanceof ProtocolError) this.abandon(error);
      this.#gone_if_all_is_read(life);
      if (this.#life === life) this.#doubt(life);
    };
    if (life.is_ready) this.#events.on_pulse(this);
  }

  #on_pulse_message(life: Life, message: PulseMessage): void {
    if (this.#life !== life) return;
    switch (message.kind) {
      case 'taken_back':
        // asked twice, when the link broke in between, and answered twice
        if (life.taking_back === undefined) return;
        life.taking_back = undefined;
        return this.#events.on_taken_back(this, message.from, message.to);
      case 'heartbeat':
        life.vitals = message.vitals;
        this.#post_pulse({ kind: 'alive' });
        return this.#events.on_vitals(this, message.vitals);
      case 'round_trip':
        return this.#events.on_round_trip(this, message.ms);
      case 'killed':
        life.ended_with = message.seq === undefined ? 'no_task' : { seq: message.seq };
        life.why = message.why;
        return;
      default:
    }
  }

  // ---- what the slave says

  #on_reports(life: Life, messages: ToMaster[], bytes: number): void {
    if (this.#life !== life) return;
    let tasks: TaskReport[] | undefined;
    for (const message of messages) {
      if (life.facts === undefined && message.kind !== 'ready' && message.kind !== 'left_over')
        throw new ProtocolError(`a slave says ${message.kind} before it is ready`);
      if (message.kind === 'task_done' || message.kind === 'task_failed') (tasks ??= []).push(message);
      else this.#on_report(life, message as Exclude<ToMaster, TaskReport>);
    }
    if (tasks !== undefined) this.#events.on_task_reports(this, tasks, bytes);
  }

  #on_report(life: Life, message: Exclude<ToMaster, TaskReport>): void {
    switch (message.kind) {
      case 'ready':
        if (life.facts !== undefined) throw new ProtocolError('a slave says a second time that it is ready');
        life.facts = message.facts;
        life.ends_at = performance.now() + (message.facts.time_left ?? Infinity);
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
      case 'checkpoint':
        return this.#events.on_checkpoint(this, message.task_id, message.attempt, message.value);
      case 'left_over':
        return this.#events.on_left_over(this, message);
      case 'exiting':
        life.ended_with = message.task_id === undefined ? 'no_task' : { task_id: message.task_id };
        life.said_end = { ...NO_END, exit_code: message.exit_code };
        if (message.is_evicted) life.be_evicted();
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
      slave_id: this.slave_id,
      launch: life.launch,
      max_frame_bytes: options.max_frame_bytes,
      heartbeat_interval: options.heartbeat_interval,
      log_level: options.log_level ?? 'info',
      cancel_grace: options.cancel_grace,
      kill_slave_memory: options.kill_slave_memory,
      reconnect_timeout: options.reconnect_timeout,
      lease: options.lease,
    };
    order.welcome(channel.writer, welcome);
    if (life.is_adopted) {
      // it has run them
      channel.posted();
      return this.#ready(life);
    }
    life.startup_left = startup_commands.length;
    life.startup_count = startup_commands.length;
    try {
      for (const command of startup_commands) {
        post_command(channel, life.next_cmd_id++, command, [], options.max_frame_bytes);
      }
    } catch (error) {
      return this.abandon(
        launch_error(life.launch_facts, 'startup_command_failed', (error as Error).message, error),
      );
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
        const what = `start-up command ${cmd_id + 1} threw ${error.remote_name}: ${error.remote_message}`;
        return this.abandon(launch_error(life.launch_facts, 'startup_command_failed', what, error));
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

  run_tasks(tasks: readonly JobTask[], ahead_of: AheadOfTasks): void {
    const life = this.#life;
    const channel = life?.main;
    if (life === undefined || channel === undefined) return;
    const { writer } = channel;
    for (const task of tasks) {
      const { task_id, attempt, index, definition, payload, policy } = task;
      // released with its outcome: none that has one is sent
      if (payload === undefined) continue;
      const { fn_id, module, export_name } = definition;
      if (!life.defined.has(fn_id)) {
        life.defined.add(fn_id);
        order.define_task(writer, fn_id, module, export_name);
      }
      const checkpoint = attempt === 1 && !task.is_restarted ? undefined : ahead_of.last_checkpoint(task);
      if (checkpoint !== undefined) {
        channel.make_room(encoded_bytes(checkpoint));
        order.last_checkpoint(writer, task_id, checkpoint);
      }
      const trace_context = ahead_of.trace_context(task);
      if (trace_context !== undefined) order.trace_context(writer, task_id, trace_context);
      channel.make_room(payload.byte_length);
      order.run_task(writer, task_id, attempt, fn_id, index, policy.timeout, payload);
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
    const life = this.#life;
    if (life !== undefined) life.taking_back = { from, to: until };
    this.#post_pulse({ kind: 'take_back', from, to: until });
  }

  /** Ends the slave's process, if it still runs the task sent as number `seq`. `on_lost` follows then. */
  kill_task(seq: number): void {
    this.#post_pulse({ kind: 'kill', seq });
  }

  #post_pulse(message: PulseMessage): void {
    const channel = this.#life?.pulse;
    if (channel === undefined) return;
    write_pulse_message(channel.writer, message);
    channel.posted();
  }

  // ---- the end

  /** Tells the slave to end. `on_ended` follows, soon. */
  stop(reason: StopReason): void {
    const life = this.#life;
    this.#is_stopping = true;
    this.#stop_reason = reason;
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
  abandon(error: Error, why: LossKind = 'died'): void {
    const life = this.#life;
    if (life === undefined || life.doom !== undefined) return;
    life.doom = error;
    life.why = why;
    life.process?.kill();
    life.close_links();
    if (life.process === undefined) this.#gone(life);
  }

  /** Ends the slave's process without further ado. */
  kill(): void {
    this.#life?.process?.kill();
  }

  #gone(life: Life): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    life.close_links();
    life.process?.kill();
    if (this.#is_stopping) {
      this.#is_stopping = false;
      life.communicator?.close(new NetworkError(`${this.name} was stopped`));
      this.#events.on_ended(this, this.#stop_reason);
      return;
    }
    if (!life.is_ready) {
      const { doom } = life;
      if (doom instanceof LaunchError) this.#fail(doom);
      else if (doom instanceof ProtocolError)
        this.#fail(launch_error(life.launch_facts, 'version_differs', doom.message, doom));
      else if (doom !== undefined)
        this.#fail(launch_error(life.launch_facts, 'timed_out', doom.message, doom));
      else this.#fail(exit_error(life.launch_facts, life.end ?? NO_END));
      return;
    }
    const error = life.lost_error(this.slave.launcher.host);
    this.last_error = error;
    life.communicator?.close(error);
    this.#events.on_lost(this, error, life.ended_with);
  }

  #fail(error: LaunchError): void {
    this.last_error = error;
    this.#events.on_launch_failed(this, error);
  }
}

function after(delay: number, act: () => void): void {
  setTimeout(act, delay).unref();
}
