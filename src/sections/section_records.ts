/** What the status file keeps of sections, and what of that a run begins with. */
import { join } from 'node:path';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import type { ParFile } from './par_file.js';
import type { Pars } from './pars.js';
import type { Piece, PiecesTable } from './pieces_table.js';
import type { SectionSeed } from './plan_events.js';
import { Porter } from './porter.js';
import { safe_name, short_hash } from './safe_name.js';
import type { SectionState } from './section_state.js';
import { read_status, type StatusFile } from './status_file.js';
import type { SumsTable } from './sums_table.js';

/** Fields of a section in the status file. */
export interface SectionFields {
  state?: SectionState;
  attempt?: number;
  failures?: number;
  losses?: number;
  host?: string;
  failed_on?: string[];
  error?: string;
  /** Of its parameters. */
  pars_hash?: string;
  done?: number;
  total?: number;
  /** What its program reported last that can be gone on with, and where the outputs are that go with it. */
  checkpoint?: string;
  checkpoint_host?: string;
  checkpoint_attempt?: number;
  run_ms?: number;
  /** The sum that its outputs are in, and how many sections were in it then: see sums_table.ts. */
  sum?: string;
  sum_count?: number;
}

/** The log of an attempt. */
export function log_file_of(
  { log_dir, jobname }: { log_dir: string; jobname: string },
  id: string,
  attempt: number,
): string {
  return join(log_dir, `${jobname}.${safe_name(id)}.${attempt}.log`);
}

export interface SeedParts {
  sections: ReadonlyMap<string, Pars>;
  files: Readonly<Record<string, ParFile>>;
  status: StatusFile;
  pieces: PiecesTable;
  sums: SumsTable;
  hooks: { assign(id: string, index: number): string | undefined };
  on_notice: (level: number, text: string) => void;
}

/** What the plan begins with: all sections, as an earlier run has left them if this one goes on with it. */
export function seeds_of(parts: SeedParts): SectionSeed[] {
  const { sections, files, status, pieces, hooks } = parts;
  forget_other_sections(parts);
  const must_begin_anew = note_files(parts);
  const loaded = load_pieces(parts);
  const outputs = Object.entries(files).filter(([, file]) => file.usage === 'OUTPUT');
  const has_sums = outputs.some(([, file]) => file.is_summed);
  const has_pieces = (id: string, attempt: number) =>
    outputs.every(([key, file]) => {
      const piece = pieces.get(Porter.output_id(key, id, attempt));
      return file.is_summed || piece?.state === 'present';
    });
  const is_over = was_all_done(parts, must_begin_anew);
  const sum_of = usable_sums(parts, (id, { attempt = 0, pars_hash }) => {
    const pars = sections.get(id);
    return (
      !is_over &&
      !must_begin_anew &&
      pars !== undefined &&
      pars_hash === hash_of(pars) &&
      has_pieces(id, attempt)
    );
  });
  return [...sections].map(([id, pars], index) => {
    const pars_hash = hash_of(pars);
    const bound_to = assigned(hooks.assign(id, index), id) ?? loaded.get(id);
    const found = status.record('section', id) as SectionFields | undefined;
    const is_other = found?.pars_hash !== undefined && found.pars_hash !== pars_hash;
    if (found === undefined || is_other || must_begin_anew) {
      if (is_other && !must_begin_anew)
        parts.on_notice(0, `section ${id} has other parameters than in the run before: it begins anew`);
      status.write('section', id, { ...NOTHING, state: 'todo', attempt: found?.attempt ?? 0, pars_hash });
      return { id, attempt: found?.attempt ?? 0, bound_to };
    }
    const { attempt = 0, host, failed_on, losses } = found;
    const sum = sum_of.get(id);
    const seed: SectionSeed = { id, attempt, host, failed_on, losses, bound_to, sum };
    // also when the master died between the lines of the sum and of the section
    if (sum !== undefined) return { ...seed, host: sum.host, state: 'finished' };
    switch (found.state) {
      case 'sent':
      case 'running':
        return { ...seed, failures: found.failures, held_by: host };
      case 'finished':
      case 'collected': {
        if (is_over && found.state === 'collected') return { ...seed, state: 'collected' };
        if (has_sums || !has_pieces(id, attempt)) return seed;
        return { ...seed, state: outputs.length === 0 ? 'collected' : 'finished' };
      }
      case 'todo':
        return { ...seed, failures: found.failures };
      default:
        // it has another chance
        return seed;
    }
  });
}

/** What a user's function has given: it may be anything. */
function assigned(host: unknown, id: string): string | undefined {
  if (host === undefined || host === null) return undefined;
  if (typeof host === 'string' && host !== '') return host;
  throw new UsageError(
    `assign: expected the name of a host, or undefined, for section ${id}; it gave ${show(host)}`,
  );
}

function hash_of(pars: Pars): string {
  return short_hash(JSON.stringify(pars.to_object()));
}

/**
 * True when the run before has come to its end and nothing is left to do: all was collected, and removed from the hosts.
 * If something is, what was collected has to be made again, as it is in no other place than the whole file.
 * @throws UsageError (PARJOB_ERR_USAGE) when that cannot be, as it was added to a file
 */
function was_all_done({ sections, status, files }: SeedParts, must_begin_anew: boolean): boolean {
  if (status.record('run', 'finished') === undefined) return false;
  const is_done = ([id, pars]: [string, Pars]) => {
    const { state, pars_hash } = (status.record('section', id) ?? {}) as SectionFields;
    return state === 'collected' && pars_hash === hash_of(pars);
  };
  if (!must_begin_anew && [...sections].every(is_done)) return true;
  const added = Object.entries(files).find(([key]) => status.record('file', key)?.['added'] !== undefined);
  if (added !== undefined)
    throw new UsageError(
      `${status.file} is of a run that is over and has added its sections to ${added[1].name}; run again, they would be in it twice: ` +
        'give restart: false, and only the sections that are to be added',
    );
  status.write('run', 'finished', { gone: true });
  return false;
}

/** Of a section that has nothing to go on with. */
export const NO_CHECKPOINT = { checkpoint: null, checkpoint_host: null, checkpoint_attempt: null } as const;

/** Of what an earlier run knew of a section. */
const NOTHING = {
  ...NO_CHECKPOINT,
  failures: null,
  losses: null,
  failed_on: null,
  error: null,
  done: null,
  total: null,
  sum: null,
  sum_count: null,
} as const;

/** The sums that an earlier master has left and that can be gone on with, by section; the others are dropped. */
function usable_sums(
  { sums, status, files }: SeedParts,
  is_fit: (id: string, fields: SectionFields) => boolean,
): Map<string, { id: string; host: string }> {
  const keys = Object.keys(files).filter((key) => files[key]?.is_summed);
  const members = sums.members();
  const found = new Map<string, { id: string; host: string }>();
  for (const sum of [...sums]) {
    const sections = members.get(sum.id);
    const is_of_these = keys.join('\n') === sum.files.map(({ file }) => file).join('\n');
    const is_usable =
      is_of_these &&
      sections?.every((id) => is_fit(id, status.record('section', id) as SectionFields)) === true;
    if (!is_usable) sums.drop(sum.id);
    else for (const id of sections) found.set(id, { id: sum.id, host: sum.host });
  }
  return found;
}

/** @throws UsageError (PARJOB_ERR_USAGE) when the run that is gone on with had other sections */
function forget_other_sections({ sections, status }: SeedParts): void {
  const others = [...(status.records.get('section')?.keys() ?? [])].filter((id) => !sections.has(id));
  if (others.length === 0) return;
  throw new UsageError(
    `${status.file} is of a run with ${others.length} sections that this one has not (${others.slice(0, 3).join(', ')}): ` +
      'give the same sections to go on with it, or restart: false to begin anew',
  );
}

/** Notes what the inputs are. True when one is another than in the run that is gone on with. */
function note_files({ files, status, on_notice }: SeedParts): boolean {
  let has_changed = false;
  for (const [key, file] of Object.entries(files)) {
    const before = status.record('file', key)?.['identity'];
    if (before !== undefined && before !== file.identity && file.usage === 'INPUT') {
      on_notice(0, `the input ${file.name} is another than in the run before: all sections begin anew`);
      has_changed = true;
    }
    status.write('file', key, { name: file.name, usage: file.usage, identity: file.identity });
  }
  // what was added is of the inputs before
  if (has_changed) for (const key of Object.keys(files)) status.write('file', key, { added: null });
  return has_changed;
}

/** Takes over the pieces that other runs have left. Returns the hosts that sections are bound to by them. */
function load_pieces({ files, sections, pieces }: SeedParts): Map<string, string> {
  const bound = new Map<string, string>();
  for (const [key, file] of Object.entries(files)) {
    if (file.load === undefined) continue;
    const { status_file, file: name = key } = file.load;
    const found = new Map<string, Piece>();
    for (const [id, fields] of read_status(status_file).records.by_kind.get('piece') ?? []) {
      const piece = { files: [], ...fields, id } as unknown as Piece;
      if (piece.file === name && piece.state === 'present' && piece.section !== undefined)
        found.set(piece.section, piece);
    }
    for (const id of sections.keys()) {
      const piece = found.get(id);
      if (piece === undefined)
        throw new UsageError(
          `${status_file} knows no piece of ${name} for section ${id}: was it a file with collect_it: false, of the same sections?`,
        );
      const other = bound.get(id);
      if (other !== undefined && other !== piece.host)
        throw new UsageError(
          `section ${id} needs pieces on ${other} and on ${piece.host}: they must be on one host`,
        );
      bound.set(id, piece.host);
      const own = Porter.input_id(key, file, id, piece.host);
      if (pieces.get(own)?.state === 'present') continue;
      pieces.stage(own, { file: key, host: piece.host, section: id, identity: '' });
      pieces.arrive(own, piece.files);
    }
  }
  return bound;
}
