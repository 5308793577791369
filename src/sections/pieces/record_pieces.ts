/**
 * Pieces of records put together: one behind the other, or one record of each in turn. The head stays once, at the
 * start; a piece of no bytes, as a program leaves that had nothing to say, has no records and need not have the head.
 */
import type { FileHandle } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import type { RecordFormat } from '../formats/format.js';
import { refuse } from '../formats/header.js';
import { FilePool } from './files.js';
import type { RecordSink } from './record_sink.js';

/** A header line of more than this is not one. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024;
/** Memory for the pieces of which records are taken in turn. */
const WINDOWS_BYTES = 64 * 1024 * 1024;
const LEAST_WINDOW_BYTES = 4096;
const MOST_WINDOW_BYTES = 256 * 1024;

/** Adds the pieces' records to a sink. */
export class RecordJoin {
  readonly #format: RecordFormat;
  readonly #sink: RecordSink;
  #head: Uint8Array | undefined;

  constructor(format: RecordFormat, sink: RecordSink) {
    this.#format = format;
    this.#sink = sink;
  }

  /** Adds all records of a piece; none, if `chunks` throws. `name` is for the errors. */
  async append(chunks: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    const { size, last } = this.#sink;
    const old_head = this.#head;
    try {
      const body = new Body(this.#format, name);
      let has_begun = false;
      for await (const chunk of chunks) {
        const bytes = body.take(chunk);
        if (body.head !== undefined && body.is_past_head) await this.#write_head(body.head, name);
        if (bytes.length === 0) continue;
        if (!has_begun) await this.#sink.begin_record();
        has_begun = true;
        await this.#sink.give(bytes);
      }
      const head = body.end();
      if (head !== undefined) await this.#write_head(head, name);
      await this.#sink.flush();
    } catch (error) {
      this.#head = old_head;
      await this.#sink.cut(size, last);
      throw error;
    }
  }

  /** Adds the records of all pieces, in turns: the first of each, the second of each, ... */
  async interleave(files: readonly string[]): Promise<void> {
    const pool = new FilePool();
    const window_bytes = Math.floor(WINDOWS_BYTES / files.length / 2);
    const room = Math.min(MOST_WINDOW_BYTES, Math.max(LEAST_WINDOW_BYTES, window_bytes));
    try {
      let sources = files.map((file) => new Source(this.#format, pool, file, room));
      for (const source of sources) {
        const head = await source.read_head();
        if (head !== undefined) await this.#write_head(head, source.file);
      }
      while (sources.length > 0) {
        const ended = new Set<Source>();
        for (const source of sources) {
          if (source.copy_now(this.#sink)) continue;
          if (!(await source.copy_record(this.#sink))) ended.add(source);
        }
        if (ended.size > 0) sources = sources.filter((source) => !ended.has(source));
      }
      await this.#sink.flush();
    } finally {
      await pool.close();
    }
  }

  async #write_head(head: Uint8Array, name: string): Promise<void> {
    if (this.#head === undefined) {
      this.#head = head;
      await this.#sink.write(head);
    } else check_same(this.#head, head, name);
  }
}

/** The head of the pieces of one file, by the first that came: a piece that cannot be joined is refused when it comes, not at the end. */
export class RecordHeads {
  readonly #format: RecordFormat;
  #known: Uint8Array | undefined;

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  /** The chunks of a piece. @throws UsageError (PARJOB_ERR_USAGE) behind them, when it is not what it should be */
  async *check(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array, void, undefined> {
    const body = new Body(this.#format, name);
    let head: Uint8Array | undefined;
    for await (const chunk of chunks) {
      body.take(chunk);
      head ??= body.head;
      yield chunk;
    }
    head ??= body.end();
    if (head !== undefined) check_same(this.#known, head, name);
    this.#known ??= head;
  }
}

function check_same(known: Uint8Array | undefined, head: Uint8Array, name: string): void {
  if (known === undefined || text_of(known) === text_of(head)) return;
  throw new UsageError(
    `${name} begins with ${text_of(head)}, but the sections before it with ${text_of(known)}: all must have the same header`,
  );
}

/** A header to compare and to show; whether a newline ends it does not matter. */
function text_of(head: Uint8Array): string {
  return JSON.stringify(
    Buffer.from(head)
      .toString('latin1')
      .replace(/\r?\n$/, ''),
  );
}

/** Takes the head off the start of a piece that comes in chunks. */
class Body {
  readonly #format: RecordFormat;
  readonly #name: string;
  readonly #scanner;
  readonly #held: Uint8Array[] = [];
  #held_bytes = 0;
  #to_skip: number;
  #bytes = 0;
  head: Uint8Array | undefined;
  is_past_head = false;

  constructor(format: RecordFormat, name: string) {
    this.#format = format;
    this.#name = name;
    this.#to_skip = format.head_records ?? 0;
    this.#scanner = format.scanner();
  }

  /** What of the piece so far is behind the head and was not given back before. */
  take(chunk: Uint8Array): Uint8Array {
    const { head_bytes = 0, head_records = 0 } = this.#format;
    if (this.is_past_head) {
      this.head = undefined;
      this.#bytes += chunk.length;
      return chunk;
    }
    if (this.#held_bytes === 0) refuse(this.#format, this.#name, chunk.subarray(head_bytes));
    const base = this.#held_bytes;
    this.#held_bytes += chunk.length;
    let end: number | undefined;
    if (head_records === 0) {
      if (this.#held_bytes >= head_bytes) end = head_bytes;
    } else {
      const from = Math.max(0, head_bytes - base);
      const starts: number[] = [];
      this.#scanner.scan(chunk.subarray(from), base + from, starts);
      if (starts.length >= this.#to_skip) end = starts[this.#to_skip - 1];
      else this.#to_skip -= starts.length;
    }
    if (end === undefined) {
      if (this.#held_bytes > MAX_HEAD_BYTES) {
        throw new UsageError(`${this.#name} has no end of its header in its first ${this.#held_bytes} bytes`);
      }
      // of the chunk others make use too, and its memory is used again then
      this.#held.push(Uint8Array.from(chunk));
      return new Uint8Array(0);
    }
    this.is_past_head = true;
    const whole = this.#held.length === 0 ? chunk : Buffer.concat([...this.#held, chunk]);
    this.#held.length = 0;
    if (end > 0) this.head = Uint8Array.from(whole.subarray(0, end));
    this.#bytes += whole.length - end;
    return whole.subarray(end);
  }

  /** To be called behind the last chunk. @returns the head, if there is one and nothing behind it */
  end(): Uint8Array | undefined {
    const { record_bytes, head_bytes = 0 } = this.#format;
    if (record_bytes !== undefined && this.#bytes % record_bytes !== 0) {
      throw new UsageError(
        `${this.#name} has ${this.#bytes} bytes of records of ${record_bytes} each, which leaves ${this.#bytes % record_bytes} over`,
      );
    }
    if (this.is_past_head || this.#held_bytes === 0) return undefined;
    if (this.#held_bytes < head_bytes) {
      throw new UsageError(
        `${this.#name} has ${this.#held_bytes} bytes, fewer than its head of ${head_bytes}`,
      );
    }
    return Buffer.concat(this.#held);
  }
}

/** A piece of which one record after the other is taken. */
class Source {
  readonly file: string;
  readonly #format: RecordFormat;
  readonly #pool: FilePool;
  readonly #window: Uint8Array;
  readonly #scanner;
  /** Starts of records in the window, as offsets in the file, that are still to come. */
  #starts: number[] = [];
  #next_start = 0;
  // the window holds [at, end) of the file, from its byte at - window_at
  #window_at = 0;
  #at = 0;
  #end = 0;
  #is_at_end = false;

  constructor(format: RecordFormat, pool: FilePool, file: string, room: number) {
    this.#format = format;
    this.#pool = pool;
    this.file = file;
    this.#window = Buffer.allocUnsafeSlow(room);
    this.#scanner = format.scanner();
  }

  async read_head(): Promise<Uint8Array | undefined> {
    const { head_bytes = 0, head_records = 0 } = this.#format;
    const parts: Uint8Array[] = [];
    const keep = async (bytes: Uint8Array): Promise<void> => {
      parts.push(Uint8Array.from(bytes));
    };
    // the scanner begins behind head_bytes
    while (this.#at < head_bytes && (await this.#fill(head_bytes - this.#at))) {
      await keep(this.#take(this.#end));
    }
    for (let i = 0; i < head_records; i++) await this.#copy(keep);
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  /** Copies a record without a pause, if all of it is here and fits. @returns whether it did */
  copy_now(sink: RecordSink): boolean {
    const next = this.#starts[this.#next_start];
    if (this.#at === this.#end || next === undefined) return false;
    const record = this.#window.subarray(this.#at - this.#window_at, next - this.#window_at);
    if (!sink.write_now(record)) return false;
    this.#next_start++;
    this.#at = next;
    return true;
  }

  /** @returns false when there is no more */
  async copy_record(sink: RecordSink): Promise<boolean> {
    let has_begun = false;
    return await this.#copy(async (bytes) => {
      if (!has_begun) await sink.begin_record();
      has_begun = true;
      await sink.write(bytes);
    });
  }

  async #copy(write: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
    let has_begun = false;
    for (;;) {
      if (this.#at === this.#end && !(await this.#fill())) return has_begun;
      has_begun = true;
      const next = this.#starts[this.#next_start];
      if (next !== undefined && next <= this.#end) {
        this.#next_start++;
        await write(this.#take(next));
        return true;
      }
      await write(this.#take(this.#end));
    }
  }

  #take(to: number): Uint8Array {
    const bytes = this.#window.subarray(this.#at - this.#window_at, to - this.#window_at);
    this.#at = to;
    return bytes;
  }

  /** Reads the next bytes of the file. `most` are read without a look for records. */
  async #fill(most?: number): Promise<boolean> {
    if (this.#is_at_end) return false;
    const handle: FileHandle = await this.#pool.get(this.file);
    const room = Math.min(this.#window.length, most ?? Infinity);
    const { bytesRead } = await handle.read(this.#window, 0, room, this.#end);
    if (bytesRead === 0) {
      this.#is_at_end = true;
      return false;
    }
    this.#window_at = this.#end;
    this.#at = this.#end;
    this.#end += bytesRead;
    if (most !== undefined) return true;
    // a start at the very end of the window before belongs to this one
    this.#starts = this.#starts.slice(this.#next_start);
    this.#next_start = 0;
    this.#scanner.scan(this.#window.subarray(0, bytesRead), this.#window_at, this.#starts);
    return true;
  }
}
