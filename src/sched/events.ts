/**
 * What the scheduler is told, and what it answers: one union each. Events are past, effects are orders.
 */
import type { LossKind } from '../errors.js';
import type { StopReason, TaskRecord } from './records.js';

export type { LossKind };

/** What the scheduler reads of a slave's report on a task. */
export interface Report {
  readonly kind: 'task_done' | 'task_failed';
  readonly task_id: number;
  readonly run_us: number;
  /** Of a failure: that another run may help, if the task's policy has one left. */
  readonly may_retry?: boolean | undefined;
}

/** What has happened. */
export type SchedEvent<T extends TaskRecord, R extends Report> =
  | { kind: 'slave_added'; slave_id: number }
  /** Taken out of the job: finishes its task and is stopped. */
  | { kind: 'slave_removed'; slave_id: number }
  /** It has come by itself, and is to be taken in. */
  | { kind: 'slave_joined'; slave_id: number }
  /** All slaves that are not running should be launched. */
  | { kind: 'slaves_wanted' }
  /** Those that the job was to get cannot be had. */
  | { kind: 'grow_failed' }
  /** Its process was started just now: the time in a queue of launches does not count. */
  | { kind: 'slave_launched'; slave_id: number }
  /** `time_left` is the time until its batch system ends it, ms, if that is known. */
  | { kind: 'slave_ready'; slave_id: number; host: string; time_left?: number | undefined }
  | { kind: 'launch_failed'; slave_id: number; error: Error; same: string }
  /** `round_trip` is the time that a word to it and its answer take, ms, where that was measured. */
  | { kind: 'slave_heard'; slave_id: number; round_trip?: number | undefined }
  /** Its process has more memory than it should keep: it is to be replaced when its task has ended. */
  | { kind: 'slave_swollen'; slave_id: number }
  | { kind: 'take_back_possible'; slave_id: number }
  /** The slave is gone. `ended_with` is the task that it said it was running, or that it ran none, if it said so. */
  | {
      kind: 'slave_lost';
      slave_id: number;
      error: Error;
      why: LossKind;
      ended_with?: number | 'no_task' | undefined;
    }
  /** The slave ended after it was told to. */
  | { kind: 'slave_ended'; slave_id: number }
  | { kind: 'task_queued'; task: T }
  | { kind: 'task_cancelled'; task: T }
  | { kind: 'tasks_ended'; slave_id: number; reports: readonly R[] }
  | { kind: 'tasks_taken_back'; slave_id: number; from: number; to: number }
  | { kind: 'command_sent'; slave_id: number }
  | { kind: 'command_ended'; slave_id: number }
  | { kind: 'source_opened' }
  | { kind: 'source_closed' }
  | { kind: 'run_opened' }
  | { kind: 'run_closed' }
  /** The reader of results is behind: no new task of the queue is to be sent. */
  | { kind: 'reader_behind'; is_behind: boolean }
  | { kind: 'job_stopped' }
  | { kind: 'tick' };

/** Why a slave is beyond hope. */
export type AbandonReason = 'silent' | 'start_timeout' | 'protocol' | 'cancelled';

/** What is to be done about it. */
export type Effect<T extends TaskRecord, R extends Report> =
  | { kind: 'launch_slave'; slave_id: number }
  /** Tasks wait, and the job may have so many slaves more. */
  | { kind: 'grow'; count: number }
  | { kind: 'run_tasks'; slave_id: number; tasks: T[] }
  | { kind: 'take_back'; slave_id: number; from: number; to: number }
  | { kind: 'abort_task'; slave_id: number; task_id: number }
  /** The task, number `seq` on that slave, was cancelled and does not end: kill the slave if it still runs it. */
  | { kind: 'kill_task'; slave_id: number; seq: number }
  | { kind: 'stop_slave'; slave_id: number; reason: StopReason }
  /** The slave is beyond hope: end its process and report slave_lost or launch_failed. */
  | { kind: 'abandon_slave'; slave_id: number; why: AbandonReason }
  | { kind: 'tasks_settled'; slave_id: number; tasks: T[]; reports: R[] }
  /** The task threw, and will be run again in `delay` ms. */
  | { kind: 'task_threw'; slave_id: number; task: T; report: R; delay: number }
  /** A slave was lost in this task; it will be tried again or, if `is_last`, is given up. */
  | { kind: 'task_died'; slave_id: number; task: T; error: Error; why: LossKind; is_last: boolean }
  | { kind: 'slave_given_up'; slave_id: number; error: Error }
  /** Tasks die on this host: it gets none for `time` ms. */
  | { kind: 'host_benched'; host: string; time: number }
  | { kind: 'host_released'; host: string }
  /** No slave is left, none can be had, and someone waits. */
  | { kind: 'no_slaves' }
  | { kind: 'run_finished' };
