/** Rows of a run of sections, as the page shows them. The words are those of the status file of sections. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { safe_name } from '../sections/safe_name.js';
import type { PieceState, SectionState } from '../sections/section_state.js';
import type { StatusRecords } from '../sections/status_file.js';

/** A section. */
export interface SectionRow {
  id: string;
  state: SectionState;
  attempt: number;
  host?: string | undefined;
  failures?: number | undefined;
  /** Attempts that ended with their hosts, and were not charged. */
  losses?: number | undefined;
  /** Hosts on which it failed. */
  failed_on?: readonly string[] | undefined;
  /** How far its program says it is. */
  done?: number | undefined;
  total?: number | undefined;
  checkpoint?: string | undefined;
  run_ms?: number | undefined;
  error?: string | undefined;
}

/** A file that is cut into sections, or made of them. */
export interface FileRow {
  /** Its name in the job. */
  key: string;
  /** Of the file on the master. */
  name: string;
  usage: string;
  /** How many of its pieces are in each state. */
  pieces: Partial<Record<PieceState, number>>;
  /** Of the pieces that are there. */
  bytes: number;
}

/** The log of the last attempt of a section, beside the other logs of its job. Undefined when there is none. */
export function section_log(
  sections: readonly SectionRow[] | undefined,
  id: string,
  { log_dir, jobname }: { log_dir: string; jobname: string },
): string | undefined {
  const attempt = sections?.find((row) => row.id === id)?.attempt ?? 0;
  if (attempt === 0) return undefined;
  const file = join(log_dir, `${jobname}.${safe_name(id)}.${attempt}.log`);
  return existsSync(file) ? file : undefined;
}

/** The sections that a status file, or a master who writes one, knows of. */
export function section_rows(records: StatusRecords | undefined): SectionRow[] | undefined {
  if (records === undefined) return undefined;
  return [...(records.get('section') ?? [])].map(([id, fields]) => {
    const { state = 'todo', attempt = 0, ...rest } = fields as Partial<SectionRow>;
    const { host, failures, losses, failed_on, done, total, checkpoint, run_ms, error } = rest;
    return { id, state, attempt, host, failures, losses, failed_on, done, total, checkpoint, run_ms, error };
  });
}

/** The files, likewise. */
export function file_rows(records: StatusRecords | undefined): FileRow[] | undefined {
  if (records === undefined) return undefined;
  const rows = new Map<string, FileRow>();
  for (const [key, fields] of records.get('file') ?? []) {
    const { name = key, usage = '' } = fields as { name?: string; usage?: string };
    rows.set(key, { key, name, usage, pieces: {}, bytes: 0 });
  }
  for (const fields of records.get('piece')?.values() ?? []) {
    const {
      file,
      state,
      files = [],
    } = fields as {
      file?: string;
      state?: PieceState;
      files?: readonly { size: number }[];
    };
    const row = rows.get(file ?? '');
    if (row === undefined || state === undefined) continue;
    row.pieces[state] = (row.pieces[state] ?? 0) + 1;
    if (state === 'present') row.bytes += files.reduce((sum, { size }) => sum + size, 0);
  }
  return [...rows.values()];
}
