/** What the scheduler knows of a task and of a slave. */
import { Ring } from '../base/ring.js';
import type { SlaveState } from './slave_state.js';

/** Where a task stands. */
export type TaskState =
  /** Waits for a slave, or for the time of its next attempt. */
  | 'queued'
  /** Was sent to a slave, where it runs or waits for its turn. */
  | 'assigned'
  /** Returned. */
  | 'done'
  /** Threw, or was given up. */
  | 'failed'
  /** Was cancelled. */
  | 'cancelled';

/** How much trouble of each kind a task may have. One object serves many tasks. */
export interface TaskPolicy {
  /** Runs in all, when each ends with the death of its slave. */
  readonly attempts: number;
  /** Further runs of a task that throws or takes too long. */
  readonly retries: number;
  /** Wait before the first of those, ms; doubled for each further one. */
  readonly retry_delay: number;
  /** Losses of its slave that are nobody's fault, a silent node say, before even they are too many. */
  readonly losses: number;
  /** How long a run is said to take, ms; undefined when nobody has said it. */
  readonly expected_time?: number | undefined;
}

export const DEFAULT_POLICY: TaskPolicy = { attempts: 2, retries: 0, retry_delay: 1000, losses: 10 };

/** Longest wait before a task that threw is run again, ms. */
const LONGEST_RETRY_DELAY = 10 * 60_000;

/** The wait before a task that has failed so often is run again, ms. */
export function retry_delay(policy: TaskPolicy, failures: number): number {
  return Math.min(LONGEST_RETRY_DELAY, policy.retry_delay * 2 ** (failures - 1));
}

/** What went wrong with a task so far. Most tasks have none. */
export interface TaskTrouble {
  /** Deaths of slaves that were proven to be due to this task. */
  deaths: number;
  /** Slaves that were lost while they ran it, for which it is not blamed. */
  losses: number;
  /** Runs that threw, or took too long. */
  failures: number;
  /** Was on a slave that died and may have been what killed it: runs alone until it is cleared. */
  is_suspect: boolean;
  /** Waits for the time of its next run. */
  is_delayed: boolean;
  /** Where it last was when that happened: it is tried elsewhere, if there is an elsewhere. */
  slave_id: number | undefined;
  host: HostRecord | undefined;
  /** And when. */
  since: number;
}

/** A task, as far as scheduling goes. Whoever runs it adds what is to be run. */
export class TaskRecord {
  readonly task_id: number;
  /** Place in the order of queue_task; undefined for a task that is not part of a run. */
  readonly index: number | undefined;
  /** Size of the arguments in a frame. */
  readonly bytes: number;
  state: TaskState = 'queued';
  trouble: TaskTrouble | undefined = undefined;
  /** The slave that it was sent to, while it is assigned, and its number among the tasks sent over that connection. */
  holder = -1;
  seq = 0;
  /** Number of the next run or the present one, from 1. */
  attempt = 1;
  readonly policy: TaskPolicy;

  constructor(task_id: number, index: number | undefined, bytes: number, policy = DEFAULT_POLICY) {
    this.task_id = task_id;
    this.index = index;
    this.bytes = bytes;
    this.policy = policy;
  }

  get is_suspect(): boolean {
    return this.trouble?.is_suspect === true;
  }

  /** The record of its trouble, made when it is first needed. */
  have_trouble(): TaskTrouble {
    return (this.trouble ??= {
      deaths: 0,
      losses: 0,
      failures: 0,
      is_suspect: false,
      is_delayed: false,
      slave_id: undefined,
      host: undefined,
      since: 0,
    });
  }
}

/** Why a slave is told to stop, and so what follows. */
export type StopReason =
  /** It left the job, or the job ends. */
  | 'leave'
  /** Its process has served long enough, or has grown too large: a fresh one follows. */
  | 'recycle'
  /** It had nothing to do for long: it is launched again when it is needed. */
  | 'rest';

/** What can be expected of a slave. */
export type Prospect =
  /** Takes tasks, or will. */
  | 'hopeful'
  /** Was lost, or did not start, and waits to be launched again. */
  | 'failing'
  /** Is dead, or leaves. */
  | 'out';

/** A machine that slaves run on. */
export interface HostRecord {
  readonly name: string;
  /** Slaves that are connected from there. */
  slaves: number;
  /** Those of them that take tasks, now or when they have ended those that they have. */
  serving: number;
  /** Those of them that are idle and offered. */
  idle: number;
  /** Tasks that died there. */
  readonly victims: Set<TaskRecord>;
  /** Until then it gets no task; 0 when it is not benched. */
  benched_until: number;
  bench_time: number;
  /** That time is over: it may be probed. */
  is_due: boolean;
  /** The slave that has the probe. */
  probe: number | undefined;
}

/** A list of slaves that one of them can be taken out of. */
export interface SlaveHolder<T extends TaskRecord> {
  delete(slave: SlaveRecord<T>): void;
}

/** A slave, as far as scheduling goes. */
export class SlaveRecord<T extends TaskRecord> {
  readonly slave_id: number;
  // What each report touches comes first, so that it lies together: among ten thousand slaves nothing of one is
  // in a cache when it reports, and the time of a decision is that of fetching it.
  state: SlaveState = 'created';
  /** Sent and not yet reported, in the order of sending, which is the order of running. */
  readonly tasks = new Ring<T>();
  /** Sizes of those, added up. */
  bytes = 0;
  /** Number of the next task that is sent over this connection, from 0. */
  next_seq = 0;
  /** Tasks that its process has ended. */
  ended = 0;
  /** How many tasks it may hold: the prefetch. */
  depth = 1;
  /** Tasks ended since `depth` was last doubled. */
  ended_at_depth = 0;
  /** Smoothed time of a task, µs; undefined before the first. */
  task_us: number | undefined;
  /** Time that a word to it and its answer take, µs. */
  round_trip_us = 0;
  /** When it last reported a task's end or, being idle, was given one; whole ms. */
  progress_at = 0;
  /** Launches and losses in a row of which no task was the cause and after which no task ended. */
  failures = 0;
  /** How often it was given up since it last ended a task. */
  paroles = 0;
  /** Commands sent and not yet reported. */
  commands = 0;
  /** Numbers of the tasks that it was asked to give back, while it has not answered. */
  taking_back: { from: number; to: number } | undefined;
  /** What it holds is a suspect, which runs alone; some of what it holds may have been cancelled. */
  has_suspect = false;
  has_cancelled = false;
  /** Takes no new tasks; is stopped when it has none. */
  is_leaving = false;
  /** Takes no new tasks; its process is replaced when it has none. */
  is_worn = false;
  /** Its process is to be ended by whoever started it; takes no new tasks. */
  is_abandoned = false;
  /** Whether its host counts it among those that take tasks. */
  is_serving = false;
  /** The machine that it runs on; undefined while it is not connected. */
  host: HostRecord | undefined;
  /** The list of slaves that want tasks in which it is, with its neighbours there. */
  list: SlaveHolder<T> | undefined;
  above: SlaveRecord<T> | undefined;
  below: SlaveRecord<T> | undefined;
  /** How far the ladder to the kill of a cancelled task has been climbed; see kill_ladder.ts. */
  kill_seq: number | undefined;
  kill_at = Infinity;
  is_kill_ordered = false;
  /** It answers take_back orders. */
  can_take_back = false;
  /** When anything was last heard of it. */
  heard_at = 0;
  /** When its process was ready, and when its batch system will end it. */
  ready_at = 0;
  ends_at = Infinity;
  /** When its process was started, or is to be started again; Infinity while it waits to be started. */
  launch_at = Infinity;
  /** When it is to be looked at. */
  look_at = Infinity;
  last_failure: Error | undefined;
  /** What the last launch failed of: the same text for the same cause. */
  failure_cause: string | undefined;
  /** Why it was told to stop, when it was. */
  stop_reason: StopReason = 'leave';
  /** As what the roster has counted it. */
  prospect: Prospect = 'hopeful';

  constructor(slave_id: number) {
    this.slave_id = slave_id;
  }
}
