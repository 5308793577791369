/**
 * Cleaner: removes what a run has left on hosts, as well as it can. What cannot be removed is written down, reported,
 * and tried again when the job is next run.
 */
import { join } from 'node:path';
import { type Hosts, within } from './hosts.js';
import type { ParFile } from './par_file.js';
import type { PiecesTable } from './pieces_table.js';
import type { StatusFile } from './status_file.js';

/** A host that takes longer is left alone, ms. */
const CLEAN_TIMEOUT = 30_000;

export interface NotRemoved {
  host: string;
  path: string;
  reason: string;
}

/** What may be removed from a host. */
interface Removal {
  host: string;
  paths: readonly string[];
  /** Files of pieces that stay. */
  kept: ReadonlySet<string>;
}

export class Cleaner {
  readonly #hosts: Hosts;
  readonly #status: StatusFile;
  readonly #files: Readonly<Record<string, ParFile>>;
  readonly #pieces: PiecesTable;

  constructor(
    hosts: Hosts,
    status: StatusFile,
    files: Readonly<Record<string, ParFile>>,
    pieces: PiecesTable,
  ) {
    this.#hosts = hosts;
    this.#status = status;
    this.#files = files;
    this.#pieces = pieces;
  }

  /** Notes what may be removed: should this master die before all of it is, the next one knows. */
  note_removals(): Removal[] {
    const known = [...(this.#status.records.get('host') ?? [])];
    const removals = known.flatMap(([host, { folder }]) =>
      typeof folder === 'string' ? [this.#removal(host, folder)] : [],
    );
    for (const { host, paths } of removals)
      for (const path of paths) this.#status.write('garbage', `${host}:${path}`, { host, path });
    return removals;
  }

  #removal(host: string, folder: string): Removal {
    const kept = new Set<string>();
    for (const piece of this.#pieces.of_host(host)) {
      const is_kept = piece.state === 'present' && this.#files[piece.file]?.remove === false;
      if (is_kept) for (const { path } of piece.files) kept.add(path);
    }
    return { host, paths: kept.size === 0 ? [folder] : this.#all_but(host, folder, kept), kept };
  }

  /** Removes that, on all hosts side by side. Never throws. */
  async clean(removals: readonly Removal[]): Promise<NotRemoved[]> {
    const left = await Promise.all(removals.map((removal) => this.#clean_host(removal)));
    return left.flat();
  }

  async #clean_host({ host, paths, kept }: Removal): Promise<NotRemoved[]> {
    const left = await this.#remove(host, paths);
    for (const piece of [...this.#pieces.of_host(host)])
      if (!piece.files.some(({ path }) => kept.has(path))) this.#pieces.forget(piece.id);
    // what is left is garbage from here on
    this.#status.write('host', host, { folder: null });
    return left;
  }

  /** The folders of the run but for those in which something is kept. */
  #all_but(host: string, folder: string, kept: ReadonlySet<string>): string[] {
    const is_in_use = (path: string) => [...kept].some((file) => file.startsWith(`${path}/`));
    const whole = [join(folder, 'in'), join(folder, 'out'), join(folder, 'sum')];
    const pieces = [...this.#pieces.of_host(host)].flatMap(({ files }) => files.map(({ path }) => path));
    return whole.flatMap((path) =>
      is_in_use(path) ? pieces.filter((file) => file.startsWith(`${path}/`) && !kept.has(file)) : [path],
    );
  }

  async #remove(host: string, paths: readonly string[]): Promise<NotRemoved[]> {
    let left: NotRemoved[];
    try {
      const failed = await within(CLEAN_TIMEOUT, this.#hosts.call(host, 'remove_paths', [paths]));
      left = failed.map(({ path, reason }) => ({ host, path, reason }));
    } catch (error) {
      left = paths.map((path) => ({ host, path, reason: (error as Error).message }));
    }
    const reasons = new Map(left.map(({ path, reason }) => [path, reason]));
    for (const path of paths) {
      const reason = reasons.get(path);
      const fields = reason === undefined ? { gone: true } : { host, path, reason };
      this.#status.write('garbage', `${host}:${path}`, fields);
    }
    return left;
  }

  /** Tries again what could not be removed before. */
  async remove_garbage(host: string): Promise<void> {
    // what is in the folder of this run goes with it
    const own = this.#hosts.folder_of(host);
    const mine = [...(this.#status.records.get('garbage') ?? [])].filter(
      ([, fields]) => fields['host'] === host && !`${fields['path']}/`.startsWith(`${own}/`),
    );
    if (mine.length === 0) return;
    const paths = mine.map(([, { path }]) => path as string);
    await this.#remove(host, paths);
  }
}
