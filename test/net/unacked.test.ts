import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Unacked } from '../../src/net/unacked.js';
import { FRAME_HEADER_BYTES, length_table, write_frame_header } from '../../src/wire/frame.js';

type Parts = [Buffer, ...Uint8Array[]];

/** The parts of a frame, as BatchWriter.take gives them. */
function frame(body_bytes: number, attachments: Uint8Array[] = []): Parts {
  const head = Buffer.alloc(FRAME_HEADER_BYTES + body_bytes, body_bytes);
  write_frame_header(head, 0, body_bytes, attachments.length);
  return attachments.length === 0 ? [head] : [head, length_table(attachments), ...attachments];
}

function total(bytes: readonly Uint8Array[]): number {
  return bytes.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what is not acknowledged', () => {
  it('is every frame since the last that was, in order, byte for byte', () => {
    const any_frame = fc.record({
      body: fc.oneof(
        fc.integer({ min: 5, max: 3000 }),
        fc.constantFrom(5, 4088, 4089, 65_000, 65_536, 100_000),
      ),
      attachments: fc.oneof(
        { weight: 3, arbitrary: fc.constant<number[]>([]) },
        { weight: 1, arbitrary: fc.array(fc.nat(5000), { maxLength: 3 }) },
      ),
    });
    const any_step = fc.oneof(
      { weight: 3, arbitrary: fc.array(any_frame, { maxLength: 10 }) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    );
    fc.assert(
      fc.property(fc.array(any_step, { maxLength: 30 }), (steps) => {
        const unacked = new Unacked();
        let model: Buffer[] = [];
        const taken: { parts: Uint8Array[]; expected: Buffer }[] = [];
        for (const step of steps) {
          if (typeof step === 'number') {
            const count = Math.round(step * model.length);
            unacked.release(count);
            model = model.slice(count);
          } else {
            for (const { body, attachments } of step) {
              const parts = frame(
                body,
                attachments.map((bytes) => Buffer.alloc(bytes, bytes)),
              );
              model.push(Buffer.concat(parts));
              unacked.add(parts);
              // the writer writes the next frame over a small one
              if (parts[0].length <= 64 * 1024) parts[0].fill(0xee);
            }
          }
          expect(unacked.frames).toBe(model.length);
          expect(unacked.bytes).toBeGreaterThanOrEqual(total(model));
          expect(unacked.bytes).toBeLessThanOrEqual(total(model) + model.length * FRAME_HEADER_BYTES);
          taken.push({ parts: unacked.parts(), expected: Buffer.concat(model) });
        }
        // and what was taken stays good
        for (const { parts, expected } of taken) expect(Buffer.concat(parts).equals(expected)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('is nothing when all was acknowledged', () => {
    const unacked = new Unacked();
    for (const parts of [frame(5), frame(100_000), frame(20, [Buffer.alloc(50_000)])]) unacked.add(parts);
    unacked.release(3);
    expect([unacked.frames, unacked.bytes, unacked.parts()]).toEqual([0, 0, []]);
  });
});

describe('the memory for what is not acknowledged', () => {
  it('is not allocated for small frames that are acknowledged now and then', () => {
    const unacked = new Unacked();
    const [small, middle] = [frame(30), frame(1000)];
    const run = (frames: number) => {
      for (let i = 1; i <= frames; i++) {
        unacked.add(i % 5 === 0 ? middle : small);
        // some are always on the way
        if (i % 32 === 0) unacked.release(unacked.frames - (i % 3) * 8);
      }
    };
    run(5000);
    const allocations = [vi.spyOn(Buffer, 'allocUnsafeSlow'), vi.spyOn(Buffer, 'from')];
    run(20_000);
    expect(allocations.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  });

  it('holds attachments and large bodies as they are, without a copy', () => {
    const unacked = new Unacked();
    const [attachment, large] = [Buffer.alloc(20_000), frame(100_000)];
    unacked.add(frame(10, [attachment]));
    unacked.add(large);
    const parts = unacked.parts();
    expect(parts).toContain(attachment);
    expect(parts).toContain(large[0]);
    expect(unacked.buffer_bytes).toBe(4096);
  });

  it('starts small, and grows with what is there', () => {
    const unacked = new Unacked();
    expect(unacked.buffer_bytes).toBe(4096);
    for (let i = 0; i < 1000; i++) unacked.add(frame(1000));
    expect(unacked.buffer_bytes).toBeGreaterThan(1_000_000);
    expect(unacked.buffer_bytes).toBeLessThan(5_000_000);
  });

  it('is given back at once when it was large', () => {
    const unacked = new Unacked();
    for (let i = 0; i < 10_000; i++) unacked.add(frame(1000));
    unacked.release(9990);
    expect(unacked.buffer_bytes).toBeLessThanOrEqual(256 * 1024);
    expect(unacked.parts().map(({ byteLength }) => byteLength)).toEqual([10 * 1008]);
  });

  it('is given back step by step when little has been on the way for some time', () => {
    const unacked = new Unacked();
    for (let i = 0; i < 200; i++) unacked.add(frame(1000));
    const most = unacked.buffer_bytes;
    unacked.release(200);
    expect(unacked.buffer_bytes).toBe(most);
    for (let i = 0; i < 40; i++) {
      unacked.add(frame(10));
      unacked.release(1);
    }
    expect(unacked.buffer_bytes).toBe(4096);
  });
});
