import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DoneLine, key_hashes } from '../../src/journal/done_line.js';
import { is_json_exact } from '../../src/journal/json_exact.js';
import { parse_line, type TaskLine } from '../../src/journal/line.js';
import { done_lines } from './kit.js';

describe('DoneLine', () => {
  it('reads what the journal writes as parse_line does', () => {
    const reader = new DoneLine();
    const record = fc.record({
      index: fc.nat(2 ** 31),
      key: fc.oneof(fc.stringMatching(/^[\w-]{22}$/), fc.string({ minLength: 1 })),
      attempt: fc.integer({ min: 1, max: 300 }),
      slave: fc.oneof(fc.constantFrom('a.slave1', 'a.slave12'), fc.string({ minLength: 1 })),
      run_ms: fc.oneof(fc.nat(5000), fc.double({ min: 0, max: 1e7, noNaN: true })),
      // what it cannot hold is stored otherwise
      value: fc.jsonValue().filter(is_json_exact),
    });
    let read = 0;
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => {
        for (const text of done_lines(records)) {
          const bytes = Buffer.from(`before\n${text}\nafter`);
          // what it leaves to parse_line is right in any case
          if (!reader.read(bytes, 7, bytes.length - 6)) continue;
          read++;
          const line = parse_line(text) as TaskLine;
          expect(reader).toMatchObject({
            index: line.index,
            fn: line.fn,
            at: line.at,
            attempt: line.attempt ?? 1,
            slave: line.slave,
          });
          expect(reader.run_ms).toBeCloseTo(line.run_ms as number, 6);
          expect([reader.key_hash, reader.key_hash_2]).toEqual(key_hashes(line.key as string));
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it.each([
    '{"kind":"died","index":1,"at":1,"slave":"s","reason":"x"}',
    '{"kind":"done", "index":1,"at":1,"slave":"s","run_ms":2}',
    '{"kind":"done","index":1,"at":1,"slave":"s\\n","run_ms":2}',
    '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2e3}',
    '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2.12345}',
    '{"kind":"done","index":1,"slave":"s","at":1,"run_ms":2}',
    '{"kind":"done","index":1,"key":"a',
    '',
    '}',
  ])('leaves %s to others', (text) => {
    const bytes = Buffer.from(text);
    expect(new DoneLine().read(bytes, 0, bytes.length)).toBe(false);
  });
});
