/**
 * SplitFile: a dataset of which each section has a piece. As INPUT it is cut along one or more axes, in blocks or
 * round robin, with overlap; as OUTPUT the pieces are put side by side again, or stacked along a new axis.
 */
import { either, integer_between, one_of } from '../base/options.js';
import { StateError, UsageError } from '../errors.js';
import type { Header } from './formats/header.js';
import { PAR_FILE_TABLE, ParFile, type ParFileOptions, type Part } from './par_file.js';
import type { Joiner, JoinOptions } from './pieces/joiner.js';
import type { Plan, SplitOptions } from './pieces/plan.js';

/** Options of a SplitFile. */
export interface SplitFileOptions extends ParFileOptions {
  /** Axes, from 1, the fastest first; for an OUTPUT also 'new'. @default the last one */
  axes?: number | readonly number[] | 'new' | undefined;
  /** Blocks along each axis; their product is the number of sections. @default the number of sections */
  nblock?: number | readonly number[] | undefined;
  /** Neighbours together, or round robin. @default 'block' */
  pattern?: 'block' | 'spread' | undefined;
  /** Elements by which each block is widened on each inner side; an OUTPUT is blended there. @default 0 */
  noverlap?: number | undefined;
  /** The split INPUT that an OUTPUT is as long as: its pieces then go straight to their places. */
  like?: SplitFile | undefined;
}

const WHOLE = integer_between(1, 2 ** 31 - 1);
const WHOLES = {
  expected: 'an array of whole numbers from 1',
  holds: (v: unknown) => Array.isArray(v) && v.length > 0 && v.every((n) => WHOLE.holds(n)),
};
const TABLE = {
  ...PAR_FILE_TABLE,
  axes: either(WHOLE, WHOLES, one_of('new')),
  nblock: either(WHOLE, WHOLES),
  pattern: one_of('block', 'spread'),
  noverlap: integer_between(0, 2 ** 31 - 1),
  like: { expected: 'a SplitFile', holds: (v: unknown) => v instanceof SplitFile },
};

/**
 * A dataset of which each section has a piece. As INPUT it is cut along one or more axes; as OUTPUT the pieces are put
 * side by side, or stacked along a new axis.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class SplitFile extends ParFile {
  override readonly is_per_host = false;
  override readonly is_summed = false;
  readonly axes: number | readonly number[] | 'new' | undefined;
  readonly nblock: number | readonly number[] | undefined;
  readonly pattern: 'block' | 'spread';
  readonly noverlap: number;
  readonly like: SplitFile | undefined;
  #header: Header | undefined;
  #plan: Plan | undefined;

  constructor(options: SplitFileOptions) {
    super('SplitFile', options, TABLE);
    this.axes = options.axes;
    this.nblock = options.nblock;
    this.pattern = options.pattern ?? 'block';
    this.noverlap = options.noverlap ?? 0;
    this.like = options.like;
    if (this.format === undefined && this.load === undefined)
      throw new UsageError(
        `SplitFile ${this.name}: its format cannot be told from its name: give format, such as 'LINES', 'FASTA' or 'SEP'`,
      );
    if (this.axes === 'new' && this.usage === 'INPUT')
      throw new UsageError(`SplitFile ${this.name}: axes: 'new' is for an OUTPUT`);
  }

  protected override async plan_pieces(section_count: number): Promise<void> {
    if (this.nblock !== undefined) {
      const product = [this.nblock].flat().reduce((a, b) => a * b, 1);
      if (product !== section_count)
        throw new UsageError(
          `SplitFile ${this.name}: nblock makes ${product} pieces, and there are ${section_count} sections`,
        );
    }
    if (this.usage === 'OUTPUT' || this.load !== undefined) return;
    const { files_of, plan_split, read_header } = this.tools;
    const format = this.#must_have_format();
    this.#header = await read_header(this.name, format);
    const how = { ...this.#layout(), count: this.nblock === undefined ? section_count : undefined };
    this.#plan = plan_split(this.#header, how as SplitOptions);
    if (this.#plan.pieces.length !== section_count)
      throw new UsageError(
        `SplitFile ${this.name}: it makes ${this.#plan.pieces.length} pieces, and there are ${section_count} sections`,
      );
    await this.identify(await files_of(this.name, format), how);
  }

  #must_have_format() {
    if (this.format === undefined) throw new StateError(`${this.name} has no format`);
    return this.format;
  }

  #layout() {
    const { axes, nblock, pattern, noverlap } = this;
    return { axes, nblock, pattern, noverlap };
  }

  /** Known once it is open. */
  get plan(): Plan | undefined {
    return this.#plan;
  }

  override parts(section: number): readonly Part[] {
    const header = this.#header;
    const piece = this.#plan?.pieces[section];
    if (header === undefined || piece === undefined)
      throw new StateError(`${this.name} has no piece ${section}: it was not opened`);
    const { is_exact_size, piece_bytes, read_piece } = this.tools;
    const room = piece_bytes(header, piece);
    return [
      {
        name: this.base_name,
        bytes: is_exact_size(header, piece) ? room : undefined,
        room,
        read: (from) => read_piece(header, piece, { from }),
      },
    ];
  }

  override joiner(section_count: number, program: string): Joiner {
    const { axes, nblock, pattern, noverlap } = this;
    const count = nblock === undefined ? section_count : undefined;
    const n = this.like?.plan?.n;
    const options = {
      format: this.#must_have_format(),
      axes,
      nblock,
      count,
      pattern,
      noverlap,
      n,
      add: this.add,
      program,
    };
    return new this.tools.Joiner(this.name, options as JoinOptions);
  }
}
