/** What the storm and the master that it watches say to each other: JSON lines over stdout and stdin. */
import type { ProxiedLaunch } from './proxied_slave.js';

/** All that a master must know. */
export interface MasterOrder {
  seed: number;
  /** Tasks of the queue. */
  tasks: number;
  /** Tasks that are sent by run_task, beside the queue. */
  urgent: number;
  /** The queue is made as slaves need tasks, or before the run. */
  is_lazy: boolean;
  slaves: number;
  /** Where slaves reach the master; undefined: straight. */
  proxy: number | undefined;
  /** For what the audit reads: never full. */
  folder: string;
  /** Of the slaves' logs and the status file: may be full. */
  log_dir: string;
  /** How many masters there were before this one. */
  life: number;
  /** Options of the Job. */
  options: Record<string, unknown>;
  /** Time that tasks which hang have, ms; undefined: nothing ends a task by time. */
  timeout: number | undefined;
  /** Tasks of the queue are cancelled by their handles, one in so many; 0: none. */
  cancels_one_in: number;
  /** Kinds of task; undefined: all that this parjob can bear. */
  kinds?: readonly string[] | undefined;
}

export interface MemorySample {
  rss: number;
  heap: number;
  /** Buffers and such. */
  external: number;
  sockets: number;
  /** All open descriptors, and what they are. */
  descriptors: number;
  open: string[];
  /** What keeps the process alive, in node's words. */
  resources: string[];
}

/** From the master. */
export type MasterWord =
  | ({ kind: 'launched' } & ProxiedLaunch)
  /** A slave of an earlier master came back. */
  | { kind: 'adopted'; pid: number }
  | { kind: 'connected'; slave: string; pid: number }
  /** `why` is the kind of loss; undefined when the slave could not be started. */
  | { kind: 'lost'; slave: string; pid: number | undefined; why: string | undefined; reason: string }
  | { kind: 'dead'; slave: string; reason: string }
  | { kind: 'stopped'; slave: string; pid: number | undefined }
  /** So many outcomes have been handed over. */
  | { kind: 'outcomes'; count: number }
  | { kind: 'memory'; when: 'begin' | 'warm' | 'end'; sample: MemorySample }
  /** The run ended with an error and is begun again. */
  | { kind: 'run_failed'; code: string; message: string }
  /** The answer to `dump`. */
  | { kind: 'dump'; text: string }
  /** All is done and the job is stopped; `counts` are those of events. */
  | { kind: 'finished'; counts: Record<string, number> };

/** To the master. */
export type StormWord =
  | { kind: 'dump' }
  /** Put another slave into the job. */
  | { kind: 'add_slave' }
  /** Take the slave at this place of the list out of the job. */
  | { kind: 'remove_slave'; place: number };
