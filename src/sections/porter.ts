/**
 * Porter: brings pieces to hosts and outputs from them, over the lines of the slaves there. A piece is recorded as
 * present only when the far end has it whole; a transfer that broke goes on where it stopped.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors.js';
import { read_ahead } from './formats/file_bytes.js';
import type { Hosts } from './hosts.js';
import type { ParFile, Part } from './par_file.js';
import type { Piece, PieceFile, PiecesTable } from './pieces_table.js';
import { Pipe } from './pipe.js';
import { safe_name } from './safe_name.js';

/** Tries of one transfer to a host that is there. */
const TRIES = 2;

export class Porter {
  readonly #hosts: Hosts;
  readonly #pieces: PiecesTable;
  /** What is on its way, by piece. */
  readonly #bringing = new Map<string, Promise<Piece>>();
  /** Pieces that an earlier master has left, and that this one has seen. */
  readonly #seen = new Set<string>();
  readonly #on_notice: (level: number, text: string) => void;

  constructor(hosts: Hosts, pieces: PiecesTable, on_notice: (level: number, text: string) => void) {
    this.#hosts = hosts;
    this.#pieces = pieces;
    this.#on_notice = on_notice;
  }

  /** Id of an input's piece: of a copy by host, of a split file by section. */
  static input_id(key: string, file: ParFile, section: string, host: string): string {
    return file.is_per_host ? `in/${key}@${host}` : `in/${key}#${section}`;
  }

  static output_id(key: string, section: string, attempt: number): string {
    return `out/${key}#${section}.${attempt}`;
  }

  /**
   * Sees to it that the piece of an INPUT is on a host. Sections that need the same copy wait for one transfer.
   * @throws Error when it cannot be brought there
   */
  async bring(key: string, file: ParFile, section: string, index: number, host: string): Promise<Piece> {
    const id = Porter.input_id(key, file, section, host);
    const there = this.#pieces.get(id);
    if (there?.state === 'present' && there.host === host && (await this.#is_there(there, file)))
      return there;
    if (file.load !== undefined)
      throw new UsageError(`the piece ${id} that was to be loaded is not on ${host}`);
    let bringing = this.#bringing.get(id);
    if (bringing === undefined) {
      bringing = this.#bring(id, key, file, section, index, host).finally(() => this.#bringing.delete(id));
      this.#bringing.set(id, bringing);
    }
    return bringing;
  }

  async #is_there(piece: Piece, file: ParFile): Promise<boolean> {
    if (file.load === undefined && piece.identity !== file.identity) return false;
    if (this.#seen.has(piece.id)) return true;
    const sizes = await this.#hosts.call(piece.host, 'stat_files', [piece.files.map(({ path }) => path)]);
    const is_there = piece.files.every(({ size }, i) => sizes[i] === size);
    if (is_there) this.#seen.add(piece.id);
    else this.#on_notice(1, `${piece.id} is not on ${piece.host} any more`);
    return is_there;
  }

  async #bring(
    id: string,
    key: string,
    file: ParFile,
    section: string,
    index: number,
    host: string,
  ): Promise<Piece> {
    const is_copy = file.is_per_host;
    const folder = posix.join(
      this.#hosts.folder_of(host),
      'in',
      `${safe_name(key)}-${file.identity}`,
      is_copy ? '' : safe_name(section),
    );
    this.#pieces.stage(id, {
      file: key,
      host,
      section: is_copy ? undefined : section,
      identity: file.identity,
    });
    try {
      const files: PieceFile[] = [];
      for (const part of file.parts(index))
        files.push(await this.#send(part, posix.join(folder, part.name), host));
      this.#pieces.arrive(id, files);
      this.#seen.add(id);
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      this.#on_notice(2, `${id} is on ${host}, ${bytes} bytes`);
    } catch (error) {
      this.#pieces.break(id);
      throw error;
    }
    return this.#pieces.get(id) as Piece;
  }

  async #send(part: Part, path: string, host: string): Promise<PieceFile> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#check_room(part, path, host);
        const there = await this.#hosts.call(host, 'part_bytes', [path]);
        const from = part.bytes === undefined || there > part.bytes ? 0 : there;
        if (from > 0) this.#on_notice(2, `${path} on ${host} goes on behind ${from} bytes`);
        const options = { feed: read_ahead(part.read(from)) };
        const { size, sha256 } = await this.#hosts.call(host, 'receive', [path, from, part.mode], options);
        if (part.bytes !== undefined && size !== part.bytes)
          throw new Error(`${path} should have ${part.bytes} bytes and has ${size}: was the input changed?`);
        return { path, size, sha256 };
      } catch (error) {
        if (tries === TRIES || !this.#hosts.is_up(host)) throw error;
        this.#on_notice(1, `${path} is sent again to ${host}: ${(error as Error).message}`);
      }
    }
  }

  async #check_room(part: Part, path: string, host: string): Promise<void> {
    const free = await this.#hosts.call(host, 'free_bytes', [this.#hosts.folder_of(host)]);
    if (part.room > free) throw new Error(`${path} takes ${part.room} bytes, and ${host} has ${free} free`);
  }

  /**
   * The bytes of an output, or a sum of some, on its host, as they come. The chunks are the caller's own.
   * @throws Error when they are not those that were there when the section finished; `is_lost` tells it from a bad line
   */
  fetch(host: string, file: PieceFile, format: string | undefined): AsyncIterable<Uint8Array> {
    const pipe = new Pipe();
    this.#hosts
      .call(host, 'send_file', [file.path, format], { on_bytes: (bytes) => pipe.push(bytes) })
      .then(({ size, sha256 }) => {
        if (size !== file.size || sha256 !== file.sha256)
          throw new LostOutput(`${file.path} on ${host} is not what it was when the section finished`);
        if (pipe.size !== size) throw new Error(`of ${file.path} came ${pipe.size} bytes instead of ${size}`);
        pipe.end();
      })
      .catch((error: Error & { system_code?: string }) => {
        pipe.fail(error.system_code === 'ENOENT' ? new LostOutput(error.message) : error);
      });
    return pipe;
  }

  /** Moves a file that an attempt has begun to the host of the next one. */
  async relay(from: { host: string; path: string }, to: { host: string; path: string }): Promise<void> {
    const pipe = new Pipe();
    const sent = this.#hosts.call(from.host, 'send_file', [from.path, undefined], {
      on_bytes: (bytes) => pipe.push(bytes),
    });
    sent.then(
      () => pipe.end(),
      (error: Error) => pipe.fail(error),
    );
    try {
      const { sha256 } = await this.#hosts.call(to.host, 'receive', [to.path, 0, undefined], { feed: pipe });
      if (sha256 !== (await sent).sha256) throw new Error(`${to.path} is not what ${from.path} is`);
    } finally {
      await pipe.return();
    }
  }
}

/** An output that was there is not, or is another. */
export class LostOutput extends Error {}
