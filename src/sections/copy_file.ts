/**
 * CopyFile: a dataset that each host has whole. As INPUT it goes to each host once, whatever the number of slots; as
 * OUTPUT each section writes its own, each slot adds up those of its sections, and the sum of all is collected.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { STRINGS } from '../base/options.js';
import { StateError, UsageError } from '../errors.js';
import type { Format } from './formats/format.js';
import { PAR_FILE_TABLE, ParFile, type ParFileOptions, type Part } from './par_file.js';
import type { Joiner } from './pieces/joiner.js';

/** Options of a CopyFile. */
export interface CopyFileOptions extends ParFileOptions {
  /** Files that go with it, into the same folder, under their own names: the parts of a database, say. Of an INPUT. */
  also?: readonly string[] | undefined;
}

/**
 * A dataset that each host has whole. As INPUT it goes to each host once; as OUTPUT each section writes its own, and
 * their sum is collected, each section in it exactly once.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class CopyFile extends ParFile {
  override readonly is_per_host: boolean;
  override readonly is_summed: boolean;
  readonly also: readonly string[];
  #parts: readonly Part[] = [];

  constructor(options: CopyFileOptions) {
    super('CopyFile', options, { ...PAR_FILE_TABLE, also: STRINGS });
    this.is_per_host = this.usage === 'INPUT';
    this.is_summed = this.collect_it;
    this.also = options.also ?? [];
    const names = [this.name, ...this.also].map((file) => basename(file));
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw new UsageError(
        `CopyFile ${this.name}: two files that go with it are called ${twice}, and they go into one folder`,
      );
    if (this.load !== undefined)
      throw new UsageError(
        `CopyFile ${this.name}: load is for a SplitFile, a copy is sent to hosts that lack it`,
      );
    if (this.usage === 'OUTPUT' && this.format === undefined)
      throw new UsageError(
        `CopyFile ${this.name}: the copies of an OUTPUT are added up, which needs to know its format: give format`,
      );
    if (this.is_summed && this.format?.kind === 'records')
      throw new UsageError(
        `CopyFile ${this.name}: records of ${this.format.name} cannot be added up, only cubes can: use a SplitFile`,
      );
  }

  protected override async plan_pieces(): Promise<void> {
    if (this.usage === 'OUTPUT') return;
    const own =
      this.far_format === undefined
        ? [this.name]
        : await this.tools.files_of(this.name, this.format as Format);
    await this.identify([...own, ...this.also], 'copy');
    this.#parts = await Promise.all([this.name, ...this.also].map((file, i) => this.#part(file, i === 0)));
  }

  async #part(file: string, is_main: boolean): Promise<Part> {
    const format = is_main && this.far_format !== undefined ? this.format : undefined;
    const facts = await stat(file);
    if (!facts.isFile())
      throw new UsageError(
        `CopyFile ${file}: it is not a file: files are copied, a folder only as an archive`,
      );
    const { size, mode } = facts;
    if (format === undefined) {
      // what can be run here can be run there
      const is_program = (mode & 0o111) !== 0;
      return {
        name: basename(file),
        bytes: size,
        room: size,
        mode: is_program ? 0o755 : undefined,
        read: (from) => this.tools.read_all(file, undefined, from),
      };
    }
    const { read_header, read_whole } = this.tools;
    const header = await read_header(file, format);
    const room = header.kind === 'cube' ? size + header.axes.reduce((n, axis) => n * axis.n, 16) : size;
    return {
      name: basename(file),
      bytes: undefined,
      room,
      read: (from) => read_whole(file, format, { from }),
    };
  }

  override parts(): readonly Part[] {
    return this.#parts;
  }

  override joiner(section_count: number, program: string): Joiner {
    if (this.format === undefined) throw new StateError(`${this.name} has no format`);
    return new this.tools.Joiner(this.name, {
      format: this.format,
      count: section_count,
      reduce: 'sum',
      add: this.add,
      program,
    });
  }
}
