/**
 * Collection: what brings the outputs of sections together, each file by its joiner, as sections finish. A file
 * appears under its name when all of it is there.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../errors.js';
import type { ParFile } from './par_file.js';
import { type Joiner, mark_of, type SumPiece } from './pieces/joiner.js';
import { as_no_room, check_room, PieceSizes } from './room.js';

/** An output is not what it was declared to be, or does not fit with those of other sections. */
export class BadOutput extends Error {}

/** A file that is collected. */
interface Collected {
  key: string;
  file: ParFile;
  joiner: Joiner;
  sizes: PieceSizes;
}

export class Collection {
  readonly #files: readonly (readonly [string, ParFile])[];
  readonly #section_count: number;
  readonly #script: string;
  readonly #collected = new Map<string, Collected>();
  #has_something = false;

  /** @param added marks of the files that an earlier master has added to, by key: what is known by that is not added to again */
  constructor(
    files: Readonly<Record<string, ParFile>>,
    section_count: number,
    script: string,
    added: ReadonlyMap<string, string> = new Map(),
  ) {
    const is_added = (key: string, { add, name }: ParFile) => {
      const found = add ? statSync(name, { throwIfNoEntry: false }) : undefined;
      return found !== undefined && mark_of(found) === added.get(key);
    };
    this.#files = Object.entries(files).filter(([key, file]) => file.collect_it && !is_added(key, file));
    this.#section_count = section_count;
    this.#script = script;
  }

  get has_something(): boolean {
    return this.#has_something;
  }

  /** A piece of so many bytes is there to be collected: by this it is known how much room is needed. */
  note_piece(key: string, index: number, bytes: number): void {
    const found = this.#files.find(([other]) => other === key);
    if (found !== undefined) this.#open(...found).sizes.note(index, bytes);
  }

  /**
   * Takes in the outputs of a section: whole, or not at all. Those that are summed are no part of them.
   * @param count sections of which outputs are, or may come
   * @throws NoRoom, BadOutput, or what `fetch` throws
   */
  async collect(
    index: number,
    count: number,
    fetch: (key: string) => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#check_room(count);
    for (const [key, file] of this.#files) {
      if (file.is_summed) continue;
      const collected = this.#open(key, file);
      if (!collected.joiner.has(index)) await take_in(collected, index, fetch(key));
    }
    this.#has_something = true;
  }

  /** Takes in the sum of the outputs of sections: of each output that is summed, or none. One at a time. */
  async collect_sum(
    indexes: readonly number[],
    count: number,
    fetch: (key: string) => { chunks: AsyncIterable<Uint8Array>; is_wide: boolean },
  ): Promise<void> {
    const [first = 0, ...also] = indexes.toSorted((a, b) => a - b);
    const summed = this.#files.filter(([, { is_summed }]) => is_summed);
    const taken: Joiner[] = [];
    await this.#check_room(count);
    try {
      for (const [key, file] of summed) {
        const collected = this.#open(key, file);
        await collected.joiner.fold();
        const { chunks, is_wide } = fetch(key);
        await take_in(collected, first, chunks, { also, is_wide });
        taken.push(collected.joiner);
      }
    } catch (error) {
      // its sections may be in another sum the next time
      for (const joiner of taken) await joiner.take_out(first);
      throw error;
    }
    this.#has_something = true;
  }

  async #check_room(count: number, is_end = false): Promise<void> {
    const by_folder = new Map<string, { need: number; names: string[] }>();
    for (const { file, joiner, sizes } of this.#collected.values()) {
      const folder = dirname(file.name);
      const { need, names } = by_folder.get(folder) ?? { need: 0, names: [] };
      const total = sizes.total(count);
      const left = is_end ? 0 : Math.max(0, total - sizes.taken);
      const own = joiner.room_for({ left, total, largest: sizes.largest });
      by_folder.set(folder, { need: need + own, names: [...names, file.name] });
    }
    for (const [folder, { need, names }] of by_folder) await check_room(folder, need, names);
  }

  // without a pause: two sections may come at once
  #open(key: string, file: ParFile): Collected {
    let collected = this.#collected.get(key);
    if (collected === undefined) {
      mkdirSync(dirname(file.name), { recursive: true });
      remove_left_over(file.name);
      const joiner = file.joiner(this.#section_count, this.#script);
      collected = { key, file, joiner, sizes: new PieceSizes() };
      this.#collected.set(key, collected);
    }
    return collected;
  }

  /**
   * Gives the files their names.
   * @param is_over nothing will be added to them later
   * @param on_add is told, before a file is added to, by what it will be known then
   * @returns their names
   */
  async finish(
    { partial, is_over }: { partial: boolean; is_over: boolean },
    on_add: (key: string, mark: string) => void,
  ): Promise<string[]> {
    await this.#check_room(this.#section_count, true);
    const names: string[] = [];
    for (const [key, { file, joiner }] of this.#collected) {
      // it would be added again with the rest
      if (file.add && !is_over) continue;
      const before_rename = file.add ? (mark: string) => on_add(key, mark) : undefined;
      await joiner.finish({ partial, before_rename }).catch((error: Error) => {
        throw as_no_room(error, file.name) ?? error;
      });
      this.#collected.delete(key);
      names.push(file.name);
    }
    return names;
  }

  /** Removes what is temporary. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.#collected.values()].map(({ joiner }) => joiner.abort()));
    this.#collected.clear();
  }
}

async function take_in(
  { joiner, sizes, file }: Collected,
  index: number,
  chunks: AsyncIterable<Uint8Array>,
  piece?: SumPiece,
): Promise<void> {
  try {
    await joiner.add(index, sizes.count(chunks), piece);
  } catch (error) {
    const no_room = as_no_room(error, file.name);
    if (no_room !== undefined) throw no_room;
    const is_of_system = (error as { cause?: { code?: string } }).cause?.code !== undefined;
    if (error instanceof UsageError && !is_of_system) throw new BadOutput(error.message, { cause: error });
    throw error;
  } finally {
    // also where it was not read at all: who sends it waits
    await chunks[Symbol.asyncIterator]().return?.();
  }
}

/** What a master that was killed has left beside `target`: `<target>.<pid>-<hex>.joining`. */
function remove_left_over(target: string): void {
  const folder = dirname(target);
  for (const name of readdirSync(folder)) {
    const rest = name.startsWith(`${basename(target)}.`) ? name.slice(basename(target).length + 1) : '';
    const pid = /^(\d+)-[0-9a-f]+\.joining$/.exec(rest)?.[1];
    if (pid !== undefined && !lives(Number(pid)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
