/** Pipe: bytes that one side puts in as they come and the other reads as an iterable; who puts in waits for who reads. */
import { Deferred } from '../base/deferred.js';

export class Pipe {
  readonly #waiting: { bytes: Uint8Array; taken: Deferred<void> }[] = [];
  #arrival: Deferred<void> | undefined;
  #has_ended = false;
  #error: Error | undefined;
  #is_abandoned = false;
  /** Bytes that were put in. */
  size = 0;

  /** Resolves when they are read. @throws Error when the reader has gone away */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.#is_abandoned) throw new Error('nobody reads this any more');
    this.size += bytes.byteLength;
    const taken = new Deferred<void>();
    this.#waiting.push({ bytes, taken });
    this.#wake();
    await taken.promise;
  }

  end(): void {
    this.#has_ended = true;
    this.#wake();
  }

  /** The reader gets `error` behind what was put in. */
  fail(error: Error): void {
    this.#error ??= error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          yield next.bytes;
          next.taken.resolve();
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#has_ended) {
          return;
        } else {
          this.#arrival = new Deferred();
          await this.#arrival.promise;
        }
      }
    } finally {
      this.#is_abandoned = true;
      for (const { taken } of this.#waiting.splice(0)) taken.resolve();
    }
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
