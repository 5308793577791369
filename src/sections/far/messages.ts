/**
 * What a ParJob and the far end on a slave say to each other, by send_data and get_data. Each is about a call, by
 * its number: the master opens one, either side may send bytes in it and says how many it has taken, and the far end
 * closes it with a result. Types only.
 */

/** Of what one side has sent in a call, so many bytes may be untaken: neither end holds more of it. */
export const WINDOW_BYTES = 8 * 2 ** 20;

export type ToFar =
  | { kind: 'call'; id: number; name: string; args: readonly unknown[] }
  | { kind: 'chunk'; id: number; bytes: Uint8Array }
  /** No more chunks will come; with an error, since their source failed. */
  | { kind: 'end'; id: number; error?: string | undefined }
  | { kind: 'taken'; id: number; bytes: number }
  | { kind: 'abort'; id: number; reason: string }
  | { kind: 'bye' };

export type ToNear =
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'failed'; id: number; message: string; code: string | undefined }
  | { kind: 'chunk'; id: number; bytes: Uint8Array }
  | { kind: 'taken'; id: number; bytes: number }
  | { kind: 'note'; id: number; value: unknown };

/** What is there of a file. */
export interface FileFacts {
  size: number;
  sha256: string;
}

/** What a probe of a host has found. */
export interface HostFacts {
  hostname: string;
  node: string;
  /** Folder for this job's files. */
  scratch: string;
  free_bytes: number;
}

/** One program of a section; several make a pipeline. */
export interface Stage {
  words: readonly string[];
  env?: Readonly<Record<string, string>> | undefined;
}

export interface ProgramOrder {
  stages: readonly Stage[];
  /** Folder of this attempt alone, which is made. */
  folder: string;
  /** Working directory; undefined: that of the slave. */
  cwd: string | undefined;
  env: Readonly<Record<string, string>>;
  /** A file, or text, for the standard input of the first. */
  stdin: { path: string } | { text: string } | undefined;
  /** File for the standard output of the last; undefined: the log. */
  stdout: string | undefined;
  /** Partial outputs of an earlier attempt on this host, to be gone on with. */
  moves: readonly { from: string; to: string }[];
  outputs: readonly ProgramOutput[];
  /** Where the process group is noted, so that a later master can end it. */
  pid_file: string;
}

export interface ProgramOutput {
  key: string;
  path: string;
  /** Format whose data may stand in a file beside; undefined: the file is all. */
  format: string | undefined;
  /** Name of the format that it must have, if that is known there. */
  declared: string | undefined;
}

/** What a program says while it runs. */
export type ProgramNote =
  | { kind: 'started'; pid: number }
  | { kind: 'progress'; done: number; total: number | undefined }
  /** `is_progress`: SEP's line of progress, which a program may print that cannot be gone on with. */
  | { kind: 'checkpoint'; text: string; is_progress: boolean };

/** How a program has ended. */
export interface ProgramEnd {
  /** Of the first stage that did not end well, or 0. */
  exit_code: number | undefined;
  signal: string | undefined;
  /** Why it could not be started, or what it reported as its error. */
  error: string | undefined;
  /** The last of what it printed. */
  tail: string;
  run_ms: number;
  outputs: readonly ({ key: string } & (FileFacts | { missing: string } | { bad: string }))[];
}
