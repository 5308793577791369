/** Round trips: what comes out at the far end of the wire. */
import type { BatchWriter } from '../../src/wire/batch.js';
import { FrameReader, type OnFrame } from '../../src/wire/frame.js';
import { AttachmentCursor } from '../../src/wire/restore.js';
import { decode_value, encode_value, unpack } from '../../src/wire/value.js';
import { pieces } from './cuts.js';

/** `value`, encoded and decoded, with attachments as a FrameReader hands them over. */
export function round_trip(value: unknown, lenient = false): unknown {
  const { form, bytes, start, end, attachments } = encode_value(value, 'value', lenient);
  const arrived = (attachments ?? []).map((bytes) => {
    const own = Buffer.allocUnsafeSlow(bytes.byteLength);
    own.set(bytes);
    return own;
  });
  const body = Buffer.from(bytes.subarray(start, end));
  return decode_value(form, unpack(body, 0, body.length), new AttachmentCursor(arrived));
}

type ReadFrame<Message> = (...frame: Parameters<OnFrame>) => Message[];

/** The messages that were written, after their way through a stream that is cut into pieces. */
export function deliver<Message>(
  writer: BatchWriter,
  read: ReadFrame<Message>,
  cuts: readonly number[] = [2 ** 30],
): Message[] {
  const messages: Message[] = [];
  const reader = new FrameReader(2 ** 30, (...frame) => messages.push(...read(...frame)));
  const stream = Buffer.concat(writer.take());
  writer.recycle(true);
  for (const piece of pieces(stream, cuts)) {
    reader.push(piece);
    piece.fill(0xee);
  }
  if (!reader.is_idle) throw new Error('the last frame is not complete');
  return messages;
}
