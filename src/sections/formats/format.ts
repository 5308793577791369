/**
 * Format: what a dataset's file looks like. It is all that a user has to write for a format of their own, and it is
 * pure: bytes in, facts or bytes out. How a dataset is split, sent and joined follows from it and is in ../pieces.
 *
 *     cubes     [ head ][ elements, the first axis fastest ]      sizes are known, elements have a place
 *     records   [ head ][ record ][ record ] ...                  sizes differ, records have an order
 *
 * Axes are numbered from 1, the fastest first, as SEP does. Of records, axis 1 is the only one.
 */

/** One axis: how many elements, and, if the format knows, where the first one is and how far apart they are. */
export interface Axis {
  /** How many elements. */
  readonly n: number;
  /** Where the first one is. */
  readonly o?: number | undefined;
  /** How far apart they are. */
  readonly d?: number | undefined;
}

export type NumberKind =
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64';

/** One element of a cube. */
export interface Element {
  /** Its size, bytes. */
  readonly bytes: number;
  /** What its numbers are; a complex element is two of them. Undefined: it can be moved, not added or blended. */
  readonly number?: NumberKind | undefined;
  readonly is_big_endian?: boolean | undefined;
}

/** What the head of a cube's file says. */
export interface CubeHead {
  /** The axes, the fastest first. */
  readonly axes: readonly Axis[];
  /** What each element is. */
  readonly element: Element;
  /** Where the elements begin, bytes from the start of the file, or of `data_file` if they are in one of their own. */
  readonly offset: number;
  /** Their file, as the head names it: a relative name is looked for in the folder of the head first. */
  readonly data_file?: string | undefined;
  /** What the format needs to write a head like this one; not looked at by anybody else. */
  readonly source?: unknown;
}

/** A format of elements that have a place along axes. */
export interface CubeFormat {
  /** What sort of format it is. */
  readonly kind: 'cube';
  /** For errors. */
  readonly name: string;
  /**
   * Reads the head from the first bytes of a file.
   * @param is_whole there is no more than `start`
   * @returns undefined when more bytes are needed
   * @throws when it is no head; the message is put behind the name of the file
   */
  parse(start: Uint8Array, is_whole: boolean): CubeHead | undefined;
  /**
   * What stands before the elements of a file of its own that is like `like` and has these axes.
   * @param note a line of text on where the file comes from, for formats that have room for it; not to be split up
   * @param length make it just so long, if it can be; without, as long as the format likes
   */
  head(like: CubeHead, axes: readonly Axis[], note: string, length?: number): Uint8Array;
}

/** Finds the starts of records in bytes that come piece by piece. It is begun at the first byte of a record. */
export interface RecordScanner {
  /**
   * Appends to `starts` the offset of each record, but that at which it was begun, that begins in `bytes` or right
   * behind them.
   * @param bytes only to be looked at: their memory holds others when it has returned
   * @param base offset of the first of `bytes`
   */
  scan(bytes: Uint8Array, base: number, starts: number[]): void;
}

/** A format of records that follow each other. */
export interface RecordFormat {
  /** What sort of format it is. */
  readonly kind: 'records';
  /** For errors. */
  readonly name: string;
  /** What finds the records of one file. */
  scanner(): RecordScanner;
  /** Every record has so many bytes. */
  readonly record_bytes?: number | undefined;
  /** Bytes at the start of a file that are no records and go before every piece. @default 0 */
  readonly head_bytes?: number | undefined;
  /** Records at the start of a file, behind `head_bytes`, that go before every piece, as a header line. @default 0 */
  readonly head_records?: number | undefined;
  /** What has to stand between records and may be missing behind the last one: a newline. @default none */
  readonly terminator?: '\n' | undefined;
  /** Says what is wrong with the first bytes of a file, if something is: `it does not begin with '>'`. */
  refuse?(start: Uint8Array): string | undefined;
}

/** A format. Ours are in formats.ts. */
export type Format = CubeFormat | RecordFormat;
