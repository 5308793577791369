/**
 * What a program says of itself, line by line: on the descriptor that PARJOB_REPORT_FD names, or, as SEP's programs
 * do, on standard error.
 *
 *     progress 3 of 10 | checkpoint KEY=VALUE ... | started | error TEXT          name finished=3 of 10
 */
import type { ProgramNote } from './messages.js';

/** No line of a report is longer; the rest of it is left out. */
const MAX_LINE_CHARACTERS = 16_384;

export type ReportLine = ProgramNote | { kind: 'error'; text: string } | { kind: 'begun' };

/** What a line on the report descriptor says; undefined when it says nothing that we know. */
export function parse_report(line: string): ReportLine | undefined {
  const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
  switch (word) {
    case 'started':
      return { kind: 'begun' };
    case 'error':
      return { kind: 'error', text: rest === '' ? 'no text was given' : rest };
    case 'checkpoint':
      return rest === '' ? undefined : { kind: 'checkpoint', text: rest, is_progress: false };
    case 'progress': {
      const [, done, total] = /^(\d+(?:\.\d+)?)(?:\s+of\s+(\d+(?:\.\d+)?))?$/.exec(rest) ?? [];
      if (done === undefined) return undefined;
      return { kind: 'progress', done: Number(done), total: total === undefined ? undefined : Number(total) };
    }
    default:
      return undefined;
  }
}

/** SEP's line of progress, which is also a checkpoint. */
export function parse_sep_line(line: string): { done: number; total: number } | undefined {
  const [, done, total] = /(?:^|\s)finished=(\d+) of (\d+)\s*$/.exec(line) ?? [];
  return done === undefined ? undefined : { done: Number(done), total: Number(total) };
}

/** Cuts text into lines as it comes. */
export class LineCutter {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = (lines.pop() as string).slice(0, MAX_LINE_CHARACTERS);
    for (const line of lines) this.#take(line.slice(0, MAX_LINE_CHARACTERS));
  }

  end(): void {
    if (this.#rest !== '') this.#take(this.#rest);
    this.#rest = '';
  }
}
