/** What a person may ask of a run of sections, and want of it, by its status file: whether or not it goes on. */
import { leave_order } from './orders.js';
import type { SectionFields } from './section_records.js';
import type { SectionState } from './section_state.js';
import { read_status } from './status_file.js';

/** A section, as its status file has it. */
interface SectionStatus {
  id: string;
  state: SectionState;
  host: string | undefined;
  attempt: number;
  failures: number;
  /** How far its program says it is. */
  done: number | undefined;
  total: number | undefined;
  checkpoint: string | undefined;
  run_ms: number | undefined;
  error: string | undefined;
}

export interface SectionsStatus {
  jobname: string;
  created: string;
  /** It has come to its end. */
  is_finished: boolean;
  sections: readonly SectionStatus[];
  /** How many sections are in each state. */
  counts: Readonly<Record<SectionState, number>>;
  hosts: readonly { host: string; state: string; reason: string | undefined }[];
  /** What could not be removed from hosts. */
  garbage: readonly { host: string; path: string }[];
}

/** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it is no status file of sections */
export function sections_status(file: string): SectionsStatus {
  const { header, records } = read_status(file);
  const { by_kind } = records;
  const counts = { todo: 0, sent: 0, running: 0, finished: 0, collected: 0, failed: 0 };
  const sections = [...(by_kind.get('section') ?? [])].map(([id, fields]) => {
    const { state = 'todo', attempt = 0, failures = 0, host, ...rest } = fields as SectionFields;
    counts[state]++;
    const { done, total, checkpoint, run_ms, error } = rest;
    return { id, state, host, attempt, failures, done, total, checkpoint, run_ms, error };
  });
  const hosts = [...(by_kind.get('host') ?? [])].map(([host, { state, reason }]) => ({
    host,
    state: state as string,
    reason: reason as string | undefined,
  }));
  const garbage = [...(by_kind.get('garbage') ?? [])].map(([, { host, path }]) => ({
    host: host as string,
    path: path as string,
  }));
  const is_finished = by_kind.get('run')?.has('finished') === true;
  return { jobname: header.jobname, created: header.created, is_finished, sections, counts, hosts, garbage };
}

/** Has the master of a run, or the next one, run a section again, or give it up. */
export function set_section(file: string, id: string, state: 'todo' | 'failed'): void {
  leave_order(file, { kind: 'set_section', id, state });
}

/** Has the master give nothing new to a host, or, with `is_drained` false, again. */
export function drain_host(file: string, host: string, is_drained = true): void {
  leave_order(file, { kind: is_drained ? 'drain_host' : 'release_host', host });
}
