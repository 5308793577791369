/**
 * FileTail: reads the lines of a file that may still grow, and tells when another file has come in its place. It
 * reads in pieces, between which others go on.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';

const PIECE_BYTES = 2 ** 20;
const NEWLINE = 10;

/** Takes the line that stands in `bytes` from `start` to `end`, without its newline. */
export type TakeLine = (bytes: Buffer, start: number, end: number) => void;

export class FileTail {
  readonly file: string;
  readonly #longest: number;
  #handle: FileHandle | undefined;
  #inode = 0;
  #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  // buffer[0, #held) is the file from #offset
  #held = 0;
  #offset = 0;
  #size = 0;

  /** @param longest a longer line is an error, bytes with its newline */
  constructor(file: string, longest: number) {
    this.file = file;
    this.#longest = longest;
  }

  /** Share of the file that was read. */
  get read(): number {
    return this.#size === 0 ? 1 : Math.min(1, (this.#offset + this.#held) / this.#size);
  }

  /** Another file has come in its place, or nothing of it was read yet. */
  async is_replaced(): Promise<boolean> {
    const { ino, size } = await stat(this.file);
    return this.#handle === undefined || ino !== this.#inode || size < this.#offset + this.#held;
  }

  /**
   * Reads on to the present end. `begin_anew` is called before the first line of a file that is another than before.
   * Resolves to whether there was anything new.
   * @throws Error when the file cannot be read, or a line is too long
   */
  async read_on(take: TakeLine, begin_anew: () => void): Promise<boolean> {
    const { size } = await stat(this.file);
    const is_replaced = await this.is_replaced();
    if (is_replaced) await this.close();
    this.#handle ??= await open(this.file, 'r');
    const handle = this.#handle;
    if (is_replaced) {
      this.#inode = (await handle.stat()).ino;
      this.#offset = 0;
      this.#held = 0;
      begin_anew();
    }
    this.#size = size;
    let has_news = false;
    for (;;) {
      const place = this.#offset + this.#held;
      const { bytesRead: read } = await handle.read(
        this.#buffer,
        this.#held,
        this.#buffer.length - this.#held,
        place,
      );
      if (read === 0) return has_news;
      has_news = true;
      this.#take_lines(take, read);
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #take_lines(take: TakeLine, read: number): void {
    const fresh = this.#held;
    const end = fresh + read;
    const bytes = this.#buffer;
    let start = 0;
    let stop = bytes.indexOf(NEWLINE, fresh);
    while (stop !== -1 && stop < end) {
      take(bytes, start, stop);
      start = stop + 1;
      stop = bytes.indexOf(NEWLINE, start);
    }
    this.#held = end - start;
    this.#offset += start;
    if (this.#held >= this.#longest)
      throw new Error(`a line of ${this.file} is longer than ${this.#longest} bytes`);
    if (this.#held === bytes.length) {
      this.#buffer = Buffer.allocUnsafeSlow(bytes.length * 2);
      bytes.copy(this.#buffer, 0, start, end);
    } else bytes.copyWithin(0, start, end);
  }
}
