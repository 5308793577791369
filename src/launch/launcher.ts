/** Launcher: how a slave's process is started. What is common to all ways of starting one. */

/** All that a launcher must know to start one slave. */
export interface LaunchOrder {
  /** `<jobname>.slaveN` */
  name: string;
  slave_id: number;
  /** How often this slave was launched before. */
  launch: number;
  /** Where the master listens, `host:port` each. */
  addresses: readonly string[];
  /** Hexadecimal. Must not appear on a command line or in a log. */
  secret: string;
  log_file: string;
  /** The job's slave_command option: what stands in the place of node and its flags. */
  slave_command: string | readonly string[] | undefined;
}

/** How a process ended. */
export interface ProcessEnd {
  exit_code: number | undefined;
  signal: string | undefined;
  /** Set when the process could not be started at all. */
  error: NodeJS.ErrnoException | undefined;
}

/** A process that was started, or is about to fail. */
export interface LaunchedProcess {
  /** The command, word by word, for people. It holds no secret. */
  readonly command: readonly string[];
  readonly pid: number | undefined;
  /** Resolves when the process has ended, or could not be started. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Ends the process now, with all that it started. Safe to call at any time and again. */
  kill(): void;
}

export interface Launcher {
  /** Where the slave will run, for people. */
  readonly host: string;
  start(order: LaunchOrder): LaunchedProcess;
  /** Takes over a process that an earlier master had started; undefined where only its connection tells of it. */
  adopt?(pid: number): LaunchedProcess | undefined;
}
