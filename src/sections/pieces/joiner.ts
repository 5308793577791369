/**
 * Joiner: makes one file of the pieces of a dataset, as they come.
 *
 *     add(2) ─▶ <target>.12-ab.joining/2      its turn has not come, so it is kept
 *     add(0) ─▶ <target>.12-ab.joining/out    in its place at once
 *     add(1) ─▶ out, as soon as 0 is in, for which it waits; and 2 behind it
 *     finish ─▶ header, fsync, out is renamed to <target>
 *
 * Pieces go straight to their place where they are contiguous in the whole: records one behind the other, and cubes
 * along their last axis. All others are kept and merged by finish. A piece is in whole or not at all, and until finish
 * there is nothing at the target but what was there before.
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Deferred } from '../../base/deferred.js';
import {
  A_BOOLEAN,
  A_STRING,
  check_options,
  type Expectation,
  either,
  integer_between,
  one_of,
  show,
} from '../../base/options.js';
import { StateError, UsageError } from '../../errors.js';
import { read_range } from '../formats/file_bytes.js';
import type { CubeFormat, Format, RecordFormat } from '../formats/format.js';
import { type CubeHeader, data_bytes, read_header } from '../formats/header.js';
import { provenance } from '../pars.js';
import { CubeStack, merge_cubes, SameCubes } from './cube_pieces.js';
import { begin_cube, exactly, without_head } from './cube_stream.js';
import { type OutFile, SteadySync, WriteBehind } from './files.js';
import { GRID_OPTIONS, type Grid, grid_of, type SplitOptions, total_of } from './plan.js';
import { read_whole } from './reader.js';
import { RecordHeads, RecordJoin } from './record_pieces.js';
import { RecordSink } from './record_sink.js';
import { type CubeFile, wide_bytes, write_wide_sum } from './wide_sum.js';

export interface JoinOptions extends Omit<SplitOptions, 'axes'> {
  /** What the pieces are, and the whole. */
  format: Format;
  /** Axes along which the pieces are put together; 'new' stacks them along one behind the last. @default the last one */
  axes?: number | readonly number[] | 'new' | undefined;
  /** Length of each of these axes, if it is known. Then pieces of other lengths are refused, and need not come in order. */
  n?: number | readonly number[] | undefined;
  /** Adds the pieces up, element by element, in place of putting them together. */
  reduce?: 'sum' | undefined;
  /** Adds the result to the target, element by element, if there is one. @default false */
  add?: boolean | undefined;
  /** Whom the header names as the writer. @default the running script */
  program?: string | undefined;
}

/** What has become of the pieces. */
export interface Joined {
  file: string;
  /** Bytes of the file. */
  bytes: number;
  /** Indexes of the sections that are in it. */
  sections: number[];
}

const INTEGERS = integer_between(0, Number.MAX_SAFE_INTEGER);
const A_FORMAT: Expectation = {
  expected: 'a format, as of format_named',
  holds: (v) => typeof v === 'object' && v !== null && ['cube', 'records'].includes((v as Format).kind),
};
const TABLE: Readonly<Record<string, Expectation>> = {
  ...GRID_OPTIONS,
  format: A_FORMAT,
  axes: either(GRID_OPTIONS['axes'] as Expectation, one_of('new')),
  n: either(INTEGERS, {
    expected: 'an array of such',
    holds: (v) => Array.isArray(v) && v.every(INTEGERS.holds),
  }),
  reduce: one_of('sum'),
  add: A_BOOLEAN,
  program: A_STRING,
};

/** What a piece of a sum may be. */
export interface SumPiece {
  /** Further sections that are in it: it is their sum. @default none */
  also?: readonly number[] | undefined;
  /** Its elements are those of a wide sum. @default false */
  is_wide?: boolean | undefined;
}

/** A piece that waits: of ours in the folder beside the target, or a file of the caller. */
interface Kept extends CubeFile {
  is_ours: boolean;
}

/** Pieces of a sum that are kept as they are; more are added up by `fold`. */
const MAX_TERMS = 2;

export class Joiner {
  readonly target: string;
  /** Number of sections. */
  readonly count: number;
  readonly #options: JoinOptions;
  readonly #format: Format;
  readonly #note: string;
  readonly #folder: string;
  readonly #kept = new Map<number, Kept>();
  readonly #placed = new Set<number>();
  /** Sections that are in the piece of another, and of which. */
  readonly #also = new Map<number, number>();
  #folds = 0;
  /** Pieces that are on their way. */
  readonly #coming = new Set<number>();
  #state: 'open' | 'finishing' | 'closed' = 'open';
  // the next in order, for pieces that are put one behind the other
  #next = 0;
  // one piece at a time is put behind the others
  #is_placing = false;
  /** Pieces that wait for those before them. */
  readonly #waiting = new Set<Deferred<void>>();
  #out: Promise<OutFile> | undefined;
  // what the first cube says: all must be alike
  #same: SameCubes | undefined;
  #stack: CubeStack | undefined;
  #heads: RecordHeads | undefined;
  #records: { join: RecordJoin; sink: RecordSink } | undefined;

  /**
   * @param target the file that finish makes; pieces are kept beside it until then
   * @throws UsageError (PARJOB_ERR_USAGE)
   */
  constructor(target: string, options: JoinOptions) {
    check_options('Joiner', options, TABLE);
    if (!A_FORMAT.holds(options?.format)) {
      throw new UsageError(
        `Joiner: option 'format' must be ${A_FORMAT.expected}, got ${show(options?.format)}`,
      );
    }
    this.target = target;
    this.#options = options;
    this.#format = options.format;
    this.#note = provenance(options.program);
    this.#folder = join(
      dirname(target),
      `${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.joining`,
    );
    const grid = this.#grid(1);
    this.count = total_of(grid);
    this.#check_use();
  }

  /** Whether the piece of that section is in. */
  has(index: number): boolean {
    return this.#placed.has(index) || this.#kept.has(index) || this.#also.has(index);
  }

  /** Sections whose piece is not in. */
  missing(): number[] {
    return Array.from({ length: this.count }, (_, i) => i).filter((i) => !this.has(i));
  }

  /**
   * Bytes that it will take on the disk beside those that it has, at most, if pieces of `left` bytes are to come, the
   * whole has `total`, and no piece more than `largest`. Before the first one is there it may be more.
   */
  room_for({ left, total, largest }: { left: number; total: number; largest: number }): number {
    if (this.#options.reduce === 'sum') {
      const missing = this.count - this.#kept.size - this.#also.size;
      const to_come = left > 0 ? Math.min(missing, Math.max(0, MAX_TERMS + 1 - this.#kept.size)) : 0;
      const first = this.#same?.first;
      const widest = first === undefined ? largest : Math.max(largest, wide_bytes(first, this.target));
      // and what is made of them
      return (to_come + 1) * widest;
    }
    if (this.#is_merged) return left + total;
    // one that was kept, while it is put in its place
    return left + (this.#kept.size > 0 || left > 0 ? largest : 0);
  }

  /** All pieces are kept until the end, and the whole made of them. */
  get #is_merged(): boolean {
    if (this.#format.kind === 'records') return this.#grid(1).pattern[0] !== 'block';
    return this.#same !== undefined && this.#stack === undefined;
  }

  /**
   * Takes in a piece: the bytes of a complete file. Pieces may come in any order, and several at once; one that comes
   * while all before it are on their way is not read until they are in. The chunks are the joiner's own: their memory
   * must not be used again.
   * @throws UsageError (PARJOB_ERR_USAGE) when it does not fit with the others, or what `chunks` throws. Then nothing of
   * it stays, and it can be added again.
   */
  async add(
    index: number,
    chunks: AsyncIterable<Uint8Array>,
    { also = [], is_wide = false }: SumPiece = {},
  ): Promise<void> {
    const taken = also.find((other) => this.has(other));
    if (taken !== undefined) throw new StateError(`section ${taken} of ${this.target} is in already`);
    await this.#take(index, async () => {
      const name = this.#name_of(index);
      if (this.#format.kind === 'records') {
        await this.#add_records(index, chunks, name);
        return;
      }
      const { header, chunks: all, close } = await begin_cube(this.#format, chunks, name);
      try {
        this.#note_header(index, header);
      } catch (error) {
        await close();
        throw error;
      }
      try {
        await this.#add_cube(index, header, all, name, is_wide);
      } catch (error) {
        this.#forget_header(index);
        throw error;
      }
      for (const other of also) this.#also.set(other, index);
    });
  }

  /** Takes a piece of a sum out again, if it was not added up with others since. */
  async take_out(index: number): Promise<void> {
    const kept = this.#kept.get(index);
    if (kept === undefined) return;
    this.#kept.delete(index);
    for (const [other, piece] of this.#also) if (piece === index) this.#also.delete(other);
    this.#forget_header(index);
    if (kept.is_ours) await rm(kept.file, { force: true });
  }

  /** Adds up what is kept of a sum, when that is much. No piece may be on its way meanwhile. */
  async fold(): Promise<void> {
    if (this.#options.reduce !== 'sum' || this.#kept.size <= MAX_TERMS) return;
    const terms = [...this.#kept].toSorted(([a], [b]) => a - b);
    const [[lowest]] = terms as [[number, Kept]];
    const file = join(this.#folder, `sum${this.#folds++}`);
    const files = terms.map(([, kept]) => kept);
    await write_wide_sum(file, this.#format as CubeFormat, files, this.target);
    for (const other of this.#also.keys()) this.#also.set(other, lowest);
    for (const [index] of terms) if (index !== lowest) this.#also.set(index, lowest);
    this.#kept.clear();
    this.#kept.set(lowest, { file, is_ours: true, is_wide: true });
    for (const kept of files) if (kept.is_ours) await rm(kept.file, { force: true });
  }

  /** Takes in a piece that is a file here. It is read where it is, must stay there until finish, and is not removed. */
  async add_file(index: number, file: string): Promise<void> {
    await this.#take(index, async () => {
      if (this.#format.kind === 'cube') this.#note_header(index, await read_header(file, this.#format));
      else await stat(file);
      this.#kept.set(index, { file, is_ours: false, is_wide: false });
    });
  }

  /**
   * Makes the file.
   * @param options.before_rename is told by what the file, which is whole, will be known when it has its name
   * @param options.partial of the pieces that are there; what is missing is left out, or zero where its place is known
   * @throws StateError (PARJOB_ERR_STATE) when pieces are missing or on their way
   */
  async finish(
    options: { partial?: boolean | undefined; before_rename?: ((mark: string) => void) | undefined } = {},
  ): Promise<Joined> {
    this.#check_open();
    const missing = this.missing();
    if (this.#coming.size > 0) {
      throw new StateError(`${this.target}: ${list(this.#coming)} on the way: wait for add, then finish`);
    }
    if (missing.length === this.count || (missing.length > 0 && options.partial !== true)) {
      const what = `${list(missing)} of ${this.count} not there`;
      throw new StateError(
        `${this.target}: ${what}: add what is missing${missing.length < this.count ? ', or say partial: true' : ''}`,
      );
    }
    this.#state = 'finishing';
    try {
      const out = await this.#write_all();
      await (await this.#out)?.sync.settle();
      const file = join(this.#folder, out);
      const handle = await open(file, 'r+');
      let bytes: number;
      try {
        await handle.sync();
        const facts = await handle.stat();
        bytes = facts.size;
        options.before_rename?.(mark_of(facts));
      } finally {
        await handle.close();
      }
      await rename(file, this.target);
      const sections = Array.from({ length: this.count }, (_, i) => i).filter((i) => this.has(i));
      this.#state = 'closed';
      await this.#remove_all();
      return { file: this.target, bytes, sections };
    } catch (error) {
      if (this.#state === 'finishing') this.#state = 'open';
      throw error;
    }
  }

  /** Gives up: removes all that was kept. The target stays as it was. May be called again. */
  async abort(): Promise<void> {
    this.#state = 'closed';
    this.#wake_waiting();
    await this.#remove_all();
  }

  #grid(dimensions: number): Grid & { axes: readonly number[] } {
    const { axes, nblock, count, pattern, noverlap } = this.#options;
    const own = axes === 'new' ? dimensions + 1 : axes;
    // of records there is one axis, which 'new' cannot add to
    const for_records = this.#format.kind === 'records' && axes === 'new' ? undefined : own;
    return grid_of(
      'Joiner',
      { axes: for_records, nblock, count, pattern, noverlap },
      dimensions,
      this.#format.kind,
    );
  }

  #check_use(): void {
    const { reduce, add, n, axes } = this.#options;
    const is_arithmetic = reduce === 'sum' || add === true;
    if (is_arithmetic && this.#format.kind === 'records') {
      throw new UsageError(`Joiner: records of ${this.#format.name} cannot be added up, only cubes can`);
    }
    if (axes === 'new' && this.#format.kind === 'records') {
      throw new UsageError(`Joiner: records of ${this.#format.name} have no axes to add to`);
    }
    const { length } = this.#grid(1).axes;
    const lengths = n === undefined ? undefined : [n].flat();
    if (lengths !== undefined && lengths.length !== length) {
      throw new UsageError(
        `Joiner: option 'n' must have a length for each of ${length} axes, got ${show(n)}`,
      );
    }
    if (reduce === 'sum' && (axes !== undefined || n !== undefined)) {
      throw new UsageError(
        "Joiner: with reduce: 'sum' there are no axes to join along; leave axes and n away",
      );
    }
  }

  /** Runs `take` for a piece, if it may come now. */
  async #take(index: number, take: () => Promise<void>): Promise<void> {
    this.#check_open();
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new UsageError(
        `${this.target} has sections 0 to ${this.count - 1}: there is no section ${show(index)}`,
      );
    }
    if (this.has(index)) throw new StateError(`section ${index} of ${this.target} is in already`);
    if (this.#coming.has(index))
      throw new StateError(`section ${index} of ${this.target} is on its way already`);
    this.#coming.add(index);
    try {
      await take();
      // those that had to wait for this one; what goes wrong with them is said by finish, which tries again
      await this.#places_kept();
    } finally {
      this.#coming.delete(index);
      this.#wake_waiting();
    }
  }

  #check_open(): void {
    if (this.#state !== 'open') throw new StateError(`${this.target} has been finished or given up`);
  }

  /** Section `index` of the target, for errors. */
  #name_of(index: number): string {
    return `section ${index} of ${this.target}`;
  }

  async #add_records(index: number, chunks: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    this.#heads ??= new RecordHeads(this.#format as RecordFormat);
    const checked = this.#heads.check(chunks, name);
    const has_turn = this.#grid(1).pattern[0] === 'block' && (await this.#wait_for_turn(index));
    if (has_turn) {
      await this.#while_placing(index, async () => (await this.#record_join()).join.append(checked, name));
    } else {
      await this.#keep(index, checked);
    }
  }

  async #add_cube(
    index: number,
    header: CubeHeader,
    chunks: AsyncIterable<Uint8Array>,
    name: string,
    is_wide: boolean,
  ): Promise<void> {
    const stack = this.#stack;
    const has_place = stack !== undefined && (stack.knows_places || (await this.#wait_for_turn(index)));
    const bytes = is_wide ? wide_bytes(header, name) : header.offset + data_bytes(header);
    const all = exactly(chunks, bytes, name);
    if (!has_place) {
      await this.#keep(index, all, is_wide);
      return;
    }
    const data = without_head(all, header.offset);
    const place = async (): Promise<void> => stack.put(index, header, data, await this.#open_out());
    if (!stack.knows_places) await this.#while_placing(index, place);
    else {
      await place();
      this.#placed.add(index);
    }
  }

  #is_in_turn(index: number): boolean {
    return !this.#is_placing && index === this.#next;
  }

  /** While all pieces before it are on their way. @returns whether its turn has come; else one of them is not, and it may be long */
  async #wait_for_turn(index: number): Promise<boolean> {
    for (;;) {
      this.#check_open();
      if (this.#is_in_turn(index)) return true;
      // it may be that what is next was kept, could not be put in its place, and nobody would try that again
      if (!this.#is_placing && this.#kept.has(this.#next)) {
        if (await this.#places_kept()) continue;
        return false;
      }
      for (let before = this.#next; before < index; before++)
        if (!this.#coming.has(before) && !this.#kept.has(before)) return false;
      const woken = new Deferred<void>();
      this.#waiting.add(woken);
      await woken.promise;
    }
  }

  #wake_waiting(): void {
    for (const woken of this.#waiting) woken.resolve();
    this.#waiting.clear();
  }

  async #while_placing(index: number, place: () => Promise<void>): Promise<void> {
    this.#is_placing = true;
    try {
      await place();
      this.#placed.add(index);
      this.#next = index + 1;
    } finally {
      this.#is_placing = false;
      this.#wake_waiting();
    }
  }

  /** Compares a cube with those before it; the first one decides how they are put together. */
  #note_header(index: number, header: CubeHeader): void {
    if (this.#same !== undefined) {
      this.#same.take(index, header);
      return;
    }
    const { reduce, add, n } = this.#options;
    const grid = this.#grid(header.axes.length);
    const lengths = n === undefined ? undefined : [n].flat();
    const same = new SameCubes(this.target, grid, lengths, reduce === 'sum');
    same.take(index, header);
    this.#same = same;
    const is_stack = CubeStack.fits(grid, header) && reduce === undefined && add !== true;
    if (is_stack) this.#stack = new CubeStack(same, this.#note);
  }

  #forget_header(index: number): void {
    this.#same?.forget(index);
    if (this.#same?.size !== 0) return;
    this.#same = undefined;
    this.#stack = undefined;
  }

  /** Writes a piece to a file beside the target. */
  async #keep(index: number, chunks: AsyncIterable<Uint8Array>, is_wide = false): Promise<void> {
    await this.#make_folder();
    const file = join(this.#folder, String(index));
    const part = `${file}.part`;
    try {
      const handle = await open(part, 'w');
      try {
        const writer = new WriteBehind(handle, { at_once: 2 });
        let end = 0;
        try {
          for await (const bytes of chunks) {
            await writer.write(bytes, end);
            end += bytes.length;
          }
        } finally {
          await writer.flush();
        }
      } finally {
        await handle.close();
      }
      await rename(part, file);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    this.#kept.set(index, { file, is_ours: true, is_wide });
  }

  /** @returns whether what was kept could be put in its place, as far as its turn has come */
  #places_kept(): Promise<boolean> {
    return this.#place_kept().then(
      () => true,
      () => false,
    );
  }

  /** Puts pieces that were kept in their place, as far as they follow on those that are there. */
  async #place_kept(skip_missing = false): Promise<void> {
    const is_direct =
      this.#format.kind === 'records' ? this.#grid(1).pattern[0] === 'block' : this.#stack !== undefined;
    if (!is_direct || this.#is_placing) return;
    for (;;) {
      const index = skip_missing || this.#stack?.knows_places ? least(this.#kept.keys()) : this.#next;
      const kept = index === undefined ? undefined : this.#kept.get(index);
      if (kept === undefined || index === undefined || this.#is_placing) return;
      await this.#while_placing(index, () => this.#place_one(index, kept.file));
      this.#kept.delete(index);
      if (kept.is_ours) await rm(kept.file, { force: true });
    }
  }

  async #place_one(index: number, file: string): Promise<void> {
    if (this.#format.kind === 'records') {
      await (await this.#record_join()).join.append(read_whole(file, this.#format), this.#name_of(index));
      return;
    }
    const header = await read_header(file, this.#format);
    const handle = await open(header.data_file, 'r');
    try {
      const data = read_range(handle, header.offset, header.offset + data_bytes(header));
      await this.#stack?.put(index, header, data, await this.#open_out());
    } finally {
      await handle.close();
    }
  }

  /** @returns the name of the file that is the whole, in the folder of what is kept */
  async #write_all(): Promise<string> {
    await this.#place_kept(true);
    const { handle: out } = await this.#open_out();
    if (this.#format.kind === 'records') {
      const { join: joined, sink } = await this.#record_join();
      const files = [...this.#kept].toSorted(([a], [b]) => a - b).map(([, { file }]) => file);
      // if something goes wrong from here on, records that are dealt out are joined again from the start
      if (files.length > 0) this.#records = undefined;
      // of blocks none is left to be kept
      if (files.length > 0) await joined.interleave(files);
      await out.truncate(sink.size);
    } else if (this.#stack !== undefined) {
      const name = await this.#stack.finish(out, this.#folder);
      if (name !== undefined) return name;
    } else {
      const same = this.#same as SameCubes;
      const { reduce, add } = this.#options;
      await merge_cubes(out, same, this.#kept, {
        format: this.#format as CubeFormat,
        target: this.target,
        note: this.#note,
        is_sum: reduce === 'sum',
        is_added: add === true,
      });
    }
    return 'out';
  }

  async #record_join(): Promise<{ join: RecordJoin; sink: RecordSink }> {
    if (this.#records === undefined) {
      const format = this.#format as RecordFormat;
      const sink = new RecordSink(await this.#open_out(), format);
      this.#records = { join: new RecordJoin(format, sink), sink };
    }
    return this.#records;
  }

  async #open_out(): Promise<OutFile> {
    this.#out ??= this.#make_out();
    return await this.#out;
  }

  async #make_out(): Promise<OutFile> {
    await this.#make_folder();
    const handle = await open(join(this.#folder, 'out'), 'w+');
    return { handle, sync: new SteadySync(handle) };
  }

  async #make_folder(): Promise<void> {
    if (this.#state === 'closed') throw new StateError(`${this.target} has been finished or given up`);
    try {
      await mkdir(this.#folder, { recursive: false });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return;
      throw new UsageError(`${this.target} cannot be made: nothing can be written beside it (${code})`, {
        cause: error,
      });
    }
  }

  async #remove_all(): Promise<void> {
    const out = this.#out;
    this.#out = undefined;
    await out?.then(({ handle }) => handle.close()).catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** By what a file is known that was renamed: it stays the same file, and as old. */
export function mark_of(stats: Stats): string {
  return `${stats.ino}/${stats.size}/${stats.mtimeMs}`;
}

function least(numbers: Iterable<number>): number | undefined {
  let found: number | undefined;
  for (const number of numbers) found = found === undefined ? number : Math.min(found, number);
  return found;
}

/** `section 3 is`, `sections 3, 4 are`. */
function list(indexes: Iterable<number>): string {
  const all = [...indexes].toSorted((a, b) => a - b);
  const shown =
    all.length > 10 ? `${all.slice(0, 10).join(', ')} and ${all.length - 10} more` : all.join(', ');
  return all.length === 1 ? `section ${shown} is` : `sections ${shown} are`;
}
