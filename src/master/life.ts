/** Life: one process of a slave with its connections, from launch to end, and what is said of that end. */
import { type DeadAttempt, type LossKind, NetworkError } from '../errors.js';
import { describe_end, type FailedLaunch } from '../launch/failure.js';
import type { LaunchedProcess, ProcessEnd } from '../launch/launcher.js';
import { log_size, log_tail } from '../launch/log_tail.js';
import type { Channel } from '../net/channel.js';
import type { Communicator } from '../net/communicator.js';
import type { SlaveFacts } from '../wire/messages.js';
import type { KillReason, Vitals } from '../wire/pulse_messages.js';

/** A slave that was ready is gone. */
export class SlaveLostError extends NetworkError {
  readonly evidence: DeadAttempt;

  constructor(evidence: DeadAttempt) {
    super(`${evidence.slave} ${evidence.reason}`);
    this.evidence = evidence;
    // its message says it
    Object.defineProperty(this, 'evidence', { enumerable: false });
  }
}

/** The task that a slave was running at its end: by its id, by its number on the connection, or none. */
export type EndedWith = { task_id: number } | { seq: number } | 'no_task';

/** What a pulse ends its process for, in words that follow the slave's name. */
const KILLED_FOR: Readonly<Record<KillReason, string>> = {
  cancelled: 'was ended because its task was cancelled and did not end',
  timed_out: 'was ended because its task took longer than its timeout and did not end',
  too_large: 'was ended because it took more memory than kill_slave_memory allows',
};

/** Who ends so shortly before the end of its walltime was ended for it, ms. */
const WALLTIME_MARGIN = 5000;

export const NO_END: ProcessEnd = { exit_code: undefined, signal: undefined, error: undefined };

export class Life {
  readonly launch: number;
  /** Name of the slave, and its log file, in which what this process writes begins at byte `log_start`. */
  readonly name: string;
  readonly log_file: string;
  readonly log_start: number;
  process: LaunchedProcess | undefined;
  end: ProcessEnd | undefined;
  main: Channel | undefined;
  pulse: Channel | undefined;
  communicator: Communicator | undefined;
  facts: SlaveFacts | undefined;
  is_ready = false;
  /** Its process runs, or did: it is not in a queue. */
  has_started = false;
  /** When its batch system will end it, by performance.now(). */
  ends_at = Infinity;
  /** An earlier master had started it. */
  is_adopted = false;
  is_link_closed = false;
  is_pulse_closed = true;
  vitals: Vitals | undefined;
  /** The driver knows that the link is broken. */
  is_told_broken = false;
  /** Start-up commands that have not ended. */
  startup_left = 0;
  next_cmd_id = 0;
  startup_count = 0;
  readonly running_commands = new Set<number>();
  readonly defined = new Set<number>();
  /** What the pulse was asked to give back, while it has not answered. */
  taking_back: { from: number; to: number } | undefined;
  /** Why the driver ended it, if it did. */
  doom: Error | undefined;
  /** Why it is gone, where its end does not say so. */
  why: LossKind = 'died';
  ended_with: EndedWith | undefined;
  /** It has said that its process exits, and how. */
  said_end: ProcessEnd | undefined;

  constructor(launch: number, name: string, log_file: string) {
    this.launch = launch;
    this.name = name;
    this.log_file = log_file;
    this.log_start = launch === 0 ? 0 : log_size(log_file);
  }

  /** For the error that says why it did not start. */
  get launch_facts(): FailedLaunch {
    const { name, log_file, log_start } = this;
    return { slave: name, command: this.process?.command ?? [], log_file, log_start };
  }

  /** Everything that it said has been read. */
  get is_read(): boolean {
    return (this.main === undefined || this.is_link_closed) && this.is_pulse_closed;
  }

  /** Its batch system has ended it. */
  be_evicted(): void {
    this.why = 'evicted';
    this.doom ??= new NetworkError('was ended by its batch system, or by someone who asked it to');
  }

  /** Lets go of its connections. */
  close_links(): void {
    this.main?.suspend();
    this.pulse?.suspend();
    this.is_link_closed = true;
    this.is_pulse_closed = true;
  }

  /** What is told of its end. @param host the machine, when the slave has not said it */
  lost_error(host: string): SlaveLostError {
    if (this.why === 'died' && performance.now() > this.ends_at - WALLTIME_MARGIN) this.be_evicted();
    const { doom, why, end = NO_END, log_file, log_start } = this;
    const killed = why in KILLED_FOR ? KILLED_FOR[why as KillReason] : undefined;
    return new SlaveLostError({
      why,
      slave: this.name,
      host: this.facts?.hostname ?? host,
      peak_memory: this.vitals?.peak,
      reason: doom?.message ?? killed ?? describe_end(end, log_file, log_start),
      exit_code: end.exit_code,
      signal: end.signal,
      log_file,
      log_tail: log_tail(log_file, log_start),
    });
  }
}
