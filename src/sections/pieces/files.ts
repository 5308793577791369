/** Files that are read and written while datasets are joined: open ones within a limit, writing behind, and steady syncing. */
import { type FileHandle, open } from 'node:fs/promises';
import { give_memory_back } from '../../base/spare_memory.js';
import { write_fully } from '../formats/file_bytes.js';

/** A process may mostly have 1024 files open, and others of its files want to be so too. */
const MAX_OPEN = 128;

/** Files open for reading. The one that was not used for longest is closed when there are too many. */
export class FilePool {
  readonly #handles = new Map<string, FileHandle>();

  /** The handle is good until the next call. */
  async get(file: string): Promise<FileHandle> {
    let handle = this.#handles.get(file);
    // what was used last stands last
    if (handle !== undefined) this.#handles.delete(file);
    else handle = await open(file, 'r');
    this.#handles.set(file, handle);
    if (this.#handles.size > MAX_OPEN) {
      const [oldest, its_handle] = this.#handles.entries().next().value as [string, FileHandle];
      this.#handles.delete(oldest);
      await its_handle.close();
    }
    return handle;
  }

  async close(): Promise<void> {
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    for (const handle of handles) await handle.close();
  }
}

/** After so many bytes those that were written are brought to the disk. */
const SYNC_BYTES = 64 * 1024 * 1024;

/** Brings a file to the disk while it grows, so that there is little left to wait for at its end. */
export class SteadySync {
  readonly #handle: FileHandle;
  #bytes = 0;
  #under_way: Promise<void> | undefined;
  #error: Error | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** So many bytes were written. @throws Error when what was written before could not be brought to the disk */
  wrote(bytes: number): void {
    // the system tells it once only
    if (this.#error !== undefined) throw this.#error;
    this.#bytes += bytes;
    if (this.#bytes < SYNC_BYTES || this.#under_way !== undefined) return;
    this.#bytes = 0;
    this.#under_way = this.#handle.datasync().then(
      () => {
        this.#under_way = undefined;
      },
      (error: Error) => {
        this.#error = error;
      },
    );
  }

  /** Waits for what it does. @throws Error when that did not go well, or did not before */
  async settle(): Promise<void> {
    await this.#under_way;
    if (this.#error !== undefined) throw this.#error;
  }
}

/** A file that grows by pieces, from more than one side. */
export interface OutFile {
  handle: FileHandle;
  sync: SteadySync;
}

/** For chunks that come from elsewhere. */
export function writer_of({ handle, sync }: OutFile): WriteBehind {
  return new WriteBehind(handle, { sync, at_once: 2 });
}

export interface WriteOptions {
  /** Is told what is written. */
  sync?: SteadySync | undefined;
  /** Writes that may be under way. With two the system has always one to do. @default 1 */
  at_once?: number | undefined;
}

/** Writes while the next bytes are made ready. Memory that was lent, see spare_memory.ts, is given back when it is written. */
export class WriteBehind {
  readonly #handle: FileHandle;
  readonly #sync: SteadySync | undefined;
  readonly #at_once: number;
  readonly #under_way: Promise<void>[] = [];
  #error: Error | undefined;

  constructor(handle: FileHandle, { sync, at_once = 1 }: WriteOptions = {}) {
    this.#handle = handle;
    this.#sync = sync;
    this.#at_once = at_once;
  }

  /**
   * Begins to write when few enough others are under way. `bytes` are not to be touched until as many further calls have
   * returned as writes may be under way.
   * @throws Error when a write before failed
   */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    if (this.#under_way.length === this.#at_once) await this.#under_way.shift();
    if (this.#error !== undefined) throw this.#error;
    this.#sync?.wrote(bytes.length);
    this.#under_way.push(this.#write(bytes, at));
  }

  /** Waits until nothing writes any more. @throws Error when a write failed */
  async flush(): Promise<void> {
    await Promise.all(this.#under_way.splice(0));
    if (this.#error !== undefined) throw this.#error;
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    try {
      await write_fully(this.#handle, bytes, at);
      give_memory_back(bytes);
    } catch (error) {
      this.#error ??= error as Error;
    }
  }
}
