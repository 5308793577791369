import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  A_BOOLEAN,
  A_STRING,
  check_options,
  either,
  integer_between,
  one_of,
  positive,
  STRING_RECORD,
  STRINGS,
  show,
} from '../../src/base/options.js';
import { UsageError } from '../../src/errors.js';

const TABLE = {
  host: A_STRING,
  encryption: one_of('always', 'never'),
  idle_timeout: positive('ms'),
  attempts: integer_between(1, 100),
  verbose: A_BOOLEAN,
  port: either(integer_between(0, 65535), STRINGS),
  env: STRING_RECORD,
};

function complaint(options: unknown): string {
  try {
    check_options('Job', options, TABLE);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return 'none';
}

describe('check_options', () => {
  it('accepts no options, an empty object, and every name with a value of its kind', () => {
    expect(complaint(undefined)).toBe('none');
    expect(complaint({})).toBe('none');
    expect(
      complaint({
        host: 'node7',
        encryption: 'never',
        idle_timeout: Infinity,
        attempts: 100,
        verbose: false,
        port: ['1', '2'],
        env: { OMP_NUM_THREADS: '1', HOME: undefined },
      }),
    ).toBe('none');
  });

  it('counts an undefined value as not given', () => {
    expect(complaint({ host: undefined, attempts: undefined })).toBe('none');
  });

  it.each([[null], [5], ['text'], [[]], [true]])('refuses %j in the place of the options', (options) => {
    expect(complaint(options)).toMatch(/^Job: expected an options object, got /);
  });

  it.each([
    [{ host: '' }, "Job: option 'host' must be a string, got ''"],
    [{ encryption: 'no' }, "Job: option 'encryption' must be one of 'always', 'never', got 'no'"],
    [{ idle_timeout: 0 }, "Job: option 'idle_timeout' must be a number of ms above 0, got 0"],
    [{ idle_timeout: Number.NaN }, "Job: option 'idle_timeout' must be a number of ms above 0, got NaN"],
    [{ attempts: 1.5 }, "Job: option 'attempts' must be a whole number from 1 to 100, got 1.5"],
    [{ attempts: 101 }, "Job: option 'attempts' must be a whole number from 1 to 100, got 101"],
    [{ verbose: 1 }, "Job: option 'verbose' must be true or false, got 1"],
    [
      { port: 'x' },
      "Job: option 'port' must be a whole number from 0 to 65535 or an array of strings, got 'x'",
    ],
    [
      { env: { a: 1 } },
      "Job: option 'env' must be an object whose values are strings (or undefined, to unset), got { a: 1 }",
    ],
    [
      { env: [] },
      "Job: option 'env' must be an object whose values are strings (or undefined, to unset), got []",
    ],
  ])('says of %j what was expected and what came', (options, text) => {
    expect(complaint(options)).toBe(text);
  });

  it.each([
    ['hots', 'host'],
    ['idleTimeout', 'idle_timeout'],
    ['IDLE_TIMEOUT', 'idle_timeout'],
    ['attempt', 'attempts'],
    ['verbsoe', 'verbose'],
  ])('asks at %s whether %s was meant', (wrong, meant) => {
    expect(complaint({ [wrong]: 1 })).toBe(`Job has no option '${wrong}': did you mean '${meant}'?`);
  });

  it('lists the names when none is near', () => {
    expect(complaint({ colour: 1 })).toBe(
      "Job has no option 'colour': it takes host, encryption, idle_timeout, attempts, verbose, port, env",
    );
  });

  it('knows no option by a name that every object has', () => {
    expect(complaint({ toString: 1 })).toMatch(/^Job has no option 'toString'/);
    expect(complaint(JSON.parse('{"__proto__": 1}'))).toMatch(/^Job has no option '__proto__'/);
  });

  it('accepts or throws a UsageError, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), (options) => {
        expect(typeof complaint(options)).toBe('string');
      }),
    );
  });
});

describe('show', () => {
  it('gives any value in one line of at most 120 characters', () => {
    const any_value = fc.oneof(
      fc.anything(),
      fc.string({ minLength: 100, maxLength: 500 }),
      fc.array(fc.integer(), { minLength: 7, maxLength: 100 }),
      fc.string().map((message) => new Error(message)),
    );
    fc.assert(
      fc.property(any_value, (value) => {
        expect(show(value)).not.toContain('\n');
        expect(show(value).length).toBeLessThanOrEqual(120);
      }),
    );
  });

  it('marks what it has cut', () => {
    expect(show('x'.repeat(79))).toBe(`'${'x'.repeat(79)}'`);
    expect(show(['x'.repeat(79), 'y'.repeat(79)])).toMatch(/^\[.*\.\.\.$/);
  });
});
