/**
 * Channel: messages over a Link. What is posted in one turn of the event loop leaves as one frame.
 *
 *     post ─▶ BatchWriter ─▶ Link ─▶ FrameReader ─▶ on_messages
 */
import { BatchWriter } from '../wire/batch.js';
import { FrameReader, type OnFrame } from '../wire/frame.js';
import type { Link } from './link.js';

/** A batch that has grown so large leaves at once. */
const FLUSH_BYTES = 256 * 1024;

export class Channel {
  readonly link: Link;
  readonly #writer = new BatchWriter();
  readonly #flush_now = () => this.flush();
  #is_flush_due = false;

  /** `rest` is what came with the handshake. Closing is told to `link.on_close`. */
  constructor(link: Link, max_frame_bytes: number, on_frame: OnFrame, rest: Buffer) {
    this.link = link;
    const reader = new FrameReader(max_frame_bytes, on_frame);
    link.read_with(reader);
    if (rest.length > 0) {
      const copy = Buffer.from(rest);
      process.nextTick(() => {
        try {
          reader.push(copy);
        } catch (error) {
          link.destroy(error as Error);
        }
      });
    }
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
    writer.recycle(this.link.send(writer.take()));
  }
}
