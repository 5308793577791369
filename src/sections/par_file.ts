/**
 * ParFile: a dataset that is spread over hosts, or comes together from them. What its kinds, CopyFile and SplitFile,
 * have in common, and what a run asks of each. Where its pieces are is not known here: see pieces_table.ts.
 */
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { A_BOOLEAN, A_STRING, check_options, type Expectation, one_of } from '../base/options.js';
import { StateError, UsageError } from '../errors.js';
import type { Format } from './formats/format.js';
import { format_named, format_of_file, name_of } from './formats/formats.js';
import type { Joiner } from './pieces/joiner.js';
import { short_hash } from './safe_name.js';

type PieceTools = typeof import('./piece_tools.js');

/** Pieces that an earlier run has left on its hosts. */
export interface LoadFrom {
  /** Status file of that run. */
  status_file: string;
  /** Name of the file in that run. @default the name of this file in its job */
  file?: string | undefined;
}

export interface ParFileOptions {
  /** The whole dataset, on the master. */
  name: string;
  /** INPUT goes to the hosts before a section runs, OUTPUT comes from them when it has. */
  usage: 'INPUT' | 'OUTPUT';
  /**
   * What is put before the path of its piece in the command: `data=` makes one word, `-query` two, `<` and `>` are
   * standard input and output. Without a tag the path goes where a word of the program says `{name}`.
   */
  tag?: string | undefined;
  /** A format, or the name of one of ours. @default by the extension of the file */
  format?: Format | string | undefined;
  /** Add to the whole file that is there, instead of replacing it. Of an OUTPUT. @default false */
  add?: boolean | undefined;
  /** Bring an OUTPUT together at the end; otherwise its pieces stay where they are. @default true */
  collect_it?: boolean | undefined;
  /** Remove the pieces when the run has come to its end. @default true, and false for what is not collected */
  remove?: boolean | undefined;
  /** Word for the program when it goes on with an output that it has begun; '' for none. @default 'add=y' */
  reuse_par?: string | undefined;
  /** Use the pieces that another run has left, in place. Of an INPUT. */
  load?: LoadFrom | undefined;
}

/** Tags of the file that is standard input, and of that which is standard output. */
export const STDIN = '<';
export const STDOUT = '>';

const A_FORMAT: Expectation = {
  expected: "a format, with name and the functions of its kind, or the name of one, such as 'FASTA'",
  holds: (v) => (typeof v === 'string' ? v !== '' : is_format(v)),
};
const A_TAG: Expectation = { expected: 'a string', holds: (v) => typeof v === 'string' && v !== '' };
const A_WORD: Expectation = { expected: 'a string', holds: (v) => typeof v === 'string' };
const A_LOAD: Expectation = {
  expected: 'an object with status_file, and file if it has another name there',
  holds: (v) => typeof (v as { status_file?: unknown } | null)?.status_file === 'string',
};

export const PAR_FILE_TABLE: Readonly<Record<keyof ParFileOptions, Expectation>> = {
  name: A_STRING,
  usage: one_of('INPUT', 'OUTPUT'),
  tag: A_TAG,
  format: A_FORMAT,
  add: A_BOOLEAN,
  collect_it: A_BOOLEAN,
  remove: A_BOOLEAN,
  reuse_par: A_WORD,
  load: A_LOAD,
};

function is_format(value: unknown): value is Format {
  const { kind, name, parse, head, scanner } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string') return false;
  if (kind === 'records') return typeof scanner === 'function';
  return kind === 'cube' && typeof parse === 'function' && typeof head === 'function';
}

/** A file that goes to a host as part of a piece. */
export interface Part {
  /** Its name there, in the folder of the piece. */
  name: string;
  /** Exact size, if it is known before. */
  bytes: number | undefined;
  /** At most so much room is needed. */
  room: number;
  mode?: number | undefined;
  read(from: number): AsyncIterable<Uint8Array>;
}

export abstract class ParFile {
  /** The whole dataset, on the master. */
  readonly name: string;
  /** Whether it goes to the hosts, or comes from them. */
  readonly usage: 'INPUT' | 'OUTPUT';
  /** What is put before its path in the command. */
  readonly tag: string | undefined;
  /** Its format, if one was given or is told by its name. */
  readonly format: Format | undefined;
  /** Name by which hosts know its format; undefined when it is a user's own. */
  readonly format_name: string | undefined;
  /** As the option, as are those that follow. */
  readonly add: boolean;
  /** An OUTPUT is brought together at the end. */
  readonly collect_it: boolean;
  /** Its pieces are removed at the end. */
  readonly remove: boolean;
  /** Word for a program that goes on with it. */
  readonly reuse_par: string;
  /** Where its pieces are. */
  readonly load: LoadFrom | undefined;
  #identity = '';
  #tools: PieceTools | undefined;

  constructor(owner: string, options: ParFileOptions, table: Readonly<Record<string, Expectation>>) {
    check_options(owner, options, table);
    if (options?.name === undefined || options.usage === undefined)
      throw new UsageError(`${owner}: name and usage ('INPUT' or 'OUTPUT') must be given`);
    const { name, usage, format } = options;
    this.name = name;
    this.usage = usage;
    this.tag = options.tag;
    this.format = typeof format === 'string' ? format_named(format) : (format ?? format_of_file(name));
    this.format_name =
      typeof format === 'object' ? name_of(format) : typeof format === 'string' ? format : this.format?.name;
    this.add = options.add === true;
    this.collect_it = usage === 'OUTPUT' && options.collect_it !== false;
    this.remove = options.remove ?? (usage === 'INPUT' ? options.load === undefined : this.collect_it);
    this.reuse_par = options.reuse_par ?? 'add=y';
    this.load = options.load;
    if (this.load !== undefined && usage === 'OUTPUT')
      throw new UsageError(`${owner} ${name}: load is for an INPUT, whose pieces are there`);
    if (this.add && usage === 'INPUT') throw new UsageError(`${owner} ${name}: add is for an OUTPUT`);
    if (this.tag === (usage === 'INPUT' ? STDOUT : STDIN))
      throw new UsageError(
        `${owner} ${name}: the tag '${this.tag}' is for an ${usage === 'INPUT' ? 'OUTPUT' : 'INPUT'}`,
      );
  }

  /** Its pieces are of a host, not of a section. */
  abstract readonly is_per_host: boolean;

  /** What sections write is added up on their hosts, and collected as sums. */
  abstract readonly is_summed: boolean;

  /** To be called before a run: reads what must be known of the whole, and plans the pieces. */
  async open(section_count: number): Promise<void> {
    this.#tools ??= await import('./piece_tools.js');
    await this.plan_pieces(section_count);
    if (this.collect_it) this.#check_joining(section_count);
  }

  /** What cannot be joined in this way is refused before anything is run. */
  #check_joining(section_count: number): void {
    try {
      if (statSync(this.name, { throwIfNoEntry: false })?.isDirectory() === true)
        throw new UsageError('it is a folder');
      this.joiner(section_count, 'parjob');
    } catch (error) {
      const text = (error as Error).message.replace(/^Joiner: /, '');
      throw new UsageError(`${this.name}: ${text}`, { cause: error });
    }
  }

  protected abstract plan_pieces(section_count: number): Promise<void>;

  /** What cuts and joins, once it is open. */
  protected get tools(): PieceTools {
    if (this.#tools === undefined) throw new StateError(`${this.name} was not opened`);
    return this.#tools;
  }

  /** The files that make up the piece of a section; of an INPUT. */
  abstract parts(section: number): readonly Part[];

  /** What brings the pieces together; of an OUTPUT. */
  abstract joiner(section_count: number, program: string): Joiner;

  /** Tells this input, as it is now, from another, or from an earlier one of the name. Known once it is open. */
  get identity(): string {
    return this.#identity;
  }

  /** Format whose data may stand beside the header, which the far end must know. */
  get far_format(): string | undefined {
    return this.format?.kind === 'cube' && this.format.name.toUpperCase() === 'SEP' ? 'SEP' : undefined;
  }

  get extension(): string {
    return extname(this.name);
  }

  get base_name(): string {
    return basename(this.name);
  }

  protected async identify(files: readonly string[], how: unknown): Promise<void> {
    const facts = await Promise.all(
      files.map(async (file) => {
        const { size, mtimeMs, ino } = await stat(file).catch((error: Error) => {
          throw new UsageError(`the input ${file} cannot be read: ${error.message}`, { cause: error });
        });
        return [file, size, mtimeMs, ino];
      }),
    );
    this.#identity = short_hash(JSON.stringify([facts, how]));
  }

  toString(): string {
    return this.name;
  }
}
