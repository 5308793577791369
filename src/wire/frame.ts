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
 * A body has at least the bytes of an array header, so a header with body_bytes = 0 is no frame: it is an
 * acknowledgement, and its second number is how many frames its sender has received, modulo 2^32.
 *
 * Nothing here knows of sockets, of msgpack, or of time.
 */
import { take_memory } from '../base/spare_memory.js';
import { ProtocolError, UsageError } from '../errors.js';

export const FRAME_HEADER_BYTES = 8;
const LENGTH_BYTES = 8;
/** Each attachment is a buffer of its own, whose making costs more than its bytes may say. */
const MAX_ATTACHMENTS = 2 ** 16;
const NO_ATTACHMENTS: readonly Uint8Array[] = [];

/**
 * Takes a whole frame. The body is `bytes[start, end)` and is overwritten after the return;
 * attachments belong to the receiver.
 */
export type OnFrame = (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => void;

/** Takes an acknowledgement: how many frames the peer has received, modulo 2^32. */
export type OnAck = (received: number) => void;

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

/** Writes an acknowledgement of `received` frames, as long as a header, into `target` at `offset`. */
export function write_ack(target: Buffer, offset: number, received: number): void {
  write_frame_header(target, offset, 0, received);
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
  readonly #on_ack: OnAck | undefined;
  readonly #max_frame_bytes: number;
  /** Part of a frame whose rest has not come: header, body and table. */
  #partial: Buffer | undefined;
  #partial_filled = 0;
  /** The attachments of the frame that is being read, and how far the last one is filled. */
  #body: Buffer | undefined;
  #lengths: number[] = [];
  #attachments: Uint8Array[] = [];
  #attachment_filled = 0;

  /** Without `on_ack` no acknowledgement may come. */
  constructor(max_frame_bytes: number, on_frame: OnFrame, on_ack?: OnAck) {
    this.#max_frame_bytes = max_frame_bytes;
    this.#on_frame = on_frame;
    this.#on_ack = on_ack;
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
   * Takes the next bytes of the stream: those of `bytes` before `end`.
   * @throws ProtocolError (PARJOB_ERR_PROTOCOL) when a frame is larger than may be
   */
  push(bytes: Buffer, end = bytes.length): void {
    let at = 0;
    while (at < end) {
      const open = this.#attachments.at(-1);
      if (open !== undefined) {
        const count = Math.min(open.byteLength - this.#attachment_filled, end - at);
        open.set(bytes.subarray(at, at + count), this.#attachment_filled);
        at += count;
        this.filled(count);
      } else if (this.#partial !== undefined) {
        at = this.#fill_partial(bytes, at, end);
      } else {
        at = this.#read_in_place(bytes, at, end);
      }
    }
  }

  /** A frame that lies whole in `bytes` is handed over without a copy; the start of another is kept. */
  #read_in_place(bytes: Buffer, at: number, end: number): number {
    const left = end - at;
    const whole = left < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : this.#head_bytes(bytes, at);
    if (left < whole) {
      this.#partial = Buffer.allocUnsafeSlow(whole);
      this.#partial_filled = bytes.copy(this.#partial, 0, at, end);
      return end;
    }
    this.#on_head(bytes, at, at + whole, false);
    return at + whole;
  }

  #fill_partial(bytes: Buffer, at: number, end: number): number {
    let partial = this.#partial as Buffer;
    if (this.#partial_filled < FRAME_HEADER_BYTES) {
      const count = bytes.copy(
        partial,
        this.#partial_filled,
        at,
        Math.min(end, at + FRAME_HEADER_BYTES - this.#partial_filled),
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
    const count = bytes.copy(partial, this.#partial_filled, at, end);
    this.#partial_filled += count;
    if (this.#partial_filled === partial.length) {
      this.#partial = undefined;
      this.#partial_filled = 0;
      this.#on_head(partial, 0, partial.length, true);
    }
    return at + count;
  }

  /** Header, body and table of a frame are there, as `bytes[start, end)`; `is_ours` when no other read writes there. */
  #on_head(bytes: Buffer, start: number, end: number, is_ours: boolean): void {
    const count = bytes.readUInt32BE(start + 4);
    if (bytes.readUInt32BE(start) === 0) this.#take_ack(count);
    else if (count === 0) this.#on_frame(bytes, start + FRAME_HEADER_BYTES, end, NO_ATTACHMENTS);
    else this.#open_attachments(is_ours ? bytes : Buffer.from(bytes.subarray(start, end)));
  }

  #take_ack(received: number): void {
    if (this.#on_ack === undefined) {
      throw new ProtocolError('a frame without a body came, on a connection that has no acknowledgements');
    }
    this.#on_ack(received);
  }

  /** Length of header, body and table of the frame that starts at `at`; its header is there. */
  #head_bytes(bytes: Buffer, at: number): number {
    const body_bytes = bytes.readUInt32BE(at);
    if (body_bytes === 0) return FRAME_HEADER_BYTES;
    const attachments = bytes.readUInt32BE(at + 4);
    if (attachments > MAX_ATTACHMENTS) {
      throw new ProtocolError(
        `a frame came with ${attachments} attachments: this is noise, the most is ${MAX_ATTACHMENTS}`,
      );
    }
    const head_bytes = FRAME_HEADER_BYTES + body_bytes + attachments * LENGTH_BYTES;
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
    this.#attachments = [take_memory(lengths[0] ?? 0)];
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
      open = take_memory(this.#lengths[this.#attachments.length] ?? 0);
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
