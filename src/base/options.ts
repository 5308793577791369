/**
 * Options: checks an options object against a table of what each name may hold.
 * The error names the option, says what was expected and what came.
 */
import { inspect } from 'node:util';
import { UsageError } from '../errors.js';

/** What a value must be, in words for the error, and a test for it. */
export interface Expectation {
  expected: string;
  holds(value: unknown): boolean;
}

export const A_STRING: Expectation = {
  expected: 'a string',
  holds: (v) => typeof v === 'string' && v !== '',
};
export const A_BOOLEAN: Expectation = { expected: 'true or false', holds: (v) => typeof v === 'boolean' };

export const A_FUNCTION: Expectation = {
  expected: 'a function',
  holds: (v) => typeof v === 'function',
};

export const A_SIGNAL: Expectation = {
  expected: 'an AbortSignal',
  holds: (v) => v instanceof AbortSignal,
};

/** A duration or size: a number above zero, Infinity allowed. */
export function positive(unit: 'ms' | 'bytes'): Expectation {
  return {
    expected: `a number of ${unit} above 0`,
    holds: (v) => typeof v === 'number' && v > 0,
  };
}

export function integer_between(low: number, high: number): Expectation {
  return {
    expected: `a whole number from ${low} to ${high}`,
    holds: (v) => Number.isInteger(v) && (v as number) >= low && (v as number) <= high,
  };
}

export function one_of(...words: readonly unknown[]): Expectation {
  return { expected: `one of ${words.map((w) => inspect(w)).join(', ')}`, holds: (v) => words.includes(v) };
}

export function either(...choices: readonly Expectation[]): Expectation {
  return {
    expected: choices.map((c) => c.expected).join(' or '),
    holds: (v) => choices.some((c) => c.holds(v)),
  };
}

export const STRINGS: Expectation = {
  expected: 'an array of strings',
  holds: (v) => Array.isArray(v) && v.every((word) => typeof word === 'string'),
};

export const STRING_RECORD: Expectation = {
  expected: 'an object whose values are strings (or undefined, to unset)',
  holds: (v) =>
    typeof v === 'object' &&
    v !== null &&
    !Array.isArray(v) &&
    Object.values(v).every((x) => typeof x === 'string' || x === undefined),
};

/**
 * Throws unless `options` is an object whose every name is in `table` and whose every value holds there.
 * An undefined value counts as not given.
 * @throws UsageError (PARJOB_ERR_USAGE)
 */
export function check_options(
  owner: string,
  options: unknown,
  table: Readonly<Record<string, Expectation>>,
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new UsageError(`${owner}: expected an options object, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const expectation = Object.hasOwn(table, name) ? table[name] : undefined;
    if (expectation === undefined) {
      const near = nearest(name, Object.keys(table));
      const hint =
        near === undefined ? `it takes ${Object.keys(table).join(', ')}` : `did you mean '${near}'?`;
      throw new UsageError(`${owner} has no option '${name}': ${hint}`);
    }
    if (value !== undefined && !expectation.holds(value)) {
      throw new UsageError(`${owner}: option '${name}' must be ${expectation.expected}, got ${show(value)}`);
    }
  }
}

/** A value in one line, for an error text. */
export function show(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 80 }).replace(
    /\s*\n\s*/g,
    ' ',
  );
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function nearest(word: string, words: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll('_', '');
  const same = words.find((w) => plain(w) === plain(word));
  if (same !== undefined) return same;
  let best: string | undefined;
  let least = 3;
  for (const candidate of words) {
    const distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function edit_distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
