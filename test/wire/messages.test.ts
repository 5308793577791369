import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { ParjobError, ProtocolError } from '../../src/errors.js';
import { BatchWriter } from '../../src/wire/batch.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.js';
import { order, read_orders, read_reports, report } from '../../src/wire/messages.js';
import { encode_value, unpack } from '../../src/wire/value.js';
import { any_order, any_report, type Written } from '../kit/any_message.js';
import { any_cuts } from '../kit/cuts.js';
import { difference } from '../kit/difference.js';
import { deliver } from '../kit/round_trip.js';

const ORDERS = Object.entries<fc.Arbitrary<Written<unknown>>>(any_order);
const REPORTS = Object.entries<fc.Arbitrary<Written<unknown>>>(any_report);

const DIRECTIONS = [
  ['orders', read_orders, ORDERS],
  ['reports', read_reports, REPORTS],
] as const;

const packr = new Packr({ useRecords: false });

/** The body of a frame with these messages, as any msgpack library would write it. */
function body_of(...messages: unknown[]): Buffer {
  return packr.pack(messages);
}

/** A message as the list of fields that it is on the wire. Its attachments are lost. */
function raw_fields({ write }: Written<unknown>): unknown[] {
  const writer = new BatchWriter();
  write(writer);
  const body = Buffer.from(writer.take()[0] as Uint8Array).subarray(FRAME_HEADER_BYTES);
  return (unpack(body, 0, body.length) as unknown[][])[0] as unknown[];
}

describe.each(DIRECTIONS)('%s', (_direction, read, makers) => {
  it.each(makers)('of the kind %s arrive as they were sent', (_kind, any_written) => {
    fc.assert(
      fc.property(any_written, ({ message, write }) => {
        const writer = new BatchWriter();
        write(writer);
        expect(difference([message], deliver<unknown>(writer, read))).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  it('of all kinds arrive in their order, in many frames of many messages, however these are cut', () => {
    const any_frame = fc.array(fc.oneof(...makers.map(([, any_written]) => any_written)), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(any_frame, { maxLength: 3 }), any_cuts, (frames, cuts) => {
        const writer = new BatchWriter();
        for (const frame of frames) {
          for (const { write } of frame) write(writer);
          const arrived = deliver<unknown>(writer, read, cuts);
          expect(
            difference(
              frame.map(({ message }) => message),
              arrived,
            ),
          ).toBeUndefined();
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each(makers)('of the kind %s are refused when a field is missing', (_kind, any_written) => {
    fc.assert(
      fc.property(any_written.map(raw_fields), fc.nat(), (fields, nat) => {
        const body = body_of(fields.slice(0, nat % fields.length));
        expect(() => read(body, 0, body.length, [])).toThrow(ProtocolError);
      }),
      { numRuns: 40 },
    );
  });

  it.each(makers)('of the kind %s are refused when there is a field too many', (_kind, any_written) => {
    for (const fields of fc.sample(any_written.map(raw_fields), { numRuns: 5, seed: 7 })) {
      const body = body_of([...fields, 0]);
      expect(() => read(body, 0, body.length, [])).toThrow(ProtocolError);
    }
  });

  it('of any kind give messages or a ProtocolError when a field is another one', () => {
    const any_message = fc.oneof(...makers.map(([, any_written]) => any_written.map(raw_fields)));
    const any_field = fc.oneof(
      fc.anything({ maxDepth: 1 }),
      fc.constantFrom(-1, 1.5, '', null, [], {}, 2, [[9, 'Buffer', 1]]),
    );
    fc.assert(
      fc.property(any_message, fc.nat(8), any_field, (fields, place, field) => {
        const body = body_of(fields.with(place % fields.length, field));
        try {
          read(body, 0, body.length, []);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('that are cut off or whose bytes are garbage give a ProtocolError or messages, and pollute nothing', () => {
    const any_body = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.nat(255), fc.uint8Array({ maxLength: 60 }))
        .map(([kind, bytes]) => Buffer.concat([Buffer.from([0x91, 0x97, kind]), bytes])),
      fc
        .tuple(fc.oneof(...makers.map(([, any_written]) => any_written)), fc.nat(), fc.nat(255))
        .map(([sample, at, byte]) => {
          const body = body_of(raw_fields(sample));
          body[at % body.length] = byte;
          return body;
        }),
    );
    const before = Reflect.ownKeys(Object.prototype).length;
    fc.assert(
      fc.property(any_body, fc.nat(), (body, nat) => {
        for (const end of [body.length, nat % (body.length + 1)]) {
          try {
            read(body, 0, end, []);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
        expect(Reflect.ownKeys(Object.prototype).length).toBe(before);
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['no array', 7],
    ['a map', { 0: 1 }],
    ['a message that is no array', [7]],
    ['a message without a kind', [[]]],
    ['an unknown kind', [[127]]],
    ['a kind that is no number', [['0']]],
  ])('are refused when the body is or has %s', (_what, content) => {
    const body = packr.pack(content);
    expect(() => read(body, 0, body.length, [])).toThrow(ProtocolError);
  });
});

describe('the directions', () => {
  it('share no kind: an order is no report, and a report no order', () => {
    const samples = (makers: typeof ORDERS) =>
      makers.flatMap(([, maker]) => fc.sample(maker, { numRuns: 1, seed: 7 }));
    for (const sample of samples(ORDERS)) {
      const body = body_of(raw_fields(sample));
      expect(() => read_reports(body, 0, body.length, [])).toThrow(/^a report has the unknown kind/);
    }
    for (const sample of samples(REPORTS)) {
      const body = body_of(raw_fields(sample));
      expect(() => read_orders(body, 0, body.length, [])).toThrow(/^an order has the unknown kind/);
    }
  });
});

describe('PROTOCOL.md', () => {
  it('has every kind of message with its number, and no other', () => {
    const text = readFileSync(new URL('../../src/wire/PROTOCOL.md', import.meta.url), 'utf8');
    const section = text.slice(text.indexOf('## Main connection'), text.indexOf('## Pulse connection'));
    const described = [...section.matchAll(/^\| *(\d+) *\| *(\w+) *\|/gm)].map(
      ([, number, kind]) => `${number} ${kind}`,
    );
    const written = [...ORDERS, ...REPORTS].map(([kind, any_written]) => {
      const [fields] = fc.sample(any_written.map(raw_fields), { numRuns: 1, seed: 7 });
      return `${fields?.[0]} ${kind}`;
    });
    expect(described.toSorted()).toEqual(written.toSorted());
  });
});

describe('a message with an attachment', () => {
  const large = new Uint8Array(20_000).fill(7);

  it('is refused when the frame does not have it', () => {
    const writer = new BatchWriter();
    order.data(writer, 1, encode_value([large, large.slice()], 'data'));
    const [head, , attachment] = writer.take() as [Buffer, Buffer, Buffer];
    expect(() => read_orders(head, FRAME_HEADER_BYTES, head.length, [])).toThrow(ProtocolError);
    expect(() => read_orders(head, FRAME_HEADER_BYTES, head.length, [attachment])).toThrow(ProtocolError);
  });

  it('gets its own among those of other messages', () => {
    const writer = new BatchWriter();
    for (const fill of [1, 2, 3])
      report.data(writer, fill, encode_value(new Uint8Array(20_000).fill(fill), 'data'));
    const arrived = deliver(writer, read_reports) as { bytes: number; value: Uint8Array }[];
    for (const { bytes, value } of arrived) expect(value.every((byte) => byte === bytes)).toBe(true);
    expect(arrived).toHaveLength(3);
  });
});

describe('a message that cannot be written', () => {
  it.each<[string, (to: BatchWriter) => void]>([
    ['a command whose arguments cannot be sent', (to) => order.run_cmd(to, 1, false, 'x', [() => 1])],
    ['a command with half a surrogate pair in its code', (to) => order.run_cmd(to, 1, false, "'\ud800'", [])],
    ['a module with half a surrogate pair', (to) => order.define_task(to, 1, 'file:///\ud800.js', 'x')],
    ['progress of -0', (to) => report.progress(to, 1, 1, { done: -0 })],
  ])('leaves the batch as it was: %s', (_what, write) => {
    const writer = new BatchWriter();
    order.abort_task(writer, 1);
    try {
      write(writer);
      expect(writer.take()).toHaveLength(1);
      return;
    } catch (error) {
      expect(error).toBeInstanceOf(ParjobError);
    }
    order.abort_task(writer, 2);
    expect(deliver(writer, read_orders)).toEqual([
      { kind: 'abort_task', task_id: 1 },
      { kind: 'abort_task', task_id: 2 },
    ]);
  });
});
