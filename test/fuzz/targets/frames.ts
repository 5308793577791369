/** Frames: a FrameReader, fed with a stream in pieces of any size, as a socket does it. */
import { ProtocolError } from '../../../src/errors.js';
import {
  FRAME_HEADER_BYTES,
  FrameReader,
  length_table,
  type OnFrame,
  write_ack,
  write_frame_header,
} from '../../../src/wire/frame.js';
import type { Random } from '../random.js';
import { type Input, insist, is_taken, type Target } from '../target.js';

const MAX_FRAME_BYTES = 16 * 1024;
/** What a frame that was read may cost beyond its own bytes: a few objects an attachment. */
const MAX_BYTES = 2 * 2 ** 20;

const SHARED = Buffer.alloc(64 * 1024, 0xee);

/** What has come out of a reader, in numbers that can be compared. */
interface Seen {
  frames: number;
  digest: number;
  is_taken: boolean;
}

function frame_of(body_bytes: number, attachments: readonly number[]): Buffer {
  const filled = (bytes: number, fill: number) => Buffer.alloc(bytes, fill);
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  write_frame_header(header, 0, body_bytes, attachments.length);
  const binaries = attachments.map((bytes, i) => filled(bytes, 0xb0 + i));
  return Buffer.concat([header, filled(body_bytes, 0xaa), length_table(binaries), ...binaries]);
}

function ack_of(received: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  write_ack(bytes, 0, received);
  return bytes;
}

const FRAMES: readonly Buffer[] = [
  ack_of(32),
  frame_of(1, []),
  frame_of(40, []),
  frame_of(300, []),
  frame_of(5, [1]),
  frame_of(20, [7, 0, 9]),
  frame_of(1, [0, 0]),
  ack_of(2 ** 32 - 1),
  frame_of(12, [100, 30]),
];

const STREAMS: readonly Input[] = [
  ...FRAMES.map((bytes) => ({ bytes })),
  { bytes: Buffer.concat(FRAMES) },
  { bytes: Buffer.concat([frame_of(3, []), ack_of(1), frame_of(3, [4]), frame_of(3, [])]) },
];

export const frames_target = (): Target => ({
  name: 'frames',
  layout: 'binary',
  samples: STREAMS,
  max_bytes: MAX_BYTES,
  run({ bytes }: Input, random: Random): boolean {
    const whole = read_in_pieces(bytes, () => bytes.length);
    const most = random.pick([1, 9, 40, 5000]);
    const cut = read_in_pieces(bytes, () => 1 + random.below(most));
    insist(
      whole.frames === cut.frames && whole.digest === cut.digest && whole.is_taken === cut.is_taken,
      'what frames are read depends on the pieces that they came in',
    );
    return whole.is_taken;
  },
});

/** `next_size` says how many bytes come at once. They are overwritten when they were read. */
function read_in_pieces(stream: Buffer, next_size: () => number): Seen {
  const seen: Seen = { frames: 0, digest: 0, is_taken: false };
  const kept: Uint8Array[] = [];
  let [at, handed_over] = [0, 0];
  const on_frame: OnFrame = (bytes, start, end, attachments) => {
    insist(start >= 0 && start <= end && end <= bytes.length, 'a body ends outside of its buffer');
    let size = FRAME_HEADER_BYTES + end - start;
    for (const attachment of attachments) size += 8 + attachment.byteLength;
    insist(size <= MAX_FRAME_BYTES, 'a frame is larger than max_frame_bytes');
    handed_over += size;
    insist(handed_over <= at, 'more was handed over than has come');
    seen.frames++;
    seen.digest = digest_of(bytes.subarray(start, end), seen.digest);
    kept.push(...attachments);
  };
  const on_ack = (received: number) => {
    handed_over += FRAME_HEADER_BYTES;
    insist(handed_over <= at, 'more was handed over than has come');
    seen.digest = Math.imul(seen.digest ^ received, 0x01000193);
  };
  const reader = new FrameReader(MAX_FRAME_BYTES, on_frame, on_ack);
  seen.is_taken = is_taken(ProtocolError, () => {
    while (at < stream.length) {
      const { destination } = reader;
      if (destination !== undefined) {
        insist(destination.length > 0, 'a destination takes no bytes');
        insist(destination.length <= MAX_FRAME_BYTES, 'a destination is larger than max_frame_bytes');
      }
      const size = Math.min(next_size(), stream.length - at, destination?.length ?? Infinity);
      const piece = stream.subarray(at, at + size);
      at += size;
      if (destination === undefined) {
        // one buffer for all reads, as a link has it
        SHARED.set(piece);
        reader.push(SHARED, size);
        SHARED.fill(0xee, 0, size);
      } else {
        destination.set(piece);
        reader.filled(size);
      }
    }
  });
  for (const attachment of kept) seen.digest = digest_of(attachment, seen.digest);
  return seen;
}

function digest_of(bytes: Uint8Array, before: number): number {
  let digest = Math.imul(before ^ bytes.length, 0x01000193);
  for (let i = 0; i < bytes.length && i < 512; i++)
    digest = Math.imul(digest ^ (bytes[i] as number), 0x01000193);
  return digest;
}
