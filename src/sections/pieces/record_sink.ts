/**
 * RecordSink: the end of a file of records to which more are added, one run of bytes after another. It knows when a
 * newline is missing between two of them, and gathers small runs in one write.
 */
import { CHUNK_BYTES, take_memory } from '../../base/spare_memory.js';
import type { RecordFormat } from '../formats/format.js';
import { type OutFile, type WriteBehind, writer_of } from './files.js';

/** Bytes that are written by themselves and not copied to others first. */
const WORTH_A_WRITE = 64 * 1024;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export class RecordSink {
  readonly #format: RecordFormat;
  readonly #out: OutFile;
  #writer: WriteBehind;
  #buffer = take_memory(CHUNK_BYTES);
  #filled = 0;
  #written = 0;
  #last = NEWLINE;
  #line_end: 'unknown' | 'lf' | 'crlf' = 'unknown';

  constructor(out: OutFile, format: RecordFormat) {
    this.#format = format;
    this.#out = out;
    this.#writer = writer_of(out);
  }

  /** Bytes that it has taken. */
  get size(): number {
    return this.#written + this.#filled;
  }

  /** To be called before the first bytes of a record or head: ends the one before, if it is not ended. */
  async begin_record(): Promise<void> {
    if (this.#format.terminator === undefined || this.#last === NEWLINE || this.size === 0) return;
    await this.write(Buffer.from(this.#line_end === 'crlf' ? '\r\n' : '\n'));
  }

  /** Adds bytes of which the caller may use the memory again. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#note(bytes);
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === CHUNK_BYTES) await this.#flush_buffer();
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
  }

  /** Adds a record at once, if there is room for it and the one before is ended. @returns whether it was added */
  write_now(record: Uint8Array): boolean {
    if (
      this.#filled + record.length > CHUNK_BYTES ||
      this.#last !== NEWLINE ||
      this.#line_end === 'unknown'
    ) {
      return false;
    }
    this.#buffer.set(record, this.#filled);
    this.#filled += record.length;
    this.#last = record[record.length - 1] as number;
    return true;
  }

  /** Adds bytes that nobody will touch any more. */
  async give(bytes: Uint8Array): Promise<void> {
    if (bytes.length < WORTH_A_WRITE) return await this.write(bytes);
    this.#note(bytes);
    await this.#flush_buffer();
    const at = this.#written;
    this.#written += bytes.length;
    await this.#writer.write(bytes, at);
  }

  /** Takes back all that came after a flush, at which it had `size` bytes and ended in `last`. A write may have failed. */
  async cut(size: number, last: number): Promise<void> {
    await this.#writer.flush().catch(() => {});
    this.#writer = writer_of(this.#out);
    this.#filled = 0;
    this.#written = size;
    this.#last = last;
  }

  /** The last byte. */
  get last(): number {
    return this.#last;
  }

  /** Waits until all is with the system. */
  async flush(): Promise<void> {
    await this.#flush_buffer();
    await this.#writer.flush();
  }

  async #flush_buffer(): Promise<void> {
    if (this.#filled === 0) return;
    const bytes = this.#buffer.subarray(0, this.#filled);
    const at = this.#written;
    this.#written += this.#filled;
    this.#filled = 0;
    await this.#writer.write(bytes, at);
    // one that is full is the writer's; another is filled meanwhile
    if (bytes.length === CHUNK_BYTES) this.#buffer = take_memory(CHUNK_BYTES);
    else await this.#writer.flush();
  }

  #note(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#line_end === 'unknown' && this.#format.terminator !== undefined) {
      const at = bytes.indexOf(NEWLINE);
      const before = at === 0 ? this.#last : bytes[at - 1];
      if (at !== -1) this.#line_end = before === CARRIAGE_RETURN ? 'crlf' : 'lf';
    }
    this.#last = bytes[bytes.length - 1] as number;
  }
}
