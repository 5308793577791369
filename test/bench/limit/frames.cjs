/**
 * Frames of the bare loop: u32 length (big endian) + body, cut out of a stream that comes in pieces of any size.
 *
 * Both ends use this file, so it is CommonJS: that starts faster, and the bare loop is to be the fastest loop there is.
 * Nothing here knows of sockets or msgpack.
 */
'use strict';

const HEADER_BYTES = 4;
exports.HEADER_BYTES = HEADER_BYTES;

/** A body up to this is copied behind its header, a larger one is written as it stands. */
const COPY_BYTES = 16 * 1024;

exports.write_frame = function write_frame(socket, body) {
  const is_copied = body.length <= COPY_BYTES;
  const head = Buffer.allocUnsafe(HEADER_BYTES + (is_copied ? body.length : 0));
  head.writeUInt32BE(body.length, 0);
  if (is_copied) {
    head.set(body, HEADER_BYTES);
    socket.write(head);
  } else {
    socket.cork();
    socket.write(head);
    socket.write(body);
    socket.uncork();
  }
};

/**
 * Calls `on_frame(source, start, end)` for each whole body. `source` is either what was read, and then only valid during
 * the call, or a buffer that holds the body alone.
 */
exports.FrameReader = class FrameReader {
  #on_frame;
  // A frame of which only a part has come, in a buffer that the whole of it fits, and how much of it is there.
  #partial = null;
  #filled = 0;
  // The first bytes of a length that was cut in two.
  #header = Buffer.alloc(HEADER_BYTES);
  #header_filled = 0;

  constructor(on_frame) {
    this.#on_frame = on_frame;
  }

  /** Takes in the first `length` bytes of `chunk`. */
  read(chunk, length) {
    let at = 0;
    while (at < length) {
      if (this.#partial !== null) {
        const part = Math.min(this.#partial.length - this.#filled, length - at);
        chunk.copy(this.#partial, this.#filled, at, at + part);
        this.#filled += part;
        at += part;
        if (this.#filled < this.#partial.length) return;
        const whole = this.#partial;
        this.#partial = null;
        this.#on_frame(whole, 0, whole.length);
      } else if (this.#header_filled > 0 || length - at < HEADER_BYTES) {
        const part = Math.min(HEADER_BYTES - this.#header_filled, length - at);
        chunk.copy(this.#header, this.#header_filled, at, at + part);
        this.#header_filled += part;
        at += part;
        if (this.#header_filled < HEADER_BYTES) return;
        this.#header_filled = 0;
        this.#start_partial(this.#header.readUInt32BE(0));
      } else {
        const start = at + HEADER_BYTES;
        const end = start + chunk.readUInt32BE(at);
        if (end <= length) {
          at = end;
          this.#on_frame(chunk, start, end);
        } else {
          at = start;
          this.#start_partial(end - start);
        }
      }
    }
  }

  #start_partial(length) {
    this.#partial = Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
  }
};
