import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchWriter } from '../../src/wire/batch.js';
import { FRAME_HEADER_BYTES, write_ack } from '../../src/wire/frame.js';
import { encode_value, unpack } from '../../src/wire/value.js';
import { any_cuts } from '../kit/cuts.js';
import { deliver } from '../kit/round_trip.js';

const any_uint = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(
    0,
    0x7f,
    0x80,
    0xff,
    0x100,
    0xffff,
    0x10000,
    0xffffffff,
    0x100000000,
    Number.MAX_SAFE_INTEGER,
  ),
);

function write_raw(writer: BatchWriter, value: unknown): void {
  const { bytes, start, end, attachments } = encode_value(value, 'value');
  writer.raw(bytes, start, end, attachments);
}

/** What goes as plain msgpack: a field __proto__ does not. */
const any_plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('a batch', () => {
  it('is what any msgpack library reads: an array of messages', () => {
    const any_message = fc.record({
      kind: fc.nat(127),
      uints: fc.array(any_uint, { maxLength: 6 }),
      value: any_plain,
    });
    fc.assert(
      fc.property(fc.array(any_message, { maxLength: 30 }), any_cuts, (messages, cuts) => {
        const writer = new BatchWriter();
        for (const { kind, uints, value } of messages) {
          writer.message(uints.length + 3, kind);
          for (const uint of uints) writer.uint(uint);
          writer.nil();
          write_raw(writer, JSON.parse(JSON.stringify(value)));
        }
        const read = deliver(writer, (bytes, start, end) => [unpack(bytes, start, end)], cuts);
        const expected = messages.map(({ kind, uints, value }) => [
          kind,
          ...uints,
          null,
          JSON.parse(JSON.stringify(value)),
        ]);
        expect(read).toEqual([expected]);
      }),
      { numRuns: 200 },
    );
  });

  it('grows to what is written to it', () => {
    const writer = new BatchWriter();
    const value = 'x'.repeat(300_000);
    for (let i = 0; i < 3; i++) {
      writer.message(2, i);
      write_raw(writer, value);
    }
    const read = deliver(writer, (bytes, start, end) => unpack(bytes, start, end) as unknown[]);
    expect(read).toEqual([0, 1, 2].map((i) => [i, value]));
  });

  it('says how many bytes it has, attachments among them', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(1, 100, 5000, 20_000)), (sizes) => {
        const writer = new BatchWriter();
        for (const size of sizes) {
          writer.message(2, 1);
          write_raw(writer, new Uint8Array(size));
        }
        const claimed = writer.byte_length;
        const parts = writer.take();
        const tables = parts.length > 1 ? (parts[1]?.byteLength ?? 0) : 0;
        expect(parts.reduce((sum, part) => sum + part.byteLength, 0)).toBe(claimed + tables);
      }),
      { numRuns: 50 },
    );
  });

  it('hands over attachments as they are, behind a table of their lengths', () => {
    const [first, second] = [new Uint8Array(20_000).fill(1), Buffer.alloc(30_000, 2)];
    const writer = new BatchWriter();
    writer.message(3, 9);
    write_raw(writer, first);
    write_raw(writer, second);
    const [head, table, ...attachments] = writer.take();
    expect(head.readUInt32BE(0)).toBe(head.byteLength - FRAME_HEADER_BYTES);
    expect(head.readUInt32BE(4)).toBe(2);
    expect((table as Buffer).readBigUInt64BE(0)).toBe(20_000n);
    expect((table as Buffer).readBigUInt64BE(8)).toBe(30_000n);
    expect(attachments.map((part) => part.buffer)).toEqual([first.buffer, second.buffer]);
  });

  it('can drop the message that was begun last, with its attachments', () => {
    const writer = new BatchWriter();
    writer.message(2, 1);
    write_raw(writer, new Uint8Array(20_000).fill(1));
    const before = writer.byte_length;
    writer.message(3, 2);
    write_raw(writer, new Uint8Array(30_000).fill(2));
    writer.uint(2 ** 40);
    writer.drop_message();
    expect(writer.byte_length).toBe(before);
    writer.message(1, 3);
    const [body, , ...attachments] = writer.take();
    expect(attachments.map((bytes) => bytes.byteLength)).toEqual([20_000]);
    const messages = unpack(Buffer.from(body), FRAME_HEADER_BYTES, body.byteLength) as unknown[][];
    expect(messages.map(([kind]) => kind)).toEqual([1, 3]);
  });

  it('can have an acknowledgement before it, in the same part', () => {
    const writer = new BatchWriter();
    for (const round of [1, 2]) {
      writer.message(2, 9);
      write_raw(writer, 'x'.repeat(round * 5000));
      write_raw(writer, Buffer.alloc(20_000, round));
      const parts = writer.take();
      const alone = Buffer.concat(parts);
      parts[0] = writer.head_after_ack(parts[0], 0xfedcba98);
      const ack = Buffer.alloc(FRAME_HEADER_BYTES);
      write_ack(ack, 0, 0xfedcba98);
      expect(Buffer.concat(parts).equals(Buffer.concat([ack, alone]))).toBe(true);
      writer.recycle(true);
    }
  });

  it('is empty before the first message and after each take', () => {
    const writer = new BatchWriter();
    expect(writer.is_empty).toBe(true);
    writer.message(1, 7);
    expect(writer.is_empty).toBe(false);
    writer.take();
    writer.recycle(true);
    expect(writer.is_empty).toBe(true);
    expect(writer.byte_length).toBeLessThan(20);
  });
});

describe('the buffer of a batch', () => {
  function written(writer: BatchWriter, uint: number): Uint8Array[] {
    writer.message(2, 1);
    writer.uint(uint);
    return writer.take();
  }

  it('serves again when the parts have left', () => {
    const writer = new BatchWriter();
    const [before] = written(writer, 1);
    writer.recycle(true);
    const [after] = written(writer, 2);
    expect(after?.buffer).toBe(before?.buffer);
  });

  it('is left alone while the parts have not left', () => {
    const writer = new BatchWriter();
    const [waiting] = written(writer, 1);
    const copy = Buffer.from(waiting as Uint8Array);
    writer.recycle(false);
    written(writer, 2);
    expect(copy.equals(waiting as Uint8Array)).toBe(true);
  });

  it('is not kept when one large batch has made it large', () => {
    const writer = new BatchWriter();
    writer.message(2, 1);
    write_raw(writer, 'x'.repeat(1_000_000));
    writer.take();
    writer.recycle(true);
    expect(written(writer, 1)[0]?.buffer.byteLength).toBeLessThanOrEqual(64 * 1024);
  });
});
