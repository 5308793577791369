/**
 * A pair of Links joined in memory, for tests: bytes arrive in a later turn, copied, in pieces of any
 * size that `cut` gives.
 */
import type { ByteReader, Link } from './link.js';

export class MemoryLink implements Link {
  on_close: ((error: Error | undefined) => void) | undefined;
  readonly peer: string;
  readonly #cut: (left: number) => number;
  #other: MemoryLink | undefined;
  #reader: ByteReader | undefined;
  #is_closed = false;
  #unsent = 0;

  private constructor(peer: string, cut: (left: number) => number) {
    this.peer = peer;
    this.#cut = cut;
  }

  /** Two links, each the other's peer. `cut` says how many of the bytes left arrive at once. */
  static pair(cut: (left: number) => number = (left) => left): [MemoryLink, MemoryLink] {
    const [a, b] = [new MemoryLink('memory:b', cut), new MemoryLink('memory:a', cut)];
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  get unsent_bytes(): number {
    return this.#is_closed ? 0 : this.#unsent;
  }

  get is_closed(): boolean {
    return this.#is_closed;
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#is_closed) return true;
    const bytes = Buffer.concat(parts);
    this.#unsent += bytes.length;
    setImmediate(() => {
      this.#unsent -= bytes.length;
      const other = this.#other;
      if (other !== undefined) other.#receive(bytes);
    });
    return false;
  }

  read_with(reader: ByteReader): void {
    this.#reader = reader;
  }

  stop_reading(): void {
    this.#reader = undefined;
  }

  close(): void {
    setImmediate(() => this.destroy());
  }

  destroy(error?: Error): void {
    if (this.#is_closed) return;
    this.#is_closed = true;
    setImmediate(() => {
      this.on_close?.(error);
      this.#other?.destroy();
    });
  }

  set_ref(): void {}

  #receive(bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length && !this.#is_closed; ) {
        const destination = this.#reader?.destination;
        const count = Math.min(
          Math.max(1, this.#cut(bytes.length - at)),
          bytes.length - at,
          destination?.length ?? Infinity,
        );
        if (destination === undefined) {
          // the same buffer each time, with something else behind the end, as a socket does it
          bytes.copyWithin(0, at, at + count);
          this.#reader?.push(bytes, count);
        } else {
          destination.set(bytes.subarray(at, at + count));
          this.#reader?.filled?.(count);
        }
        at += count;
      }
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
