/**
 * Frames: how a stream of bytes becomes whole bodies with their attachments.
 *
 *     +--------------------+-------------------+------+------------------------+-------------+---
 *     | body_bytes  u32 BE | attachments u32 BE| body | length u64 BE, of each | attachment  | ...
 *     +--------------------+-------------------+------+------------------------+-------------+---
 *
 * The body is a batch of messages (messages.ts); the attachments are the large binary values in it, as
 * they are. Bytes come in pieces of any size. An attachment is read straight into the buffer that it is
 * handed over in: `destination` says where the next bytes belong.
 *
 * Nothing here knows of sockets, of msgpack, or of time.
 */
import { ProtocolError, UsageError } from '../errors.js';

export const FRAME_HEADER_BYTES = 8;
const LENGTH_BYTES = 8;
const NO_ATTACHMENTS: readonly Uint8Array[] = [];

/**
 * Takes a whole frame. The body is `bytes[start, end)` and is overwritten after the return;
 * attachments belong to the receiver.
 */
export type OnFrame = (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => void;

/** What a frame may hold beside one value. */
const FRAME_ROOM = 1024;

/**
 * Refuses a value that no frame can hold.
 * @throws UsageError (PARJOB_ERR_USAGE) that names both sizes
 */
export function check_fits_frame(bytes: number, max_frame_bytes: number, what: string): void {
  if (bytes + FRAME_ROOM <= max_frame_bytes) return;
  throw new UsageError(
    `${what} ${bytes} bytes, but max_frame_bytes is ${max_frame_bytes}: raise that option of the Job, or pass large data by file`,
  );
}

/** Writes the header of a frame with a body of `body_bytes` into `target` at `offset`. */
export function write_frame_header(
  target: Buffer,
  offset: number,
  body_bytes: number,
  attachments: number,
): void {
  target.writeUInt32BE(body_bytes, offset);
  target.writeUInt32BE(attachments, offset + 4);
}

/** The table of lengths that stands between a body and its attachments. */
export function length_table(attachments: readonly Uint8Array[]): Buffer {
  const table = Buffer.allocUnsafe(attachments.length * LENGTH_BYTES);
  for (const [i, attachment] of attachments.entries()) {
    table.writeBigUInt64BE(BigInt(attachment.byteLength), i * LENGTH_BYTES);
  }
  return table;
}

/** Cuts a stream of bytes into frames. One reader serves one direction of one link. */
export class FrameReader {
  readonly #on_frame: OnFrame;
  readonly #max_frame_bytes: number;
  /** Part of a frame whose rest has not come: header, body and table. */
  #partial: Buffer | undefined;
  #partial_filled = 0;
  /** The attachments of the frame that is being read, and how far the last one is filled. */
  #body: Buffer | undefined;
  #lengths: number[] = [];
  #attachments: Uint8Array[] = [];
  #attachment_filled = 0;

  constructor(max_frame_bytes: number, on_frame: OnFrame) {
    this.#max_frame_bytes = max_frame_bytes;
    this.#on_frame = on_frame;
  }

  /** True between frames: only then may the peer close the stream. */
  get is_idle(): boolean {
    return this.#partial === undefined && this.#body === undefined;
  }

  /** Where the next bytes of the stream belong, if they belong in a buffer of their own. */
  get destination(): Uint8Array | undefined {
    const open = this.#attachments.at(-1);
    return open?.subarray(this.#attachment_filled);
  }

  /** `count` bytes were read into `destination`. */
  filled(count: number): void {
    this.#attachment_filled += count;
    this.#next_attachment();
  }

  /**
   * Takes the next bytes of the stream.
   * @throws ProtocolError (PARJOB_ERR_PROTOCOL) when a frame is larger than may be
   */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const open = this.#attachments.at(-1);
      if (open !== undefined) {
        const count = Math.min(open.byteLength - this.#attachment_filled, bytes.length - at);
        open.set(bytes.subarray(at, at + count), this.#attachment_filled);
        at += count;
        this.filled(count);
      } else if (this.#partial !== undefined) {
        at = this.#fill_partial(bytes, at);
      } else {
        at = this.#read_in_place(bytes, at);
      }
    }
  }

  /** A frame that lies whole in `bytes` is handed over without a copy; the start of another is kept. */
  #read_in_place(bytes: Buffer, at: number): number {
    const left = bytes.length - at;
    const whole = left < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : this.#head_bytes(bytes, at);
    if (left < whole) {
      this.#partial = Buffer.allocUnsafeSlow(whole);
      this.#partial_filled = bytes.copy(this.#partial, 0, at);
      return bytes.length;
    }
    const attachments = bytes.readUInt32BE(at + 4);
    const body_end = at + FRAME_HEADER_BYTES + bytes.readUInt32BE(at);
    if (attachments === 0) this.#on_frame(bytes, at + FRAME_HEADER_BYTES, body_end, NO_ATTACHMENTS);
    else this.#open_attachments(Buffer.from(bytes.subarray(at, at + whole)));
    return at + whole;
  }

  #fill_partial(bytes: Buffer, at: number): number {
    let partial = this.#partial as Buffer;
    if (this.#partial_filled < FRAME_HEADER_BYTES) {
      const count = bytes.copy(
        partial,
        this.#partial_filled,
        at,
        at + FRAME_HEADER_BYTES - this.#partial_filled,
      );
      this.#partial_filled += count;
      if (this.#partial_filled < FRAME_HEADER_BYTES) return at + count;
      const whole = this.#head_bytes(partial, 0);
      if (whole > partial.length) {
        const larger = Buffer.allocUnsafeSlow(whole);
        partial.copy(larger, 0, 0, FRAME_HEADER_BYTES);
        this.#partial = partial = larger;
      }
      at += count;
    }
    const count = bytes.copy(partial, this.#partial_filled, at);
    this.#partial_filled += count;
    if (this.#partial_filled === partial.length) {
      this.#partial = undefined;
      this.#partial_filled = 0;
      if (partial.readUInt32BE(4) === 0) {
        this.#on_frame(partial, FRAME_HEADER_BYTES, partial.length, NO_ATTACHMENTS);
      } else {
        this.#open_attachments(partial);
      }
    }
    return at + count;
  }

  /** Length of header, body and table of the frame that starts at `at`; its header is there. */
  #head_bytes(bytes: Buffer, at: number): number {
    const body_bytes = bytes.readUInt32BE(at);
    const head_bytes = FRAME_HEADER_BYTES + body_bytes + bytes.readUInt32BE(at + 4) * LENGTH_BYTES;
    if (head_bytes > this.#max_frame_bytes) this.#refuse(head_bytes);
    return head_bytes;
  }

  #open_attachments(head: Buffer): void {
    let total = head.length;
    const lengths: number[] = [];
    for (let at = FRAME_HEADER_BYTES + head.readUInt32BE(0); at < head.length; at += LENGTH_BYTES) {
      const length = Number(head.readBigUInt64BE(at));
      total += length;
      lengths.push(length);
    }
    if (total > this.#max_frame_bytes) this.#refuse(total);
    this.#body = head;
    this.#lengths = lengths;
    this.#attachments = [Buffer.allocUnsafeSlow(lengths[0] ?? 0)];
    this.#attachment_filled = 0;
    this.#next_attachment();
  }

  /** When the open attachment is full, opens the next one or hands the frame over. */
  #next_attachment(): void {
    let open = this.#attachments.at(-1);
    while (open !== undefined && this.#attachment_filled === open.byteLength) {
      if (this.#attachments.length === this.#lengths.length) {
        const [head, attachments] = [this.#body as Buffer, this.#attachments];
        this.#body = undefined;
        this.#attachments = [];
        this.#on_frame(head, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + head.readUInt32BE(0), attachments);
        return;
      }
      open = Buffer.allocUnsafeSlow(this.#lengths[this.#attachments.length] ?? 0);
      this.#attachments.push(open);
      this.#attachment_filled = 0;
    }
  }

  #refuse(size: number): never {
    throw new ProtocolError(
      `a frame of ${size} bytes came, but max_frame_bytes is ${this.#max_frame_bytes}: ` +
        'this is noise, or the peer was started with a larger max_frame_bytes',
    );
  }
}
