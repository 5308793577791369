import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_KINDS, parse_line } from '../../src/journal/line.js';

const FORMAT_MD = readFileSync(new URL('../../src/journal/FORMAT.md', import.meta.url), 'utf8');

/** A line of each kind with all that it may have. */
const WHOLE: Record<string, object> = {
  function: { fn: 0, name: 'a.js#f' },
  opened: { at: 0, pid: 1, host: 'here' },
  facts: { at: 0, facts: { port: 1 } },
  finished: { at: 0 },
  queued: { at: 0, index: 0, key: 'k', fn: 0 },
  assigned: { at: 0, index: 0, attempt: 1, slave: 's' },
  progress: { at: -5, index: 0, done: 0.5, total: 1, note: '' },
  checkpoint: { at: 0, index: 0, value: { a: [1] } },
  died: {
    ...{ at: 0, index: 0, attempt: 2, slave: 's', reason: 'r', charged: false },
    ...{ exit_code: 1, signal: 'SIGKILL', log_file: 'l' },
  },
  done: {
    at: 0,
    index: 4294967294,
    attempt: 1,
    slave: 's',
    run_ms: 0.5,
    stored: { encoding: 'e', base64: ['AA=='] },
  },
  failed: {
    at: 0,
    index: 0,
    attempt: 1,
    slave: 's',
    run_ms: 1,
    error: { name: 'E', message: 'm', stack: 's' },
    value: null,
  },
  cancelled: { at: 0, index: 0, reason: 'r' },
};

describe('a line', () => {
  it.each(Object.entries(WHOLE))('of kind %s is taken with all that it may have', (kind, fields) => {
    const line = { kind, ...fields };
    expect(parse_line(JSON.stringify(line))).toEqual(line);
  });

  it('has no kind but these', () => {
    expect([...LINE_KINDS.keys()].toSorted()).toEqual(Object.keys(WHOLE).toSorted());
  });

  it.each([...LINE_KINDS])(
    'of kind %s is refused when a field is missing or holds nonsense',
    (kind, { required, optional }) => {
      const whole = { kind, ...WHOLE[kind as string] };
      for (const [name] of required) {
        expect(() => parse_line(JSON.stringify({ ...whole, [name]: undefined })), name).toThrow(
          `its ${name} must be`,
        );
      }
      const nonsense = { at: 'x', charged: true, value: JSON.parse('{"__proto__":1}') } as Record<
        string,
        unknown
      >;
      for (const [name] of [...required, ...optional]) {
        const line = { ...whole, [name]: Object.hasOwn(nonsense, name) ? nonsense[name] : [{}] };
        expect(() => parse_line(JSON.stringify(line)), name).toThrow(`its ${name} must be`);
      }
    },
  );

  it('is described in FORMAT.md with all its fields', () => {
    for (const [kind, { required, optional }] of LINE_KINDS) {
      const row = FORMAT_MD.split('\n').find((text) => text.startsWith(`| ${kind} |`)) as string;
      expect(row, String(kind)).toBeDefined();
      const fields = row.split('|')[3] as string;
      for (const [name] of [...required, ...optional]) {
        if (['index', 'key', 'fn'].includes(name) && fields.includes('*task*')) continue;
        if (['value', 'stored'].includes(name) && fields.includes('*value*')) continue;
        if (name === 'at') continue;
        expect(fields, `${kind}.${name}`).toMatch(new RegExp(`\\b${name}\\b`));
      }
    }
  });

  it('is refused with a short text, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json({ maxDepth: 3 }),
          fc.object().map((o) => JSON.stringify({ ...o, kind: 'done' })),
        ),
        (text) => {
          try {
            parse_line(text);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            expect((error as Error).message.length).toBeLessThan(400);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    [{ encoding: 'e' }],
    [{ encoding: 'e', base64: [1] }],
    [{ encoding: 'e', base64: [], file: '1-01234567-0.bin' }],
    [{ encoding: 'e', file: '1-01234567-0.bin', sha256: 'x'.repeat(64), parts: [] }],
    [{ encoding: 'e', file: '../../../etc/passwd', sha256: '0'.repeat(64), parts: [1] }],
    [{ encoding: 'e', file: '1-01234567-0.bin', sha256: '0'.repeat(64), parts: [-1] }],
    [{ encoding: 'e', file: '1-01234567-0.bin', sha256: '0'.repeat(64), parts: [2 ** 60] }],
    ['text'],
    [[]],
  ])('holds no value that is stored as %j', (stored) => {
    expect(() => parse_line(JSON.stringify({ kind: 'done', ...WHOLE['done'], stored }))).toThrow(
      /its stored must be/,
    );
  });
});
