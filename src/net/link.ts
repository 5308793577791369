/**
 * Link: a two-way stream of bytes to one peer. TCP is the real one (tcp_link.ts), a pair joined in
 * memory the one for tests (memory_link.ts); both keep the contract of test/contract/link.contract.ts.
 */

/** Takes the bytes of a link. wire's FrameReader is one. */
export interface ByteReader {
  /** A buffer that the next bytes belong in, if they belong in one of their own. */
  readonly destination?: Uint8Array | undefined;
  /** So many bytes were read into `destination`. */
  filled?(count: number): void;
  /**
   * The next bytes: those of `bytes` before `end`. The buffer is overwritten after the return, and is the
   * same one each time if it can be: what a decoder keeps on it (msgpackr its DataView) is made once.
   * A throw ends the link with that error.
   */
  push(bytes: Buffer, end: number): void;
}

export interface Link {
  /** The peer's address, for people. */
  readonly peer: string;
  /** Bytes handed to `send` that have not left; 0 when the link has ended. */
  readonly unsent_bytes: number;
  /** True from the end of the link on. */
  readonly is_closed: boolean;
  /** Sends `parts` in order. True when they have left and their buffers may be used again. */
  send(parts: readonly Uint8Array[]): boolean;
  /** From now on `reader` takes the bytes. */
  read_with(reader: ByteReader): void;
  /** Called once, with what ended the link; undefined when one side closed it in good order. */
  on_close: ((error: Error | undefined) => void) | undefined;
  /** Takes no more bytes: they stay with the system, which lets the peer wait. */
  stop_reading(): void;
  /** Closes after what was sent has left. */
  close(): void;
  /** Closes now. What has not left is lost. */
  destroy(error?: Error): void;
  /** Whether this link keeps the process alive. */
  set_ref(keeps_alive: boolean): void;
}
