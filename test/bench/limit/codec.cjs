/**
 * The codec of the bare loop: one msgpack array a frame, encoded into a slab that is used again for the next frame.
 *
 * `sequential` records: the names of an object's fields go over a connection once. So each connection has its own codec.
 */
'use strict';

// The native part of msgpackr only helps with many strings, and takes longer to load than all the rest.
process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED = 'true';

const { Packr, Unpackr, REUSE_BUFFER_MODE, RESERVE_START_SPACE } = require('msgpackr');
const { HEADER_BYTES } = require('./frames.cjs');

const PACK_OPTIONS = REUSE_BUFFER_MODE | RESERVE_START_SPACE | HEADER_BYTES;

exports.Codec = class Codec {
  #packr = new Packr({ sequential: true, moreTypes: true });
  #unpackr = new Unpackr({ sequential: true, moreTypes: true, copyBuffers: true });
  #slab_bytes;
  #slab;

  constructor(slab_bytes) {
    this.#slab_bytes = slab_bytes;
    this.#slab = Buffer.allocUnsafeSlow(slab_bytes);
  }

  /** Writes `batch` to `socket` as one frame. */
  write(socket, batch) {
    // The kernel has all that was written before only if nothing is waiting; otherwise the slab is still in use.
    if (socket.writableLength > 0) this.#slab = Buffer.allocUnsafeSlow(this.#slab_bytes);
    this.#packr.useBuffer(this.#slab);
    const packed = this.#packr.pack(batch, PACK_OPTIONS);
    const { start, end } = packed;
    packed.writeUInt32BE(end - start - HEADER_BYTES, start);
    socket.write(packed.subarray(start, end));
  }

  read(source, start, end) {
    return this.#unpackr.unpack(source, { start, end });
  }
};
