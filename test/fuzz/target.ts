/** Target: one entrance for bytes that are not ours, as the fuzzer sees it. */
import type { Layout } from './mutator.js';
import type { Random } from './random.js';

export interface Input {
  readonly bytes: Buffer;
  /** Binaries beside a body, as they came in its frame. They are not changed. */
  readonly attachments?: readonly Uint8Array[] | undefined;
}

export interface Target {
  readonly name: string;
  readonly layout: Layout;
  /** Good inputs, to be made bad. */
  readonly samples: readonly Input[];
  /** Bytes that may be allocated at once however short the input is. @default 4 MiB */
  readonly max_bytes?: number;
  /**
   * Takes a bad input. It returns whether the input was taken, or throws what is a bug. What is random about
   * the way of an input, such as the pieces it comes in, is asked of `random`.
   */
  run(input: Input, random: Random): boolean;
  /** Throws when a good input is not taken any more as it was before. */
  verify?(): void;
  /** Undoes what was set up for it. */
  close?(): void;
}

/** Thrown for what the code under test has done wrong, where it has thrown nothing itself. */
class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenPromiseError(what);
}

/** No text of an error grows with the input: it is logged, and kept. */
const MAX_MESSAGE = 4096;

/** Whether `read` takes its input. Errors of `ours` are a refusal; any other goes on. */
export function is_taken(ours: abstract new (...args: never[]) => Error, read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof ours)) throw error;
    insist(error.message.length <= MAX_MESSAGE, 'the text of an error grows with the input');
    return false;
  }
}
