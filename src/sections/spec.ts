/**
 * Runs of sections as they are asked for on a command line: by a spec, which is the options of a ParJob as plain
 * values, or by a program with files around it. Reading YAML or arguments is for the command line itself.
 *
 *     { "sect_pars": 8, "program": ["sort", "{in}"], "files": {
 *         "in": { "type": "split", "usage": "INPUT", "name": "words.txt" },
 *         "out": { "type": "split", "usage": "OUTPUT", "name": "sorted.txt", "tag": ">" } } }
 */
import { availableParallelism } from 'node:os';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import { read_machines } from '../master/remote/ssh_slave.js';
import { CopyFile, type CopyFileOptions } from './copy_file.js';
import type { Format } from './formats/format.js';
import { format_of_file } from './formats/formats.js';
import { read_header } from './formats/header.js';
import type { ParFile } from './par_file.js';
import { ParJob } from './par_job.js';
import type { ParJobOptions } from './par_job_options.js';
import { SplitFile, type SplitFileOptions } from './split_file.js';

/** A file of a spec: the options of a SplitFile or CopyFile, and which of them it is. */
type FileSpec =
  | ({ type: 'split' } & Omit<SplitFileOptions, 'like'> & { like?: string | undefined })
  | ({ type: 'copy' } & CopyFileOptions);

/** The options of a ParJob as JSON or YAML can say them. */
type RunSpec = Omit<ParJobOptions, 'files' | 'slaves' | 'job'> & {
  files?: Readonly<Record<string, FileSpec>> | undefined;
};

/** Sections for each slot, when nobody says how many. */
const SECTIONS_PER_SLOT = 4;

/**
 * The job that a spec describes. What `over` has comes before it: `restart` of a command line, say.
 * @throws UsageError (PARJOB_ERR_USAGE) that names what cannot be
 */
export function job_of_spec(spec: unknown, over: Partial<ParJobOptions> = {}): ParJob {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw new UsageError(`a spec must be an object with sect_pars, program and files, got ${show(spec)}`);
  const { files, sect_pars, ...options } = spec as RunSpec;
  return new ParJob({
    ...options,
    sect_pars: without_nulls(sect_pars),
    files: files_of_spec(files ?? {}),
    ...over,
  } as ParJobOptions);
}

/** In YAML a section without parameters is written `first:`, which is null. */
function without_nulls(sect_pars: RunSpec['sect_pars']): RunSpec['sect_pars'] {
  if (typeof sect_pars !== 'object' || sect_pars === null || Array.isArray(sect_pars)) return sect_pars;
  return Object.fromEntries(Object.entries(sect_pars).map(([id, pars]) => [id, pars ?? {}]));
}

function files_of_spec(specs: Readonly<Record<string, FileSpec>>): Record<string, ParFile> {
  if (typeof specs !== 'object' || Array.isArray(specs))
    throw new UsageError(
      `files of the spec must be an object, { in: { type: split, usage: INPUT, name: in.txt } }, got ${show(specs)}`,
    );
  const files: Record<string, ParFile> = {};
  for (const [key, spec] of Object.entries(specs)) {
    try {
      files[key] = file_of_spec(spec, files);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`the file ${key} of the spec: ${error.message}`, { cause: error });
    }
  }
  return files;
}

function file_of_spec(spec: FileSpec, before: Readonly<Record<string, ParFile>>): ParFile {
  const { type, ...options } = spec ?? {};
  if (type === 'copy') return new CopyFile(options as CopyFileOptions);
  if (type !== 'split') throw new UsageError(`it needs a type, 'split' or 'copy', got ${show(type)}`);
  return new SplitFile({ ...options, like: like_of(options, before) } as SplitFileOptions);
}

function like_of(options: object, files: Readonly<Record<string, ParFile>>): SplitFile | undefined {
  const { like } = options as { like?: string };
  if (like === undefined) return undefined;
  const file = Object.hasOwn(files, like) ? files[like] : undefined;
  if (file instanceof SplitFile) return file;
  throw new UsageError(`it is like ${show(like)}, which is no split file before it`);
}

/** What `parjob exec` is told. */
export interface ExecOptions
  extends Pick<
    ParJobOptions,
    | 'restart'
    | 'mfile'
    | 'njobs'
    | 'attempts'
    | 'verb'
    | 'jobname'
    | 'scratch'
    | 'on_failure'
    | 'slaves'
    | 'partial'
  > {
  /** Words of the program, in which {in}, {out}, {copy} and {id} are replaced, {in2} by the second, and so on. */
  program: readonly string[];
  /** Inputs that are split, `FASTA:queries.fa` or `queries.fa`. One that no word names is the standard input. */
  split?: readonly string[] | undefined;
  /** Inputs that go whole to each host. */
  copy?: readonly string[] | undefined;
  /**
   * Outputs, `TEXT:hits.txt`. One that no word names is the standard output. Without a format it is text; but a table, by
   * its name, if one that is split is a table too: then its header stands once.
   */
  collect?: readonly string[] | undefined;
  /** How many sections. @default four for each slot, and not more than there are records */
  sections?: number | undefined;
}

/** The job that runs a program over parts of files. @throws UsageError (PARJOB_ERR_USAGE) */
export async function job_of_exec(options: ExecOptions): Promise<ParJob> {
  const { program, split = [], copy = [], collect = [], sections, ...rest } = options;
  const is_named = (key: string) => program.some((word) => word.includes(`{${key}}`));
  const files: Record<string, ParFile> = {};
  const names: [string, string][] = split.map((text, i) => [key_of('in', i), text]);
  for (const [key, text] of names)
    files[key] = new SplitFile({ ...named(text), usage: 'INPUT', tag: is_named(key) ? undefined : '<' });
  const is_table = Object.values(files).some(({ format }) => has_header(format));
  for (const [i, text] of copy.entries()) {
    const key = key_of('copy', i);
    if (!is_named(key))
      throw new UsageError(`no word of the program is {${key}}, where the path of ${text} is to go`);
    files[key] = new CopyFile({ ...named(text), usage: 'INPUT' });
  }
  for (const [i, text] of collect.entries()) {
    const key = key_of('out', i);
    const { name, format = has_header(format_of_file(name)) && is_table ? undefined : 'TEXT' } = named(text);
    files[key] = new SplitFile({ name, format, usage: 'OUTPUT', tag: is_named(key) ? undefined : '>' });
  }
  for (const word of program)
    for (const [text, key = '', stem = ''] of word.matchAll(/\{((in|copy|out)\d*)\}/g))
      if (files[key] === undefined)
        throw new UsageError(
          `the program has ${text}, and there is no such file: ${{ in: '--split', copy: '--copy', out: '--collect' }[stem]} gives it one`,
        );
  const sect_pars = sections ?? (await section_count(Object.values(files), options));
  return new ParJob({ ...rest, sect_pars, files, program });
}

/** Its pieces begin with a line that the whole has once. */
function has_header(format: Format | undefined): boolean {
  return format?.kind === 'records' && (format.head_records ?? 0) > 0;
}

function key_of(stem: string, i: number): string {
  return i === 0 ? stem : `${stem}${i + 1}`;
}

/** `FORMAT:name` or `name`; of FIXED the format has a colon of its own. */
function named(text: string): { name: string; format?: string } {
  const [, format, name = text] = /^((?:FIXED:\d+)|[A-Za-z]{2,8}):(.+)$/i.exec(text) ?? [];
  return format === undefined ? { name } : { name, format };
}

async function section_count(
  files: readonly ParFile[],
  { mfile, njobs, slaves }: ExecOptions,
): Promise<number> {
  const slots =
    njobs ??
    slaves?.length ??
    (mfile === undefined
      ? availableParallelism()
      : read_machines('parjob exec', mfile).reduce((sum, machine) => sum + machine.slots, 0));
  let count = slots * SECTIONS_PER_SLOT;
  for (const file of files) {
    if (!(file instanceof SplitFile) || file.usage !== 'INPUT' || file.format === undefined) continue;
    const { axes } = await read_header(file.name, file.format);
    count = Math.min(count, axes.at(-1)?.n ?? 1);
  }
  return Math.max(1, count);
}
