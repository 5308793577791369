import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import {
  FRAME_HEADER_BYTES,
  FrameReader,
  length_table,
  write_ack,
  write_frame_header,
} from '../../src/wire/frame.js';
import { any_cuts, pieces } from '../kit/cuts.js';

interface Frame {
  body: Uint8Array;
  attachments: Uint8Array[];
}

const any_frame: fc.Arbitrary<Frame> = fc.record({
  body: fc.uint8Array({ minLength: 1, maxLength: 200 }),
  attachments: fc.oneof(
    fc.constant<Uint8Array[]>([]),
    fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }),
  ),
});

function frame_bytes({ body, attachments }: Frame): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  write_frame_header(header, 0, body.length, attachments.length);
  return Buffer.concat([header, body, length_table(attachments), ...attachments]);
}

/** What has come out of a reader, as text, to be compared fast. */
function show({ body, attachments }: Frame): string {
  return [body, ...attachments].map((bytes) => Buffer.from(bytes).toString('hex')).join(' ');
}

function ack_bytes(received: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  write_ack(bytes, 0, received);
  return bytes;
}

/** What comes out of a reader: frames, and acknowledgements as their numbers. */
function collector(max_frame_bytes = 2 ** 20): { reader: FrameReader; frames: (string | number)[] } {
  const frames: (string | number)[] = [];
  const reader = new FrameReader(
    max_frame_bytes,
    (bytes, start, end, attachments) => {
      frames.push(show({ body: bytes.subarray(start, end), attachments: [...attachments] }));
    },
    (received) => frames.push(received),
  );
  return { reader, frames };
}

/** Feeds a reader as a socket does that reads into `destination` when there is one. */
function feed_in_place(reader: FrameReader, stream: Buffer, cuts: readonly number[]): void {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const { destination } = reader;
    const size = Math.min(cuts[i % cuts.length] ?? 1, stream.length - at, destination?.length ?? Infinity);
    const piece = stream.subarray(at, at + size);
    at += size;
    if (destination === undefined) {
      reader.push(Buffer.from(piece));
    } else {
      destination.set(piece);
      reader.filled(size);
    }
  }
}

function header(body_bytes: number, attachments: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  write_frame_header(bytes, 0, body_bytes, attachments);
  return bytes;
}

describe('a frame reader', () => {
  it('hands over every frame whole and in order, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(any_frame, { maxLength: 8 }), any_cuts, (frames, cuts) => {
        const stream = Buffer.concat(frames.map(frame_bytes));
        const pushed = collector();
        for (const piece of pieces(stream, cuts)) {
          pushed.reader.push(piece);
          piece.fill(0xee);
        }
        expect(pushed.frames).toEqual(frames.map(show));
        expect(pushed.reader.is_idle).toBe(true);
        const placed = collector();
        feed_in_place(placed.reader, stream, cuts);
        expect(placed.frames).toEqual(frames.map(show));
        expect(placed.reader.is_idle).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('takes what stands before the end, and nothing behind it', () => {
    const frame_or_ack = fc.oneof(any_frame, fc.nat(2 ** 32 - 1));
    fc.assert(
      fc.property(fc.array(frame_or_ack, { maxLength: 8 }), any_cuts, (all, cuts) => {
        const stream = Buffer.concat(
          all.map((one) => (typeof one === 'number' ? ack_bytes(one) : frame_bytes(one))),
        );
        const { reader, frames } = collector();
        const shared = Buffer.alloc(8192);
        for (const piece of pieces(stream, cuts)) {
          for (let at = 0; at < piece.length; at += 4096) {
            const count = piece.copy(shared.fill(0xee), 0, at, at + 4096);
            reader.push(shared, count);
          }
        }
        expect(frames).toEqual(all.map((one) => (typeof one === 'number' ? one : show(one))));
        expect(reader.is_idle).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the head of a frame whose attachments come in later reads into the same buffer', () => {
    const frame = { body: Buffer.from('body'), attachments: [Buffer.from('first'), Buffer.from('second')] };
    const stream = frame_bytes(frame);
    const { reader, frames } = collector();
    // the buffer is full to its end with just the head
    const shared = Buffer.from(stream.subarray(0, FRAME_HEADER_BYTES + 4 + 16));
    reader.push(shared, shared.length);
    shared.fill(0xee);
    reader.push(stream.subarray(shared.length));
    expect(frames).toEqual([show(frame)]);
  });

  it('refuses a header without a body where no acknowledgement may come', () => {
    const reader = new FrameReader(100, () => {});
    expect(() => reader.push(ack_bytes(0))).toThrow(ProtocolError);
  });

  it('is idle between frames and nowhere else', () => {
    fc.assert(
      fc.property(any_frame, fc.nat(), (frame, nat) => {
        const stream = frame_bytes(frame);
        const part = 1 + (nat % (stream.length - 1));
        const { reader, frames } = collector();
        expect(reader.is_idle).toBe(true);
        reader.push(Buffer.from(stream.subarray(0, part)));
        // a frame with nothing but empty attachments at its end is complete before them
        expect(reader.is_idle).toBe(false);
        expect(frames).toEqual([]);
        reader.push(Buffer.from(stream.subarray(part)));
        expect(reader.is_idle).toBe(true);
        expect(frames).toHaveLength(1);
      }),
    );
  });

  it('hands over a body without a copy when the frame lies whole in what came', () => {
    const stream = frame_bytes({ body: Buffer.from('body'), attachments: [] });
    let where: Buffer | undefined;
    new FrameReader(100, (bytes) => {
      where = bytes;
    }).push(stream);
    expect(where).toBe(stream);
  });

  it('hands over attachments in buffers that hold nothing else and that nobody writes to again', () => {
    const taken: Uint8Array[] = [];
    const reader = new FrameReader(1000, (_bytes, _start, _end, attachments) => taken.push(...attachments));
    const stream = frame_bytes({
      body: Buffer.from('b'),
      attachments: [Buffer.from('first'), Buffer.from('second')],
    });
    reader.push(stream);
    reader.push(stream.fill(0, FRAME_HEADER_BYTES + 1 + 16));
    expect(taken.map((bytes) => Buffer.from(bytes).toString())).toEqual([
      'first',
      'second',
      '\0'.repeat(5),
      '\0'.repeat(6),
    ]);
    for (const bytes of taken) expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
  });

  it('hands over a frame whose attachments are all empty', () => {
    const { reader, frames } = collector();
    const frame = { body: Buffer.from('body'), attachments: [Buffer.alloc(0), Buffer.alloc(0)] };
    reader.push(frame_bytes(frame));
    expect(frames).toEqual([show(frame)]);
    expect(reader.destination).toBeUndefined();
  });

  it('goes on with the next frame after the receiver of one has thrown', () => {
    const bodies: string[] = [];
    const reader = new FrameReader(1000, (bytes, start, end) => {
      bodies.push(bytes.toString('latin1', start, end));
      if (bodies.length === 1) throw new Error('no');
    });
    const attachments = [Buffer.from('x')];
    expect(() => reader.push(frame_bytes({ body: Buffer.from('one'), attachments }))).toThrow('no');
    reader.push(frame_bytes({ body: Buffer.from('two'), attachments }));
    expect(bodies).toEqual(['one', 'two']);
  });
});

describe('a frame reader with a bound', () => {
  const body = Buffer.alloc(60);
  const attachments = [Buffer.alloc(16), Buffer.alloc(8)];
  const size = frame_bytes({ body, attachments }).length;

  it.each([
    ['a body', { body, attachments: [] }],
    ['a body and attachments', { body, attachments }],
  ])('accepts %s of just so many bytes, and refuses one more', (_what, frame) => {
    const stream = frame_bytes(frame);
    for (const cuts of [[2 ** 30], [1], [7]]) {
      const enough = collector(stream.length);
      for (const piece of pieces(stream, cuts)) enough.reader.push(piece);
      expect(enough.frames).toHaveLength(1);
      const { reader, frames } = collector(stream.length - 1);
      expect(() => {
        for (const piece of pieces(stream, cuts)) reader.push(piece);
      }).toThrow(ProtocolError);
      expect(frames).toEqual([]);
    }
  });

  it('names both sizes', () => {
    const { reader } = collector(size - 1);
    expect(() => reader.push(frame_bytes({ body, attachments }))).toThrow(
      `a frame of ${size} bytes came, but max_frame_bytes is ${size - 1}`,
    );
  });

  it.each([
    ['the longest body', header(2 ** 32 - 1, 0)],
    ['the most attachments', header(5, 2 ** 32 - 1)],
    ['the longest attachment', Buffer.concat([header(5, 1), Buffer.alloc(5), Buffer.alloc(8, 0xff)])],
    [
      'two attachments that are too large together',
      Buffer.concat([header(5, 2), Buffer.alloc(5), length_table(attachments).fill(0x10)]),
    ],
  ])('refuses %s that a header can claim before any of it comes', (_what, claim) => {
    for (const cuts of [[2 ** 30], [1], [3]]) {
      const { reader } = collector(2 ** 28);
      expect(() => {
        for (const piece of pieces(claim, cuts)) reader.push(piece);
      }).toThrow(ProtocolError);
    }
  });

  it('hands over something or throws a ProtocolError when the bytes are garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), any_cuts, (garbage, is_small, cuts) => {
        // small numbers in the lengths make frames that can be completed
        const stream = Buffer.from(garbage.map((byte, i) => (is_small && i % 4 !== 3 ? 0 : byte)));
        const { reader } = collector(4096);
        try {
          feed_in_place(reader, stream, cuts);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
