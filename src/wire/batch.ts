/**
 * Batches: messages gathered in one buffer, to leave as one frame.
 *
 *     room for an ack | frame header | msgpack array of n | message | message | ...        attachments beside
 *
 * A message is a msgpack array, `[kind, ...fields]`. Its small fields are written here byte by byte; a
 * user's value is copied in as value.ts encoded it.
 *
 * Nothing here knows what a kind means, or of sockets.
 */
import { FRAME_HEADER_BYTES, length_table, write_ack, write_frame_header } from './frame.js';

/** msgpack array32: one byte and the count. */
const BATCH_HEADER_BYTES = 5;
/** An acknowledgement that leaves with a frame goes before it, so that the two are one write. */
const FRAME_START = FRAME_HEADER_BYTES;
const BODY_START = FRAME_START + FRAME_HEADER_BYTES;
const START = BODY_START + BATCH_HEADER_BYTES;
/** Room for the small fields of a message. */
const HEADROOM = 64;
/** From here on the native copy is faster. */
const SHORT_COPY = 64;
/** A slab starts small, since there may be a thousand links, and is kept when it has grown to no more than this. */
const FIRST_SLAB_BYTES = 4 * 1024;
export const KEPT_SLAB_BYTES = 64 * 1024;

export class BatchWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(FIRST_SLAB_BYTES);
  #end = START;
  #count = 0;
  #attachments: Uint8Array[] = [];
  #attached_bytes = 0;
  #message_start = START;
  #message_attachments = 0;

  get is_empty(): boolean {
    return this.#count === 0;
  }

  /** Bytes that the frame has so far. */
  get byte_length(): number {
    return this.#end - FRAME_START + this.#attached_bytes;
  }

  /** Begins a message of `fields` fields, the kind among them. */
  message(fields: number, kind: number): void {
    this.#reserve(HEADROOM);
    this.#message_start = this.#end;
    this.#message_attachments = this.#attachments.length;
    this.#slab[this.#end++] = 0x90 | fields;
    this.#slab[this.#end++] = kind;
    this.#count++;
  }

  /** Takes back the message that was begun last: one of its fields could not be written. */
  drop_message(): void {
    this.#end = this.#message_start;
    this.#count--;
    for (const dropped of this.#attachments.splice(this.#message_attachments))
      this.#attached_bytes -= dropped.byteLength;
  }

  /** A whole number from 0 on. */
  uint(value: number): void {
    this.#reserve(9);
    const slab = this.#slab;
    if (value < 0x80) {
      slab[this.#end++] = value;
    } else if (value < 0x10000) {
      slab[this.#end++] = 0xcd;
      slab[this.#end++] = value >>> 8;
      slab[this.#end++] = value;
    } else if (value <= 0xffffffff) {
      slab[this.#end++] = 0xce;
      this.#end = slab.writeUInt32BE(value, this.#end);
    } else {
      slab[this.#end++] = 0xcb;
      this.#end = slab.writeDoubleBE(value, this.#end);
    }
  }

  nil(): void {
    this.#reserve(1);
    this.#slab[this.#end++] = 0xc0;
  }

  /** An encoded value, and its attachments. */
  raw(bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[] | undefined): void {
    const length = end - start;
    this.#reserve(length);
    copy_bytes(bytes, start, end, this.#slab, this.#end);
    this.#end += length;
    if (attachments === undefined) return;
    for (const attachment of attachments) {
      this.#attachments.push(attachment);
      this.#attached_bytes += attachment.byteLength;
    }
  }

  /** Closes the frame and returns its parts in order. They stay good until `recycle(true)`. */
  take(): [head: Buffer, ...rest: Uint8Array[]] {
    const slab = this.#slab;
    write_frame_header(slab, FRAME_START, this.#end - BODY_START, this.#attachments.length);
    slab[BODY_START] = 0xdd;
    slab.writeUInt32BE(this.#count, BODY_START + 1);
    const parts: [Buffer, ...Uint8Array[]] = [slab.subarray(FRAME_START, this.#end)];
    if (this.#attachments.length > 0) parts.push(length_table(this.#attachments), ...this.#attachments);
    this.#attachments = [];
    this.#attached_bytes = 0;
    this.#count = 0;
    this.#end = START;
    return parts;
  }

  /** The first part that `take` returned, with an acknowledgement of `received` frames before it. */
  head_after_ack(head: Buffer, received: number): Buffer {
    write_ack(this.#slab, 0, received);
    return this.#slab.subarray(0, FRAME_START + head.length);
  }

  /** After `take`: whether the parts have left, so that their buffer can serve again. */
  recycle(have_left: boolean): void {
    if (have_left && this.#slab.length <= KEPT_SLAB_BYTES) return;
    this.#slab = Buffer.allocUnsafeSlow(Math.min(this.#slab.length, KEPT_SLAB_BYTES));
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#slab.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#slab.length * 2));
    this.#slab.copy(larger, 0, 0, this.#end);
    this.#slab = larger;
  }
}

/** Copies `from[start, end)` to `target` at `at`. A call of Buffer.copy costs more than a few bytes do. */
export function copy_bytes(from: Buffer, start: number, end: number, target: Buffer, at: number): void {
  if (end - start >= SHORT_COPY) {
    from.copy(target, at, start, end);
    return;
  }
  for (let i = start, to = at; i < end; i++, to++) target[to] = from[i] as number;
}
