/** What a job's options say to the scheduler. */
export interface CoreOptions {
  /** Most tasks that a slave may hold; undefined lets the measured task time decide. */
  prefetch?: number | undefined;
  /** ms without a sign of life after which a slave is lost. */
  heartbeat_timeout: number;
  /** ms from the start of a slave's process to its readiness after which the launch has failed. */
  start_timeout: number;
  /** ms that a cancelled task has to end by itself before its slave is killed. */
  cancel_grace: number;
  /** Tasks after which a slave's process is replaced. */
  max_tasks_per_slave: number;
  /** ms without work after which a slave is stopped until it is needed again. */
  idle_timeout: number;
  /** Slaves that the job may have in all, when it gets more while tasks wait. @default it gets none */
  max_slaves?: number | undefined;
}
