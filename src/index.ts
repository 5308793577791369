/** parjob: a Job of Slaves that run tasks and exchange messages. The front door; no logic here. */
export {
  CancelledError,
  type DeadAttempt,
  type LaunchCause,
  LaunchError,
  type LossKind,
  NetworkError,
  NoMoreSlavesError,
  ParjobError,
  ProtocolError,
  RemoteError,
  SlaveDiedError,
  StateError,
  StatusFileError,
  type StatusFileProblem,
  TaskTimeoutError,
  UsageError,
} from './errors.js';
export type { Command, MasterEnd } from './master/command.js';
export type { JobEvents } from './master/events.js';
export type { FailureCounts } from './master/failure_counts.js';
export { Job, type QueueTaskOptions, type RunOptions, type TaskOptions } from './master/job.js';
export type { JobOptions, TrustOptions } from './master/job_options.js';
export { LocalSlave, type LocalSlaveOptions, local_slaves } from './master/local_slave.js';
export type { FulfilledOutcome, Outcome, QueuedTask, RejectedOutcome } from './master/queued_task.js';
export { Slave, type SlaveGetDataOptions } from './master/slave.js';
export type { TaskIterable } from './master/sources.js';
export type { TaskState } from './sched/records.js';
export type { SlaveState } from './sched/slave_state.js';
export {
  type AnyTask,
  type CurrentTask,
  current_task,
  type Progress,
  Task,
  type TasksFrom,
  tasks_from,
} from './task.js';
export type { Vitals } from './wire/pulse_messages.js';
