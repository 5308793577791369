import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import { BatchWriter } from '../../src/wire/batch.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.js';
import {
  type PulseMessage,
  read_pulse_messages,
  write_pulse_message,
} from '../../src/wire/pulse_messages.js';
import { encode_value } from '../../src/wire/value.js';
import { any_cuts } from '../kit/cuts.js';
import { deliver } from '../kit/round_trip.js';

const uint = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(0, 0x7f, 0x80, 0xffff, 0x10000, 0xffffffff, 2 ** 32),
);

const any_pulse_message: fc.Arbitrary<PulseMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('take_back' as const, 'taken_back' as const), from: uint, to: uint }),
  fc.record({
    kind: fc.constant('heartbeat' as const),
    vitals: fc.record({ rss: uint, peak: uint, cpu: uint, stalled: uint }),
  }),
  fc.record({ kind: fc.constant('kill' as const), seq: uint }),
  fc.record({ kind: fc.constant('round_trip' as const), ms: uint }),
  fc.record({
    kind: fc.constant('killed' as const),
    seq: fc.option(fc.nat(), { nil: undefined }),
    why: fc.constantFrom('cancelled' as const, 'timed_out' as const, 'too_large' as const),
  }),
  fc.record({ kind: fc.constantFrom('stop' as const, 'alive' as const) }),
);

function body_of(messages: readonly PulseMessage[]): Buffer {
  const writer = new BatchWriter();
  for (const message of messages) write_pulse_message(writer, message);
  return Buffer.concat(writer.take()).subarray(FRAME_HEADER_BYTES);
}

/** A body of one message with these fields, as any msgpack library would write it. */
function body_with(...fields: unknown[]): Buffer {
  const { bytes, start, end } = encode_value([fields], 'message');
  return Buffer.concat([Buffer.from([0xdd, 0, 0, 0, 1]), bytes.subarray(start + 1, end)]);
}

function read(body: Buffer): PulseMessage[] {
  return read_pulse_messages(body, 0, body.length);
}

describe('pulse messages', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(fc.array(any_pulse_message), any_cuts, (messages, cuts) => {
        const writer = new BatchWriter();
        for (const message of messages) write_pulse_message(writer, message);
        expect(deliver(writer, read_pulse_messages, cuts)).toEqual(messages);
      }),
    );
  });

  it('are read from the middle of a buffer and not beyond their end', () => {
    const body = body_of([{ kind: 'take_back', from: 3, to: 300 }]);
    const around = Buffer.concat([Buffer.from([1, 2, 3]), body, Buffer.from([0x91, 65])]);
    expect(read_pulse_messages(around, 3, 3 + body.length)).toEqual([
      { kind: 'take_back', from: 3, to: 300 },
    ]);
    expect(() => read_pulse_messages(around, 3, 2 + body.length)).toThrow(ProtocolError);
  });

  it('may hold numbers as any msgpack library writes them', () => {
    expect(read(body_with(64, 200, 2 ** 40))).toEqual([{ kind: 'take_back', from: 200, to: 2 ** 40 }]);
    expect(read(Buffer.from([0xdd, 0, 0, 0, 1, 0x93, 0x40, 0xcc, 0x80, 0xcd, 1, 0]))).toEqual([
      { kind: 'take_back', from: 128, to: 256 },
    ]);
  });
});

describe('a malformed pulse body', () => {
  it('gives a ProtocolError wherever it is cut off', () => {
    fc.assert(
      fc.property(fc.array(any_pulse_message, { minLength: 1, maxLength: 4 }), fc.nat(), (messages, nat) => {
        const body = body_of(messages);
        expect(() => read(body.subarray(0, nat % body.length))).toThrow(ProtocolError);
      }),
    );
  });

  it('gives messages or a ProtocolError whatever its bytes are', () => {
    const any_start = fc.constantFrom(
      [],
      [0xdd, 0, 0, 0, 1],
      [0xdd, 0, 0, 0, 2, 0x93, 0x40],
      [0xdd, 0xff, 0xff, 0xff, 0xff],
    );
    fc.assert(
      fc.property(any_start, fc.uint8Array({ maxLength: 40 }), (start, garbage) => {
        try {
          read(Buffer.concat([Buffer.from(start), garbage]));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['an unknown kind', body_with(68)],
    ['a kind of the main connection', body_with(1, 2, 3)],
    ['a field that is a text', body_with(64, 'a', 1)],
    ['a field that is missing', body_with(64, 1)],
    ['no fields at all', body_with(96)],
    ['a kill for no known reason', body_with(98, 1, 3)],
    ['a number below 0', body_with(64, -1, 5)],
    ['a number that is not whole', body_with(64, 1.5, 5)],
    ['a number without end', body_with(64, 0, Infinity)],
    ['a number that is none', body_with(64, 0, Number.NaN)],
    ['a message that is no array', Buffer.from([0xdd, 0, 0, 0, 1, 0x40])],
    ['no array of messages', Buffer.from([0x91, 0x91, 0x41])],
    ['more than its messages', Buffer.concat([body_of([{ kind: 'stop' }]), Buffer.from([0x91, 65])])],
    ['more messages announced than bytes', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ])('is refused for %s', (_what, body) => {
    expect(() => read(body)).toThrow(ProtocolError);
  });
});
