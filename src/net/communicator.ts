/**
 * Communicator: one end of a conversation by send_data and get_data; master and slave each hold one.
 *
 * Either may send before the other waits. What the other end has not taken counts, by bytes, against a
 * window; a send beyond it waits, so that no inbox grows without bound.
 */
import { Deferred } from '../base/deferred.js';
import { Ring } from '../base/ring.js';
import { NetworkError, ProtocolError } from '../errors.js';
import { type EncodedValue, encode_value, encoded_bytes } from '../wire/value.js';

/** Bytes that may be under way or wait in the other end's inbox before a send waits. */
const WINDOW_BYTES = 16 * 1024 * 1024;
/** What a message counts for beside its own bytes, and at the least. */
const MESSAGE_BYTES = 64;

/** What the communicator needs of its connection. */
export interface Wire {
  data(bytes: number, value: EncodedValue): void;
  data_taken(bytes: number): void;
}

export interface GetDataOptions {
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal | undefined;
}

interface Arrived {
  value: unknown;
  bytes: number;
}

export class Communicator {
  readonly #wire: Wire;
  readonly #inbox = new Ring<Arrived>();
  readonly #waiting = new Ring<Deferred<unknown>>();
  readonly #blocked = new Ring<Deferred<void>>();
  #in_window = 0;
  /** What waits in the inbox. */
  #inbox_bytes = 0;
  #taken = 0;
  #failures: Error[] = [];
  #closed: Error | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** The other end has as much to take as it may: a send waits. */
  get is_full(): boolean {
    return this.#in_window > WINDOW_BYTES;
  }

  /** Throws what has gone wrong at the other end since the last call. */
  raise_failure(): void {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    if (this.#closed !== undefined) throw this.#closed;
  }

  /** Sends `value`. Resolves when it is on its way and the other end has room for more. */
  async send(value: unknown): Promise<void> {
    this.raise_failure();
    const encoded = encode_value(value, 'data');
    const bytes = encoded_bytes(encoded) + MESSAGE_BYTES;
    this.#wire.data(bytes, encoded);
    this.#in_window += bytes;
    if (!this.is_full) return;
    const room = new Deferred<void>();
    this.#blocked.push(room);
    await room.promise;
  }

  /** The next datum that has arrived, or undefined. */
  take(): { value: unknown } | undefined {
    const arrived = this.#inbox.shift();
    if (arrived === undefined) return undefined;
    this.#inbox_bytes -= Math.max(arrived.bytes, MESSAGE_BYTES);
    this.#count_taken(arrived.bytes);
    return arrived;
  }

  /** The next datum from the other end. */
  async get(options: GetDataOptions = {}): Promise<unknown> {
    const arrived = this.take();
    if (arrived !== undefined) return arrived.value;
    this.raise_failure();
    const { signal } = options;
    signal?.throwIfAborted();
    const answer = new Deferred<unknown>();
    this.#waiting.push(answer);
    if (signal === undefined) return answer.promise;
    const abort = () => {
      this.#waiting.filter_in_place((other) => other !== answer);
      answer.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** @throws ProtocolError (PARJOB_ERR_PROTOCOL) when the other end sends on though its window is full */
  on_data(value: unknown, bytes: number): void {
    const answer = this.#waiting.shift();
    if (answer === undefined) {
      if (this.#inbox_bytes > 2 * WINDOW_BYTES)
        throw new ProtocolError(`the peer sends on though ${this.#inbox_bytes} bytes wait to be taken`);
      this.#inbox_bytes += Math.max(bytes, MESSAGE_BYTES);
      this.#inbox.push({ value, bytes });
    } else {
      this.#count_taken(bytes);
      answer.resolve(value);
    }
  }

  on_data_taken(bytes: number): void {
    this.#in_window -= bytes;
    while (!this.is_full) {
      const room = this.#blocked.shift();
      if (room === undefined) return;
      room.resolve();
    }
  }

  /** Something went wrong at the other end: whoever waits is told, or else the next who calls. */
  fail(error: Error): void {
    if (this.#waiting.length === 0 && this.#blocked.length === 0) this.#failures.push(error);
    this.reject_waiting(error);
    this.#reject_blocked(error);
  }

  reject_waiting(error: Error): void {
    for (let answer = this.#waiting.shift(); answer !== undefined; answer = this.#waiting.shift())
      answer.reject(error);
  }

  /** The connection is gone. What has arrived can still be taken. */
  close(error: Error = new NetworkError('the connection is closed')): void {
    this.#closed = error;
    this.reject_waiting(error);
    this.#reject_blocked(error);
  }

  #reject_blocked(error: Error): void {
    for (let room = this.#blocked.shift(); room !== undefined; room = this.#blocked.shift())
      room.reject(error);
  }

  #count_taken(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < WINDOW_BYTES / 4) return;
    if (this.#closed === undefined) this.#wire.data_taken(this.#taken);
    this.#taken = 0;
  }
}
