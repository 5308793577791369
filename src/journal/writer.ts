/**
 * Writer: appends lines to a status file. append() gathers, commit() writes what was gathered in one go and, by
 * policy, to the disk. A commit that fails leaves no torn line in the file and loses nothing: what was gathered
 * stays and goes out with the next one.
 *
 * It does not know who else may write the file (lock.ts), nor what was in it before (replay.ts).
 */
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ParjobError } from '../errors.js';
import { StatusFileError } from '../errors.js';
import { LineText } from './line_text.js';
import { on_disk } from './on_disk.js';
import type { JournalRecord } from './record.js';
import type { Recalled } from './replay.js';
import type { SideFolder } from './side_folder.js';
import type { SideFile } from './stored_value.js';

/**
 * When lines are forced to the disk, so that they outlive a crash of the machine. They outlive one of the
 * master in any case.
 */
export type FsyncPolicy =
  /** Before a commit returns. */
  | 'always'
  /** In the background, fsync_interval after a commit at the latest. */
  | 'interval'
  /** When the system likes. */
  | 'never';

/** What the writer asks of the system: a seam for tests. */
export interface Disk {
  /** Writes at a position and returns how many bytes it has written. */
  write(fd: number, bytes: Uint8Array, start: number, position: number): number;
  truncate(fd: number, length: number): void;
  sync(fd: number): void;
  sync_later(fd: number): Promise<void>;
}

export const SYSTEM_DISK: Disk = {
  write: (fd, bytes, start, position) => writeSync(fd, bytes, start, bytes.length - start, position),
  truncate: ftruncateSync,
  sync: fdatasyncSync,
  sync_later: promisify(fdatasync),
};

export interface WriterOptions {
  file: string;
  folder: SideFolder;
  /** Where to write on. */
  size: number;
  /** Bytes before it that are useless. */
  garbage_bytes: number;
  /** When the file was made, ms since 1970. */
  created: number;
  /** Functions that the file knows. */
  functions: readonly string[];
  /** What the file knows of a task. */
  recall: (key: string) => Recalled | undefined;
  fsync: FsyncPolicy;
  /** ms */
  fsync_interval: number;
  /** bytes */
  inline_limit: number;
  disk: Disk;
}

/** Gathered text becomes bytes from here on. */
const BLOCK_CHARS = 2 ** 20;

export class Writer {
  readonly #options: WriterOptions;
  readonly #lines: LineText;
  #fd: number;
  #size: number;
  // what waits: files first, then blocks, then text
  #files: SideFile[] = [];
  #blocks: Buffer[] = [];
  #text = '';
  #waiting = 0;
  /** Files that the waiting lines make useless, and those that the lines written since the last sync do. */
  #doomed: string[] = [];
  #doomed_by_written: string[] = [];
  #unsynced_files: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sync_error: unknown;

  /** @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the file cannot be written */
  constructor(options: WriterOptions) {
    this.#options = options;
    this.#size = options.size;
    this.#fd = this.#open();
    this.#lines = new LineText({
      ...options,
      write_file: (file) => this.#files.push(file),
      doom_file: (name) => this.#doomed.push(name),
    });
  }

  /** Length of the file, without what waits. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of lines that later ones made useless, about. */
  get garbage_bytes(): number {
    return this.#lines.garbage_bytes;
  }

  /** Records that wait for a commit. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Gathers a record. Bytes of values are not copied: leave them alone until a commit has returned.
   * @throws UsageError (PARJOB_ERR_USAGE) for a key or a fact that no status file takes; nothing is gathered then
   */
  append(record: JournalRecord): void {
    this.#text += this.#lines.of(record);
    this.#waiting++;
    if (this.#text.length >= BLOCK_CHARS) this.#close_block();
  }

  /** Gathers the line with which another master goes on. */
  append_opened(pid: number, host: string): void {
    this.#text += this.#lines.opened(pid, host);
    this.#waiting++;
  }

  /**
   * Writes what was gathered.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the system refuses: the records wait for the next commit
   */
  commit(): void {
    if (this.#waiting === 0) return;
    this.#close_block();
    let position = this.#size;
    try {
      this.#throw_sync_error();
      this.#write_files();
      for (const block of this.#blocks) position = this.#write(block, position);
      if (this.#options.fsync === 'always') this.#options.disk.sync(this.#fd);
    } catch (error) {
      this.#cut_back();
      throw this.#failed(error);
    }
    this.#size = position;
    this.#blocks = [];
    this.#waiting = 0;
    this.#doomed_by_written.push(...this.#doomed.splice(0));
    if (this.#options.fsync === 'interval') this.#sync_soon();
    else this.#remove_doomed();
  }

  /** The file was written anew and has `size` bytes now, all of them useful. */
  reopen(size: number): void {
    closeSync(this.#fd);
    this.#fd = this.#open();
    this.#size = size;
    this.#lines.forget();
    this.#doomed_by_written = [];
  }

  /** Forces to the disk what was committed, unless the policy is never, and closes the file. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      if (this.#options.fsync !== 'never') {
        on_disk(
          this.#options.file,
          'unwritable',
          `${this.#options.file} could not be forced to the disk`,
          () => this.#options.disk.sync(this.#fd),
        );
        this.#remove_doomed();
      }
    } finally {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }

  #open(): number {
    const { file } = this.#options;
    return on_disk(file, 'unwritable', `${file} cannot be written`, () => openSync(file, 'r+'));
  }

  #close_block(): void {
    if (this.#text === '') return;
    this.#blocks.push(Buffer.from(this.#text));
    this.#text = '';
  }

  /** Each file is there before the line that names it. */
  #write_files(): void {
    const { folder, fsync } = this.#options;
    for (let file = this.#files[0]; file !== undefined; file = this.#files[0]) {
      folder.write(file.name, file.pieces, fsync === 'always');
      if (fsync === 'interval') this.#unsynced_files.push(file.name);
      this.#files.shift();
    }
  }

  #write(block: Buffer, position: number): number {
    for (let start = 0; start < block.length; ) {
      const written = this.#options.disk.write(this.#fd, block, start, position);
      if (written <= 0) throw new Error('the system has written nothing');
      start += written;
      position += written;
    }
    return position;
  }

  #cut_back(): void {
    try {
      this.#options.disk.truncate(this.#fd, this.#size);
    } catch {
      // the next commit writes over it: it begins with the same bytes
    }
  }

  #failed(error: unknown): ParjobError {
    const { file } = this.#options;
    const records = this.#waiting === 1 ? '1 record waits' : `${this.#waiting} records wait`;
    return new StatusFileError(
      `${file} could not be written: ${(error as Error).message}. ${records} for the next try, and none is lost ` +
        'while this process lives: make room on the disk, or see to its permissions',
      { file, problem: 'unwritable' },
      { cause: error },
    );
  }

  // ---- syncing in the background

  #sync_soon(): void {
    this.#timer ??= setTimeout(() => void this.#sync(), this.#options.fsync_interval).unref();
  }

  async #sync(): Promise<void> {
    this.#timer = undefined;
    const fd = this.#fd;
    const files = this.#unsynced_files.splice(0);
    const doomed = this.#doomed_by_written.splice(0);
    try {
      await this.#options.folder.sync_later(files);
      await this.#options.disk.sync_later(fd);
      for (const name of doomed) this.#options.folder.remove(name);
    } catch (error) {
      this.#unsynced_files.unshift(...files);
      this.#doomed_by_written.unshift(...doomed);
      // closed or written anew meanwhile, and synced then
      if (fd === this.#fd) this.#sync_error = error;
    }
  }

  /** What failed in the background is told by the next commit, once. */
  #throw_sync_error(): void {
    const error = this.#sync_error;
    this.#sync_error = undefined;
    if (error !== undefined) throw error;
  }

  #remove_doomed(): void {
    for (const name of this.#doomed_by_written.splice(0)) this.#options.folder.remove(name);
  }
}
