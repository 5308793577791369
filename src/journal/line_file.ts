/**
 * LineFile: a file of lines that is open for reading. It goes through them in order with bounded memory, and
 * finds one again by its place. It knows nothing of what the lines say.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StatusFileError } from '../errors.js';
import { on_disk } from './on_disk.js';

const CHUNK_BYTES = 256 * 1024;
/** A last line that is asked for by itself is not longer. */
const SHORT_BYTES = 4096;
const NEWLINE = 10;

/** Where a line stands: its first byte, and its length without the newline. */
export interface Place {
  offset: number;
  length: number;
}

export class LineFile {
  readonly file: string;
  /** Bytes that it had when it was opened; what is appended later is not read. */
  readonly size: number;
  readonly #fd: number;
  readonly #longest: number;
  // what was read last: lines are mostly looked up in their order
  #window: Uint8Array = Buffer.alloc(0);
  #window_start = 0;
  #is_open = true;

  /**
   * @param longest a longer line is an error, bytes with its newline
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when there is no such file, or it is not a regular one
   */
  constructor(file: string, longest: number) {
    this.file = file;
    this.#longest = longest;
    // asked before it is opened: to open a pipe may wait for ever
    const is_file = on_disk(file, 'unreadable', `${file} cannot be read`, () => statSync(file).isFile());
    if (!is_file) throw new StatusFileError(`${file} is not a file`, { file, problem: 'not_a_status_file' });
    this.#fd = on_disk(file, 'unreadable', `${file} cannot be read`, () => openSync(file, 'r'));
    this.size = fstatSync(this.#fd).size;
  }

  close(): void {
    if (!this.#is_open) return;
    this.#is_open = false;
    closeSync(this.#fd);
  }

  /** The first line; undefined when no newline ends it. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it is too long */
  first(): string | undefined {
    const bytes = this.#bytes_at(0, Math.min(this.size, this.#longest));
    const end = bytes.indexOf(NEWLINE);
    if (end === -1 && bytes.length === this.#longest) throw this.#too_long(1);
    return end === -1 ? undefined : this.#text(bytes, 0, end, 1);
  }

  /** The last line; undefined when no newline ends it, or when it is a long one. */
  last(): string | undefined {
    const length = Math.min(this.size, SHORT_BYTES);
    const bytes = this.#bytes_at(this.size - length, length);
    const start = bytes.lastIndexOf(NEWLINE, -2) + 1;
    if (bytes.at(-1) !== NEWLINE || (start === 0 && length < this.size)) return undefined;
    return this.#text(bytes, start, length - 1, undefined);
  }

  /**
   * Calls `take` for each line that ends with a newline, in order.
   * @returns bytes of the lines; what follows is a line that was cut off
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) for a line that is too long or not UTF-8
   */
  for_each(take: (text: string, place: Place, number: number) => void): number {
    let buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    // buffer[0, end) is the file from `offset`
    let [end, offset, number] = [0, 0, 0];
    for (;;) {
      const read = this.#read(buffer, end, offset + end);
      if (read === 0) return offset;
      const fresh = end;
      end += read;
      let start = 0;
      for (
        let stop = buffer.indexOf(NEWLINE, fresh);
        stop !== -1 && stop < end;
        stop = buffer.indexOf(NEWLINE, start)
      ) {
        number++;
        if (stop - start >= this.#longest) throw this.#too_long(number);
        take(
          this.#text(buffer, start, stop, number),
          { offset: offset + start, length: stop - start },
          number,
        );
        start = stop + 1;
      }
      buffer.copyWithin(0, start, end);
      end -= start;
      offset += start;
      if (end >= this.#longest) throw this.#too_long(number + 1);
      if (end === buffer.length) {
        const larger = Buffer.allocUnsafeSlow(buffer.length * 2);
        buffer.copy(larger, 0, 0, end);
        buffer = larger;
      }
    }
  }

  /** The line at `place`, as for_each gave it. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) */
  text_at({ offset, length }: Place): string {
    const from = offset - this.#window_start;
    if (from < 0 || from + length > this.#window.length) {
      this.#window = this.#bytes_at(offset, Math.max(length, Math.min(CHUNK_BYTES / 4, this.size - offset)));
      this.#window_start = offset;
    }
    const start = offset - this.#window_start;
    return this.#text(this.#window, start, start + length, undefined);
  }

  #bytes_at(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    let end = 0;
    for (let read = -1; read !== 0 && end < length; end += read) read = this.#read(bytes, end, offset + end);
    if (end === length) return bytes;
    const text = `${this.file} has become shorter while it was read`;
    throw new StatusFileError(text, { file: this.file, problem: 'damaged' });
  }

  #read(into: Buffer, at: number, offset: number): number {
    const length = Math.min(into.length - at, this.size - offset);
    if (length <= 0) return 0;
    return on_disk(this.file, 'unreadable', `${this.file} cannot be read`, () =>
      readSync(this.#fd, into, at, length, offset),
    );
  }

  #text(buffer: Uint8Array, start: number, end: number, number: number | undefined): string {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start);
    if (isUtf8(bytes)) return bytes.toString('utf8');
    const which = number === undefined ? 'a line' : `line ${number}`;
    throw new StatusFileError(`${which} of ${this.file} is damaged: it is not UTF-8`, {
      file: this.file,
      problem: 'damaged',
      line: number,
    });
  }

  #too_long(number: number): StatusFileError {
    return new StatusFileError(
      `line ${number} of ${this.file} is longer than ${this.#longest} bytes, which no line of a status file is`,
      { file: this.file, problem: 'damaged', line: number },
    );
  }
}
