/**
 * Stories: what befell single tasks, in words: attempts that failed, errors with their stacks, checkpoints,
 * progress. Most tasks have none. What is kept is bounded by its length; the oldest stories go first.
 */
import { inspect } from 'node:util';
import { ParjobError } from '../errors.js';

/** What happened to a task. The words are those of the events of a Job. */
export type StoryKind =
  | 'task_failed'
  | 'task_retried'
  | 'task_cancelled'
  | 'task_checkpoint'
  | 'task_progress'
  | 'task_died';

export interface StoryEntry {
  kind: StoryKind;
  /** By the clock of the model, ms. */
  at: number;
  attempt: number;
  slave?: string | undefined;
  text: string;
  code?: string | undefined;
  stack?: string | undefined;
}

const LONGEST_TEXT = 16_384;
const LONGEST_VALUE = 400;
const MOST_ENTRIES = 64;
/** What an entry takes beside its texts, in characters, about. */
const ENTRY_SIZE = 200;

export class Stories {
  readonly #limit: number;
  readonly #stories = new Map<number, StoryEntry[]>();
  #size = 0;

  /** @param limit characters that are kept in all */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether anything is kept at all. */
  get is_on(): boolean {
    return this.#limit > 0;
  }

  get(index: number): readonly StoryEntry[] {
    return this.#stories.get(index) ?? [];
  }

  /** What befell the task `index`, which is -1 for a run_task: those have no story. */
  add(index: number, entry: StoryEntry): void {
    if (!this.is_on || index < 0) return;
    const entries = this.#stories.get(index) ?? [];
    // of progress only the last word counts, and of a long story the beginning and the end
    const is_replaced = entry.kind === 'task_progress' && entries.at(-1)?.kind === 'task_progress';
    const out = is_replaced ? entries.length - 1 : entries.length < MOST_ENTRIES ? -1 : MOST_ENTRIES / 2;
    if (out !== -1) this.#size -= size_of(entries.splice(out, 1)[0] as StoryEntry);
    entries.push(entry);
    this.#size += size_of(entry);
    // one that has news is young again
    this.#stories.delete(index);
    this.#stories.set(index, entries);
    this.#trim();
  }

  #trim(): void {
    for (const [index, entries] of this.#stories) {
      if (this.#size <= this.#limit) return;
      this.#stories.delete(index);
      for (const entry of entries) this.#size -= size_of(entry);
    }
  }
}

function size_of({ text, stack, slave }: StoryEntry): number {
  return ENTRY_SIZE + text.length + (stack?.length ?? 0) + (slave?.length ?? 0);
}

/** What an error is in a story. */
export function error_entry(error: Error): Pick<StoryEntry, 'text' | 'code' | 'stack'> {
  return {
    text: cut(error.message),
    code: error instanceof ParjobError ? error.code : undefined,
    stack: cut(stack_of(error)),
  };
}

/** The stack on the slave, where there is one: that of the master says nothing. */
function stack_of(error: Error): string {
  const { remote_stack } = error as { remote_stack?: unknown };
  return typeof remote_stack === 'string' ? remote_stack : (error.stack ?? '');
}

/** A value in a few words. */
export function value_text(value: unknown): string {
  try {
    const options = { depth: 2, maxArrayLength: 8, maxStringLength: LONGEST_VALUE, breakLength: Infinity };
    return inspect(value, options).slice(0, LONGEST_VALUE);
  } catch {
    return 'a value that cannot be shown';
  }
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
