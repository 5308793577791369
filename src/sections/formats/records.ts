/** The formats that are records: FASTA, text lines, CSV with a header line, binary records of a fixed size. */
import { UsageError } from '../../errors.js';
import type { RecordFormat } from './format.js';
import { CsvScanner, FastaScanner, FixedScanner, LineScanner } from './scanners.js';

/** Lines of text, ended by LF or CRLF; the last one need not be. */
export const lines: RecordFormat = {
  kind: 'records',
  name: 'LINES',
  terminator: '\n',
  scanner: () => new LineScanner(),
};

/** Sequences of DNA or protein, each after a line that begins with >. */
export const fasta: RecordFormat = {
  kind: 'records',
  name: 'FASTA',
  terminator: '\n',
  scanner: () => new FastaScanner(),
  refuse(start) {
    const first = start.find((byte) => byte > 32);
    return first === undefined || first === 62 ? undefined : "the first record does not begin with '>'";
  },
};

/** What can be said of a CSV file. */
export interface CsvOptions {
  /** One character of ASCII. @default ',' */
  delimiter?: string | undefined;
  /** The first record names the columns and goes before every piece. @default true */
  has_header?: boolean | undefined;
}

/**
 * Tables as text. Quoted fields may have delimiters and line ends in them, and two quotes for one.
 * @throws UsageError (PARJOB_ERR_USAGE) for a delimiter that cannot be
 */
export function csv(options: CsvOptions = {}): RecordFormat {
  const { delimiter = ',', has_header = true } = options;
  const code = delimiter.charCodeAt(0);
  if (delimiter.length !== 1 || code > 126 || '"\r\n'.includes(delimiter)) {
    throw new UsageError(
      `the delimiter of a CSV file must be one character of ASCII, no quote or line end, got '${delimiter}'`,
    );
  }
  return {
    kind: 'records',
    name: delimiter === ',' ? 'CSV' : delimiter === '\t' ? 'TSV' : `CSV:${delimiter}`,
    terminator: '\n',
    head_records: has_header ? 1 : 0,
    scanner: () => new CsvScanner(code),
  };
}

/** Binary records of `record_bytes` bytes each, behind `head_bytes` that go before every piece. */
export function fixed(record_bytes: number, head_bytes = 0): RecordFormat {
  // refuses what is no size
  new FixedScanner(record_bytes);
  if (!Number.isSafeInteger(head_bytes) || head_bytes < 0) {
    throw new UsageError(`the head of a file must have a whole number of bytes, got ${head_bytes}`);
  }
  return {
    kind: 'records',
    name: `FIXED:${record_bytes}${head_bytes === 0 ? '' : `+${head_bytes}`}`,
    record_bytes,
    head_bytes,
    scanner: () => new FixedScanner(record_bytes),
  };
}
