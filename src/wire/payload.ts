/**
 * Payloads: encoded arguments of tasks that wait, packed into shared chunks.
 *
 * A million small tasks would otherwise need a million buffers. A chunk is freed with the last payload
 * that lies in it. Attachments are kept by reference: they are not copied until they are sent.
 */
import { copy_bytes } from './batch.js';
import { type EncodedValue, encoded_bytes, type Form } from './value.js';

const CHUNK_BYTES = 64 * 1024;
/** A larger payload gets a chunk of its own. */
const SHARED_BYTES = 8 * 1024;

export class Payload implements EncodedValue {
  readonly form: Form;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly attachments: readonly Uint8Array[] | undefined;

  constructor(
    form: Form,
    bytes: Buffer,
    start: number,
    end: number,
    attachments: readonly Uint8Array[] | undefined,
  ) {
    this.form = form;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.attachments = attachments;
  }

  get byte_length(): number {
    return encoded_bytes(this);
  }
}

/** Copies encoded values into chunks. */
export class PayloadStore {
  #chunk: Buffer | undefined;
  #end = 0;

  store({ form, bytes, start, end, attachments }: EncodedValue): Payload {
    const length = end - start;
    if (length > SHARED_BYTES) {
      const own = Buffer.allocUnsafeSlow(length);
      bytes.copy(own, 0, start, end);
      return new Payload(form, own, 0, length, attachments);
    }
    if (this.#chunk === undefined || this.#end + length > CHUNK_BYTES) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#end = 0;
    }
    const at = this.#end;
    copy_bytes(bytes, start, end, this.#chunk, at);
    this.#end += length;
    return new Payload(form, this.#chunk, at, this.#end, attachments);
  }
}
