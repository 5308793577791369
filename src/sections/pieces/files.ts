/** Files that are read and written while datasets are joined: open ones within a limit, and writing behind. */
import { type FileHandle, open } from 'node:fs/promises';
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

/** Writes while the next bytes are made ready: one write is under way at a time. */
export class WriteBehind {
  readonly #handle: FileHandle;
  #under_way: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Begins to write when the write before is done. `bytes` are not to be touched until the next call has returned. */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    await this.#under_way;
    this.#under_way = write_fully(this.#handle, bytes, at);
    // it is seen to at the next call
    this.#under_way.catch(() => {});
  }

  /** Waits for the last write. */
  async flush(): Promise<void> {
    await this.#under_way;
  }
}
