/** Cuts: a stream of bytes, as the pieces in which a network may deliver it. */
import fc from 'fast-check';

/** Sizes of pieces, used one after another and then again from the first. */
export const any_cuts: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([1]),
  fc.constant<number[]>([2 ** 30]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
  fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 20 }),
);

export function* pieces(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = cuts[i % cuts.length] ?? 1;
    // a copy, for the buffer of a real read is overwritten by the next
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}
