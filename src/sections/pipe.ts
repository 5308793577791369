/** Pipe: bytes that one side puts in as they come and the other reads as an iterable; who puts in waits for who reads. */
import { Deferred } from '../base/deferred.js';

export class Pipe implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #waiting: { bytes: Uint8Array; taken: Deferred<void> }[] = [];
  /** What is read from it at present is done with when more is asked for. */
  #read: Deferred<void> | undefined;
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

  /** There is one reader. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#read?.resolve();
    this.#read = undefined;
    for (;;) {
      const next = this.#is_abandoned ? undefined : this.#waiting.shift();
      if (next !== undefined) {
        this.#read = next.taken;
        return { done: false, value: next.bytes };
      }
      if (!this.#is_abandoned && this.#error !== undefined) {
        this.#abandon();
        throw this.#error;
      }
      if (this.#has_ended || this.#is_abandoned) {
        this.#abandon();
        return { done: true, value: undefined };
      }
      this.#arrival = new Deferred();
      await this.#arrival.promise;
    }
  }

  /** The reader goes away, even if it has not begun to read. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#abandon();
    this.#wake();
    return { done: true, value: undefined };
  }

  #abandon(): void {
    this.#is_abandoned = true;
    this.#read?.resolve();
    this.#read = undefined;
    for (const { taken } of this.#waiting.splice(0)) taken.resolve();
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
