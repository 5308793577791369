/**
 * Scanners: how the starts of records are found in bytes that come piece by piece. Each is a small state machine, so
 * that a record may be larger than memory and bytes may be cut anywhere.
 */
import { UsageError } from '../../errors.js';
import type { RecordScanner } from './format.js';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const GREATER = 62;
const QUOTE = 34;

/** A record is a line. */
export class LineScanner implements RecordScanner {
  scan(bytes: Uint8Array, base: number, starts: number[]): void {
    let at = bytes.indexOf(NEWLINE);
    while (at !== -1) {
      starts.push(base + at + 1);
      at = bytes.indexOf(NEWLINE, at + 1);
    }
  }
}

/** A record begins with a > that begins a line. */
export class FastaScanner implements RecordScanner {
  // what comes before the first > goes with it
  #has_begun = false;
  #last = NEWLINE;

  scan(bytes: Uint8Array, base: number, starts: number[]): void {
    if (bytes.length === 0) return;
    let at = bytes.indexOf(GREATER);
    while (at !== -1) {
      if ((at === 0 ? this.#last : bytes[at - 1]) === NEWLINE) {
        if (this.#has_begun) starts.push(base + at);
        this.#has_begun = true;
      }
      at = bytes.indexOf(GREATER, at + 1);
    }
    this.#last = bytes[bytes.length - 1] as number;
  }
}

/** Where a CSV reader stands. */
const FIELD_START = 0;
const PLAIN = 1;
const QUOTED = 2;
const QUOTE_IN_QUOTED = 3;

/** A record is a line whose quoted fields may have line ends in them. A quote opens a field only at its start. */
export class CsvScanner implements RecordScanner {
  readonly #delimiter: number;
  #state = FIELD_START;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  scan(bytes: Uint8Array, base: number, starts: number[]): void {
    const delimiter = this.#delimiter;
    let state = this.#state;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (state === QUOTED) {
        if (byte === QUOTE) state = QUOTE_IN_QUOTED;
      } else if (byte === NEWLINE) {
        starts.push(base + at + 1);
        state = FIELD_START;
      } else if (byte === delimiter) {
        state = FIELD_START;
      } else if (byte === QUOTE && state !== PLAIN) {
        // at the start of a field it opens it; behind another quote the two stand for one
        state = QUOTED;
      } else if (byte !== CARRIAGE_RETURN) {
        state = PLAIN;
      }
    }
    this.#state = state;
  }
}

/** A record has a fixed number of bytes. */
export class FixedScanner implements RecordScanner {
  readonly #record_bytes: number;
  // bytes of the record that has begun which have gone by
  #seen = 0;

  constructor(record_bytes: number) {
    if (!Number.isSafeInteger(record_bytes) || record_bytes < 1) {
      throw new UsageError(`a record must have a whole number of bytes from 1, got ${record_bytes}`);
    }
    this.#record_bytes = record_bytes;
  }

  scan(bytes: Uint8Array, base: number, starts: number[]): void {
    let at = this.#record_bytes - this.#seen;
    for (; at <= bytes.length; at += this.#record_bytes) starts.push(base + at);
    this.#seen = this.#record_bytes - (at - bytes.length);
  }
}
