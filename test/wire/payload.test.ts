import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Payload, PayloadStore } from '../../src/wire/payload.js';
import { AttachmentCursor } from '../../src/wire/restore.js';
import { decode_value, encode_value, encoded_bytes, unpack } from '../../src/wire/value.js';
import { any_tree } from '../kit/any_value.js';
import { difference } from '../kit/difference.js';

function value_in(payload: Payload): unknown {
  const { form, bytes, start, end, attachments } = payload;
  // as a reader hands them over: in buffers of their own
  const arrived = (attachments ?? []).map((attachment) => Buffer.from(attachment));
  return decode_value(form, unpack(bytes, start, end), new AttachmentCursor(arrived));
}

describe('a store of payloads', () => {
  it('keeps every value while others are encoded and stored', () => {
    const any_values = fc.array(
      fc.oneof(any_tree, fc.string({ maxLength: 3000 }), fc.constant('x'.repeat(9000))),
    );
    fc.assert(
      fc.property(any_values, (values) => {
        const store = new PayloadStore();
        const payloads = values.map((value) => store.store(encode_value(value, 'args')));
        for (const [i, payload] of payloads.entries())
          expect(difference(values[i], value_in(payload))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('packs small payloads side by side and gives a large one memory of its own', () => {
    const store = new PayloadStore();
    const [a, b, c] = ['a', 'x'.repeat(20_000), 'c'].map((value) =>
      store.store(encode_value(value, 'args')),
    ) as [Payload, Payload, Payload];
    expect(c.bytes).toBe(a.bytes);
    expect(c.start).toBe(a.end);
    expect(b.bytes).not.toBe(a.bytes);
    expect(b.bytes.byteLength).toBe(b.end - b.start);
  });

  it('begins a new chunk when one is full, and lets go of the full one', () => {
    const store = new PayloadStore();
    const chunks = new Set<Buffer>();
    for (let i = 0; i < 200; i++) {
      const payload = store.store(encode_value('x'.repeat(1000), 'args'));
      expect(payload.end).toBeLessThanOrEqual(payload.bytes.length);
      chunks.add(payload.bytes);
    }
    expect(chunks.size).toBeGreaterThan(2);
    expect(chunks.size).toBeLessThan(6);
  });

  it('fills a chunk to its last byte and not beyond', () => {
    const store = new PayloadStore();
    // a text of 256 to 65,535 bytes takes 3 more, a shorter one of up to 31 takes 1
    const texts = [...Array(7).fill('x'.repeat(8189)), 'y'.repeat(8188), 'z', '!'];
    const payloads = texts.map((text: string) => store.store(encode_value(text, 'args')));
    expect(payloads.map((payload) => payload.end).slice(6)).toEqual([57_344, 65_535, 2, 4]);
    expect(payloads.map(value_in)).toEqual(texts);
  });

  it('costs a million small payloads little more than their bytes', () => {
    const store = new PayloadStore();
    const chunks = new Set<Buffer>();
    let bytes = 0;
    for (let i = 0; i < 10_000; i++) {
      const payload = store.store(encode_value([i], 'args'));
      bytes += payload.byte_length;
      chunks.add(payload.bytes);
    }
    const allocated = [...chunks].reduce((sum, chunk) => sum + chunk.length, 0);
    expect(allocated).toBeLessThan(bytes + 2 * 64 * 1024);
  });

  it('keeps attachments by reference and counts them', () => {
    const store = new PayloadStore();
    const large = new Uint8Array(100_000);
    const encoded = encode_value([large], 'args');
    const payload = store.store(encoded);
    expect(payload.attachments?.[0]?.buffer).toBe(large.buffer);
    expect(payload.byte_length).toBe(encoded_bytes(encoded));
    expect(payload.byte_length).toBeGreaterThan(100_000);
  });
});
