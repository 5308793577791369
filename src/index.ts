/** parjob: a Job of Slaves that run tasks and exchange messages. The front door; no logic here. */
import './watch/register.js';

export {
  CancelledError,
  type DeadAttempt,
  type FailedSection,
  type LaunchCause,
  LaunchError,
  type LaunchFacts,
  type LossKind,
  NetworkError,
  NoMoreSlavesError,
  ParjobError,
  ProtocolError,
  RemoteError,
  type RemoteFacts,
  SectionFailedError,
  SlaveDiedError,
  StateError,
  StatusFileError,
  type StatusFileProblem,
  TaskTimeoutError,
  UsageError,
} from './errors.js';
export type { BatchOptions } from './launch/batch_system.js';
export type { GridEngineOptions } from './launch/grid_engine.js';
export type { LsfOptions } from './launch/lsf.js';
export type { PbsOptions } from './launch/pbs.js';
export type { SlurmOptions } from './launch/slurm.js';
export type { Command, MasterEnd } from './master/command.js';
export type { JobEvent, JobEvents, JobListener } from './master/events.js';
export type { FailureCounts } from './master/failure_counts.js';
export { Job, type TaskCounts } from './master/job.js';
export type { JobOptions, TrustOptions } from './master/job_options.js';
export { LocalSlave, type LocalSlaveOptions, local_slaves } from './master/local_slave.js';
export type { FulfilledOutcome, Outcome, QueuedTask, RejectedOutcome } from './master/queued_task.js';
export { BatchSlave } from './master/remote/batch_slaves.js';
export { CommandSlave, type CommandSlaveOptions } from './master/remote/command_slave.js';
export {
  SgePeJob,
  SgePeSlave,
  SgeQsubJob,
  type SgeQsubOptions,
  SgeQsubSlave,
  sge_pe_slaves,
  sge_qsub_slaves,
} from './master/remote/grid_engine_slaves.js';
export { JoinedSlave } from './master/remote/joined_slave.js';
export { lsf_slaves } from './master/remote/lsf_slaves.js';
export { type MpiSlavesOptions, mpi_slaves } from './master/remote/mpi_slaves.js';
export { pbs_slaves } from './master/remote/pbs_slaves.js';
export {
  type SlurmAllocationOptions,
  SlurmJob,
  SlurmSlave,
  slurm_allocation_slaves,
  slurm_slaves,
} from './master/remote/slurm_slaves.js';
export { SshSlave, type SshSlaveOptions, ssh_slaves } from './master/remote/ssh_slave.js';
export { type RunningTask, Slave, type SlaveGetDataOptions } from './master/slave.js';
export type { TaskIterable } from './master/sources.js';
export type { QueueTaskOptions, RunOptions, TaskOptions } from './master/task_options.js';
export type { WatchingOptions } from './master/watching.js';
export type { StopReason, TaskState } from './sched/records.js';
export type { SlaveState } from './sched/slave_state.js';
export type { ParStyle, SectionCommand } from './sections/command.js';
export { CopyFile, type CopyFileOptions } from './sections/copy_file.js';
export type {
  Axis,
  CubeFormat,
  CubeHead,
  Element,
  Format,
  NumberKind,
  RecordFormat,
  RecordScanner,
} from './sections/formats/format.js';
export { csv, fasta, fixed, lines, npy, sep } from './sections/formats/formats.js';
export type { CsvOptions } from './sections/formats/records.js';
export type { LoadFrom, ParFile, ParFileOptions } from './sections/par_file.js';
export { ParJob } from './sections/par_job.js';
export type { ParJobHooks, ParJobOptions, SectionContext } from './sections/par_job_options.js';
export { type ParSource, Pars, type ParValue } from './sections/pars.js';
export type { RunOutcome } from './sections/plan_events.js';
export type { SectionEvent, SectionEvents, SectionListener } from './sections/section_events.js';
export type { ParJobResult } from './sections/section_run.js';
export { SplitFile, type SplitFileOptions } from './sections/split_file.js';
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
