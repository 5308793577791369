/** Options that several kinds of slaves have in common, and what they may be. */
import {
  A_STRING,
  type Expectation,
  either,
  integer_between,
  positive,
  STRING_RECORD,
  STRINGS,
  show,
} from '../../base/options.js';
import { UsageError } from '../../errors.js';
import type { BatchOptions } from '../../launch/batch_system.js';
import { walltime_seconds } from '../../launch/duration.js';

/** A command before other words: words, or text that is split at blanks. */
export function command_words(command: string | readonly string[]): string[] {
  return typeof command === 'string' ? command.trim().split(/\s+/) : [...command];
}

const A_WALLTIME: Expectation = {
  expected: "text such as '1:30:00' or '2-00:00:00', or a number of ms",
  holds: (v) => {
    if (typeof v === 'number') return v > 0;
    try {
      return typeof v === 'string' && walltime_seconds(v) > 0;
    } catch (error) {
      if (error instanceof UsageError) return false;
      throw error;
    }
  },
};

export const BATCH_TABLE: Readonly<Record<keyof BatchOptions, Expectation>> = {
  time: A_WALLTIME,
  memory: either(A_STRING, positive('bytes')),
  cpus: integer_between(1, 100_000),
  account: A_STRING,
  extra_args: STRINGS,
  setup: STRINGS,
  env: STRING_RECORD,
  node_flags: STRINGS,
};

/** How many slaves. */
export const A_COUNT = integer_between(0, 100_000);

/** The name or address of a node, with a user if need be; nothing that ssh or qrsh would take for an option. */
export const A_NODE: Expectation = {
  expected: "the name or address of a node, such as 'node7' or 'user@node7'",
  holds: (v) => typeof v === 'string' && /^(?:\w[\w.-]*@)?[\w[:][\w.:%\]-]*$/.test(v),
};

/** Checks an argument that must be given. @throws UsageError (PARJOB_ERR_USAGE) */
export function check_argument(owner: string, name: string, value: unknown, expectation: Expectation): void {
  if (expectation.holds(value)) return;
  throw new UsageError(`${owner}: ${name} must be ${expectation.expected}, got ${show(value)}`);
}
