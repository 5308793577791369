/**
 * Snapshot: a run at one moment, as plain data: what the terminal shows, the page and `parjob top` alike, whether
 * it comes from a job, from a status file, or over the network. The words are those of the model.
 */
import type { FailureCounts } from '../master/failure_counts.js';
import type { SlaveState } from '../sched/slave_state.js';
import type { TimeLeft } from './rate.js';
import type { Failure, ModelCounts } from './run_model.js';

/** Where the run as a whole stands. */
export type Standing =
  | 'running'
  /** All its tasks have outcomes, or it was ended. */
  | 'finished'
  /** Its master is gone, and tasks are left. Only a status file tells that. */
  | 'broken_off';

export interface Overview {
  /** By the clock of the run, ms, as all times here. */
  now: number;
  /** Wall-clock time of the clock's 0, ms since 1970. */
  epoch: number;
  started_at: number;
  standing: Standing;
  counts: ModelCounts;
  /** Slaves by state. */
  states: Partial<Record<SlaveState, number>>;
  /** The most slaves that were ready at the same time. */
  most_connected: number;
  failure_counts: Partial<FailureCounts>;
  benched_hosts: readonly string[];
  elapsed: number;
  /** Tasks per second of late. */
  rate: number;
  time_left?: TimeLeft | undefined;
  speed_up: number;
  efficiency: number;
  /** Of tasks that returned. */
  times: { count: number; median: number; high: number; longest: number };
  /** The last things that went wrong, the latest last. */
  failures: readonly Failure[];
  /** The share of a file that was read, while that goes on. */
  read?: number | undefined;
}

export interface SlaveRow {
  slave_id: number;
  name: string;
  state: SlaveState;
  host: string;
  is_connected: boolean;
  done: number;
  failed: number;
  launches: number;
  losses: number;
  /** Heartbeats that told of an event loop that did not turn. */
  stalls: number;
  longest_stall: number;
  /** Share of one CPU. */
  cpu?: number | undefined;
  pid?: number | undefined;
  /** Resident memory now, and at most, bytes. */
  rss?: number | undefined;
  peak?: number | undefined;
  /** How long its event loop has not turned. */
  stalled?: number | undefined;
  busy_ms: number;
  connected_ms: number;
  node_version?: string | undefined;
  log_file?: string | undefined;
  error?: string | undefined;
  /** Its task, and for how long it has had it. */
  running?: { index?: number | undefined; name: string; ms: number } | undefined;
}

export interface Snapshot {
  jobname: string;
  overview: Overview;
  /** `rows` are the first of `total`. */
  slaves: { total: number; rows: readonly SlaveRow[] };
}
