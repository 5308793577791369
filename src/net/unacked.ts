/**
 * Unacked: the frames that were sent and that the peer has not acknowledged, in order, so that they can
 * be sent again over another link.
 *
 *     buffer   [ . . . frame | frame | stand-in | frame . . . . ]        large   [ parts of the frame ]
 *                      ▲ start                          ▲ end
 *
 * Small frames are copied one after another into one buffer, which costs no allocation. Of a frame with
 * attachments or with a large body the parts are kept, and a stand-in holds its place: a header without
 * a body, which no frame has.
 *
 * Nothing here knows of links.
 */
import { Ring } from '../base/ring.js';
import { copy_bytes, KEPT_SLAB_BYTES } from '../wire/batch.js';
import { FRAME_HEADER_BYTES, write_frame_header } from '../wire/frame.js';

/** There may be a thousand links, and most of them have little on the way. */
const FIRST_BYTES = 4 * 1024;
/** A buffer above this is given back as soon as it has emptied; one below it when little was in it for some time. */
const KEPT_BYTES = 256 * 1024;
/** A buffer is too large when it is so many times as large as what is in it. */
const TOO_LARGE = 4;

interface LargeFrame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

export class Unacked {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #start = 0;
  #end = 0;
  readonly #large = new Ring<LargeFrame>();
  #large_bytes = 0;
  #frames = 0;
  /** The most that was in the buffer at an acknowledgement; falls by a quarter with each. */
  #usual = 0;

  /** How many frames they are. */
  get frames(): number {
    return this.#frames;
  }

  /** How much memory of theirs is held. */
  get bytes(): number {
    return this.#end - this.#start + this.#large_bytes;
  }

  /** Size of the buffer for small frames. */
  get buffer_bytes(): number {
    return this.#buffer.length;
  }

  /** Keeps a frame, as BatchWriter.take gave it. */
  add(parts: readonly [head: Buffer, ...rest: Uint8Array[]]): void {
    this.#frames++;
    const [head] = parts;
    // a slab that large is never written to again: see BatchWriter.recycle
    const is_own = head.length > KEPT_SLAB_BYTES;
    if (parts.length > 1 || is_own) return this.#add_large(is_own ? head : Buffer.from(head), parts);
    this.#reserve(head.length);
    copy_bytes(head, 0, head.length, this.#buffer, this.#end);
    this.#end += head.length;
  }

  /** Forgets the first `count` frames: the peer has them. */
  release(count: number): void {
    this.#usual = Math.max(this.#end - this.#start, this.#usual - (this.#usual >> 2));
    this.#frames -= count;
    for (let left = count; left > 0; left--) {
      const body_bytes = this.#buffer.readUInt32BE(this.#start);
      this.#start += FRAME_HEADER_BYTES + body_bytes;
      if (body_bytes === 0) this.#large_bytes -= this.#large.shift()?.bytes ?? 0;
    }
    if (this.#start === this.#end) this.#start = this.#end = 0;
    this.#shrink();
  }

  /** All frames in order, as parts to be sent. They stay good whatever is done here. */
  parts(): Uint8Array[] {
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    const parts: Uint8Array[] = [];
    const large = this.#large[Symbol.iterator]();
    let [from, at] = [0, 0];
    while (at < bytes.length) {
      const body_bytes = bytes.readUInt32BE(at);
      if (body_bytes === 0) {
        if (at > from) parts.push(bytes.subarray(from, at));
        parts.push(...(large.next().value as LargeFrame).parts);
        from = at + FRAME_HEADER_BYTES;
      }
      at += FRAME_HEADER_BYTES + body_bytes;
    }
    if (at > from) parts.push(bytes.subarray(from, at));
    return parts;
  }

  #add_large(head: Buffer, [, ...rest]: readonly [Buffer, ...Uint8Array[]]): void {
    let bytes = head.length;
    for (const part of rest) bytes += part.byteLength;
    this.#large.push({ parts: [head, ...rest], bytes });
    this.#large_bytes += bytes;
    this.#reserve(FRAME_HEADER_BYTES);
    write_frame_header(this.#buffer, this.#end, 0, 0);
    this.#end += FRAME_HEADER_BYTES;
  }

  /** Makes room for `bytes` more: by moving what is there to the front if that frees half of the buffer, else by doubling. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const needed = this.#end - this.#start + bytes;
    let size = this.#buffer.length;
    while (size < 2 * needed) size *= 2;
    this.#move(size);
  }

  #shrink(): void {
    const size = this.#buffer.length;
    const is_huge = size > KEPT_BYTES;
    const used = is_huge ? this.#end - this.#start : this.#usual;
    if (size <= FIRST_BYTES || used * TOO_LARGE >= size) return;
    let smaller = is_huge ? KEPT_BYTES : FIRST_BYTES;
    while (smaller < 2 * used) smaller *= 2;
    this.#move(smaller);
  }

  /** Puts what is there to the front of a buffer of `size`. */
  #move(size: number): void {
    const from = this.#buffer;
    if (size !== from.length) this.#buffer = Buffer.allocUnsafeSlow(size);
    from.copy(this.#buffer, 0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }
}
