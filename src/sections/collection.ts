/**
 * Collection: what brings the outputs of sections together, each file by its joiner, as sections finish. A file
 * appears under its name when all of it is there.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ParFile } from './par_file.js';
import type { Joiner } from './pieces/joiner.js';

/** Room that is left on the disk of the master. */
const SPARE_BYTES = 16 * 2 ** 20;

export class Collection {
  readonly #files: Readonly<Record<string, ParFile>>;
  readonly #section_count: number;
  readonly #script: string;
  readonly #joiners = new Map<string, Joiner>();
  #has_something = false;

  constructor(files: Readonly<Record<string, ParFile>>, section_count: number, script: string) {
    this.#files = files;
    this.#section_count = section_count;
    this.#script = script;
  }

  get has_something(): boolean {
    return this.#has_something;
  }

  /** Takes in the outputs of a section: whole, or not at all. @throws what `fetch` or the joiner throws */
  async collect(index: number, fetch: (key: string) => AsyncIterable<Uint8Array>): Promise<void> {
    for (const [key, file] of Object.entries(this.#files)) {
      if (!file.collect_it) continue;
      const joiner = this.#joiner(key, file);
      if (joiner.has(index)) continue;
      await check_room(file.name);
      await joiner.add(index, fetch(key));
    }
    this.#has_something = true;
  }

  // without a pause: two sections may come at once
  #joiner(key: string, file: ParFile): Joiner {
    let joiner = this.#joiners.get(key);
    if (joiner === undefined) {
      mkdirSync(dirname(file.name), { recursive: true });
      remove_left_over(file.name);
      joiner = file.joiner(this.#section_count, this.#script);
      this.#joiners.set(key, joiner);
    }
    return joiner;
  }

  /** Gives the files their names. @returns their names */
  async finish(partial: boolean): Promise<string[]> {
    const names: string[] = [];
    for (const [key, joiner] of this.#joiners) {
      await joiner.finish({ partial });
      this.#joiners.delete(key);
      names.push(this.#files[key]?.name as string);
    }
    return names;
  }

  /** Removes what is temporary. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.#joiners.values()].map((joiner) => joiner.abort()));
    this.#joiners.clear();
  }
}

async function check_room(file: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize >= SPARE_BYTES) return;
  const text = `there is no room for ${file}: ${bavail * bsize} bytes are free`;
  throw Object.assign(new Error(text), { code: 'ENOSPC' });
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
