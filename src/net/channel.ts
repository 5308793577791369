/**
 * Channel: messages over a Link. What is posted in one turn of the event loop leaves as one frame.
 *
 *     post ─▶ BatchWriter ─▶ Link ─▶ FrameReader ─▶ on_frame
 *                   └─▶ Unacked          └─▶ acknowledgement ─▶ Unacked
 *
 * A resumable channel outlives its link: it keeps what it sent until the peer has acknowledged it, and
 * over the next link it sends what the peer has not got. So each frame arrives once and in order, wherever
 * a link was cut. Frames carry no numbers: both ends count them.
 */
import { ProtocolError } from '../errors.js';
import { BatchWriter } from '../wire/batch.js';
import { FRAME_HEADER_BYTES, FrameReader, type OnFrame, write_ack } from '../wire/frame.js';
import type { Link } from './link.js';
import { Unacked } from './unacked.js';

/** A batch that has grown so large leaves at once. */
const FLUSH_BYTES = 256 * 1024;
/** An acknowledgement is due after so many frames: rare enough to cost nothing, and what the peer keeps of small frames stays small. */
const ACK_FRAMES = 32;
/** Or after so many bytes: what a peer keeps for a link that is quiet is less than this. */
const ACK_BYTES = 1024 * 1024;

/** Where a channel stands. */
type State =
  /** What is posted leaves. */
  | 'open'
  /** There is a new link; what is posted waits for the peer to say what it has got. */
  | 'resuming'
  /** The link has ended. What is posted waits for `resume`; or is lost, if the channel is not resumable. */
  | 'suspended';

export interface ChannelOptions {
  readonly max_frame_bytes: number;
  readonly on_frame: OnFrame;
  /** Whether the channel can go on over another link. Both ends must agree. */
  readonly is_resumable: boolean;
  /** The peer resumes a channel of which this end knows nothing yet: its first link broke early. @default false */
  readonly is_resuming?: boolean;
}

export class Channel {
  /**
   * Called when the link has ended by itself, with what ended it; undefined when one side closed it in good
   * order. A resumable channel is told so of each link, and can `resume` from then on.
   */
  on_close: ((error: Error | undefined) => void) | undefined;
  /** Called when the peer too goes on over the link that `resume` was given; until then it may still refuse. */
  on_resume: (() => void) | undefined;
  readonly #options: ChannelOptions;
  readonly #writer = new BatchWriter();
  readonly #unacked: Unacked | undefined;
  readonly #flush_now = () => this.flush();
  readonly #ack_now = () => {
    if (this.#is_ack_due && this.#state === 'open') this.#send_ack();
  };
  #link: Link;
  #state: State = 'suspended';
  #is_flush_due = false;
  /** Frames that the peer has acknowledged, and that came from it, modulo 2^32. */
  #acked = 0;
  #received = 0;
  /** Of what came, that which was not acknowledged. */
  #untold_frames = 0;
  #untold_bytes = 0;
  #is_ack_due = false;

  /** `rest` is what came with the handshake. */
  constructor(link: Link, options: ChannelOptions, rest: Buffer) {
    this.#options = options;
    this.#unacked = options.is_resumable ? new Unacked() : undefined;
    this.#link = link;
    if (options.is_resuming === true) this.resume(link, rest);
    else this.#connect('open', rest);
  }

  /** The link that it has, or had last. */
  get link(): Link {
    return this.#link;
  }

  /** True while what is posted does not leave. */
  get is_suspended(): boolean {
    return this.#state !== 'open';
  }

  /** Bytes that were posted and that the peer has not acknowledged. Without further traffic they may stay at ACK_BYTES. */
  get unacked_bytes(): number {
    return this.#unacked?.bytes ?? 0;
  }

  /** Before a message with a value of so many bytes is written: what waits leaves first, if the two are too much for one frame. */
  make_room(bytes: number): void {
    if (this.#writer.byte_length + bytes > FLUSH_BYTES) this.flush();
  }

  /** For writing one message into the next frame; call `posted` after it. */
  get writer(): BatchWriter {
    return this.#writer;
  }

  /** A message was written: it leaves at the end of this turn, or now if there is much. */
  posted(): void {
    if (this.#writer.byte_length > FLUSH_BYTES) {
      this.flush();
    } else if (!this.#is_flush_due) {
      this.#is_flush_due = true;
      process.nextTick(this.#flush_now);
    }
  }

  /** Sends what was written, now. */
  flush(): void {
    this.#is_flush_due = false;
    const writer = this.#writer;
    if (writer.is_empty) return;
    const parts = writer.take();
    this.#unacked?.add(parts);
    if (this.#state !== 'open') return writer.recycle(true);
    if (this.#is_ack_due) {
      parts[0] = writer.head_after_ack(parts[0], this.#received);
      this.#told();
    }
    writer.recycle(this.#link.send(parts));
  }

  /** Lets go of the link, without a call of `on_close`: from now on what is posted waits for `resume`. */
  suspend(): void {
    this.#state = 'suspended';
    this.#link.destroy();
  }

  /**
   * Goes on over another link to the same peer, whose channel does the same. A channel that is not resumable
   * starts anew there: what was on the way is lost. `rest` is what came with the handshake.
   */
  resume(link: Link, rest: Buffer): void {
    if (link !== this.#link) this.suspend();
    this.#link = link;
    if (this.#unacked === undefined) return this.#connect('open', rest);
    this.#connect('resuming', rest);
    this.#send_ack();
  }

  #connect(state: State, rest: Buffer): void {
    const link = this.#link;
    this.#state = state;
    link.on_close = (error) => this.#on_link_close(link, error);
    // it may have ended unheard
    if (link.is_closed) setImmediate(() => this.#on_link_close(link, undefined));
    const reader = this.#reader(link);
    link.read_with(reader);
    if (rest.length === 0) return;
    const copy = Buffer.from(rest);
    process.nextTick(() => {
      try {
        reader.push(copy);
      } catch (error) {
        link.destroy(error as Error);
      }
    });
  }

  /** Each link has a reader of its own: of a frame that was cut the whole comes again. */
  #reader(link: Link): FrameReader {
    const { max_frame_bytes, on_frame, is_resumable } = this.#options;
    const take_frame: OnFrame = (bytes, start, end, attachments) => {
      if (!this.#has(link)) return;
      if (is_resumable) this.#take_frame(bytes, start, end, attachments);
      else on_frame(bytes, start, end, attachments);
    };
    const take_ack = (received: number) => {
      if (this.#has(link)) this.#take_ack(received);
    };
    return new FrameReader(max_frame_bytes, take_frame, is_resumable ? take_ack : undefined);
  }

  /** What a former link still brings does not count: it comes again over the next. */
  #has(link: Link): boolean {
    return this.#link === link && this.#state !== 'suspended';
  }

  #on_link_close(link: Link, error: Error | undefined): void {
    if (!this.#has(link)) return;
    this.#state = 'suspended';
    this.on_close?.(error);
  }

  #take_frame(bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]): void {
    if (this.#state === 'resuming')
      throw new ProtocolError(
        'a frame came before the acknowledgement with which a resumed connection begins',
      );
    this.#received = (this.#received + 1) >>> 0;
    this.#untold_frames++;
    this.#untold_bytes += end - start;
    for (const attachment of attachments) this.#untold_bytes += attachment.byteLength;
    if (this.#untold_frames >= ACK_FRAMES || this.#untold_bytes >= ACK_BYTES) this.#is_ack_due = true;
    this.#options.on_frame(bytes, start, end, attachments);
    // only now: what was posted because of the frame leaves first, and takes the acknowledgement along
    if (this.#is_ack_due) process.nextTick(this.#ack_now);
  }

  #take_ack(received: number): void {
    const unacked = this.#unacked as Unacked;
    const count = (received - this.#acked) >>> 0;
    if (count > unacked.frames) {
      const sent = (this.#acked + unacked.frames) >>> 0;
      throw new ProtocolError(
        `the peer acknowledged ${received} frames, but ${sent} were sent and it had acknowledged ${this.#acked} before`,
      );
    }
    this.#acked = received;
    unacked.release(count);
    if (this.#state !== 'resuming') return;
    this.#state = 'open';
    if (unacked.frames > 0) this.#link.send(unacked.parts());
    this.on_resume?.();
  }

  #send_ack(): void {
    const ack = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    write_ack(ack, 0, this.#received);
    this.#told();
    this.#link.send([ack]);
  }

  #told(): void {
    this.#untold_frames = 0;
    this.#untold_bytes = 0;
    this.#is_ack_due = false;
  }
}
