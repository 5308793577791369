import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse_done } from '../../src/journal/done_text.js';
import { is_json_exact } from '../../src/journal/json_exact.js';
import { parse_line, type TaskLine } from '../../src/journal/line.js';
import { done_lines } from './kit.js';

/** What parse_line says of a text; undefined when it refuses it. */
function parsed(text: string): TaskLine | undefined {
  try {
    return parse_line(text) as TaskLine;
  } catch {
    return undefined;
  }
}

const any_record = fc.record({
  index: fc.oneof(fc.nat(20), fc.nat(2 ** 31)),
  key: fc.oneof(fc.stringMatching(/^[\w-]{22}$/), fc.string({ minLength: 1, maxLength: 512 })),
  attempt: fc.integer({ min: 1, max: 300 }),
  slave: fc.oneof(fc.constantFrom('a.slave1', 'a.slave12'), fc.string({ minLength: 1 })),
  run_ms: fc.oneof(fc.nat(5000), fc.double({ min: 0, max: 1e20, noNaN: true })),
  value: fc.oneof(
    fc.jsonValue().filter(is_json_exact),
    fc.constantFrom(undefined, 7, 'ß €', [], { '': [null] }),
  ),
});

const any_lines = fc.array(any_record, { minLength: 1, maxLength: 8 }).map(done_lines);

describe('parse_done', () => {
  it('says of what the journal writes what parse_line says, but for the value', () => {
    let [read, left] = [0, 0];
    fc.assert(
      fc.property(any_lines, (lines) => {
        for (const text of lines) {
          const done = parse_done(text);
          if (done === undefined) left++;
          else {
            read++;
            const { value: _, ...rest } = parse_line(text) as TaskLine;
            expect(JSON.parse(JSON.stringify(done))).toEqual(rest);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(2 * left);
  });

  it('takes no line that parse_line would refuse, or understand otherwise', () => {
    const any_change = fc.record({
      at: fc.nat(9999).map((n) => n / 10_000),
      remove: fc.oneof(fc.constant(0), fc.constant(1), fc.nat(20)),
      insert: fc.constantFrom(
        ...['', '0', '-', '-0', '.', '1e9', '"', '\\', '\\u0000', '\t', ',', '}', '{', ' ', 'null', '\ud800'],
        ...['__proto__', ',"value":1', ',"index":3', '"key":"x",', '4294967295', '{"__proto__":1}'],
      ),
    });
    const verdicts = new Map<string, number>();
    fc.assert(
      fc.property(any_lines, fc.array(any_change, { minLength: 1, maxLength: 3 }), ([line = ''], changes) => {
        let text = line;
        for (const { at, remove, insert } of changes) {
          const start = Math.floor(at * text.length);
          text = text.slice(0, start) + insert + text.slice(start + remove);
        }
        // the reader of a file sees UTF-8 alone
        text = text.toWellFormed();
        const [done, whole] = [parse_done(text), parsed(text)];
        const verdict = done !== undefined ? 'taken' : whole !== undefined ? 'left' : 'refused';
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        if (done === undefined) return;
        const { value: _, ...rest } = whole as TaskLine;
        expect(JSON.parse(JSON.stringify(done))).toEqual(rest);
      }),
      { numRuns: 3000 },
    );
    expect([...verdicts.keys()].sort()).toEqual(['left', 'refused', 'taken']);
  });

  it.each([
    ['another kind', '{"kind":"died","index":1,"at":1,"slave":"s","reason":"x"}'],
    ['a blank', '{"kind":"done", "index":1,"at":1,"slave":"s","run_ms":2}'],
    ['an escape', '{"kind":"done","index":1,"at":1,"slave":"s\\n","run_ms":2}'],
    ['a number written otherwise', '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2e3}'],
    ['another order', '{"kind":"done","index":1,"slave":"s","at":1,"run_ms":2}'],
    ['a key without fn', '{"kind":"done","index":1,"key":"k","at":1,"slave":"s","run_ms":2}'],
    ['an index that is too large', '{"kind":"done","index":4294967295,"at":1,"slave":"s","run_ms":2}'],
    ['a leading zero', '{"kind":"done","index":01,"at":1,"slave":"s","run_ms":2}'],
    ['a value that is no JSON', '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2,"value":x}'],
    ['a value that JSON does not keep', '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2,"value":-0}'],
    ['fields after the value', '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2,"value":1,"index":2}'],
    ['a large value', '{"kind":"done","index":1,"at":1,"slave":"s","run_ms":2,"stored":{}}'],
    ['nothing', ''],
  ])('leaves %s to parse_line', (_what, text) => {
    expect(parse_done(text)).toBeUndefined();
  });

  it('takes a key and a name of any length that may be', () => {
    const line = (key: string) =>
      `{"kind":"done","index":1,"key":"${key}","fn":0,"at":1,"slave":"s","run_ms":2}`;
    expect(parse_done(line('k'.repeat(512)))?.key).toHaveLength(512);
    expect(parse_done(line('k'.repeat(513)))).toBeUndefined();
    expect(parse_done(line(''))).toBeUndefined();
  });
});
