/** FarCall: the far end of one call, with the bytes that go either way in it. */
import { Deferred } from '../../base/deferred.js';
import { give_memory_back } from '../../base/spare_memory.js';
import { type ToNear, WINDOW_BYTES } from './messages.js';

export class FarCall {
  readonly id: number;
  readonly #post: (message: ToNear) => void;
  readonly #controller = new AbortController();
  readonly #arrived: Uint8Array[] = [];
  #has_ended = false;
  #source_error: Error | undefined;
  #waiting: Deferred<void> | undefined;
  /** What was sent and not taken. */
  readonly #sent: Uint8Array[] = [];
  #untaken = 0;
  #room: Deferred<void> | undefined;

  constructor(id: number, post: (message: ToNear) => void) {
    this.id = id;
    this.#post = post;
  }

  /** Aborted when the master does not want the result any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the master sends, to be read once; each chunk is good until the next one is asked for. @throws Error when its source failed, or the call is aborted */
  async *incoming(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#arrived.shift();
      if (bytes !== undefined) {
        yield bytes;
        this.#post({ kind: 'taken', id: this.id, bytes: bytes.byteLength });
        give_memory_back(bytes);
        continue;
      }
      this.signal.throwIfAborted();
      if (this.#source_error !== undefined) throw this.#source_error;
      if (this.#has_ended) return;
      this.#waiting = new Deferred();
      await this.#waiting.promise;
    }
  }

  /** Sends bytes, which are its own from then on; waits while the master has as much to take as it may. */
  async send(bytes: Uint8Array): Promise<void> {
    while (this.#untaken >= WINDOW_BYTES && !this.signal.aborted) {
      this.#room ??= new Deferred();
      await this.#room.promise;
    }
    this.signal.throwIfAborted();
    this.#untaken += bytes.byteLength;
    this.#sent.push(bytes);
    this.#post({ kind: 'chunk', id: this.id, bytes });
  }

  note(value: unknown): void {
    this.#post({ kind: 'note', id: this.id, value });
  }

  // ---- what the master says

  on_chunk(bytes: Uint8Array): void {
    this.#arrived.push(bytes);
    this.#wake();
  }

  on_end(error: string | undefined): void {
    this.#has_ended = true;
    if (error !== undefined) this.#source_error = new Error(error);
    this.#wake();
  }

  on_taken(bytes: number): void {
    this.#untaken -= bytes;
    give_memory_back(this.#sent.shift());
    this.#room?.resolve();
    this.#room = undefined;
  }

  on_abort(reason: string): void {
    this.#controller.abort(new Error(reason));
    this.#wake();
    this.#room?.resolve();
    this.#room = undefined;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
