/** Stored values: how a value stands in a line, or in a file beside it, and back. */
import { is_json_exact } from './json_exact.js';
import { MAX_LINE_BYTES, type StoredLine, type TaskLine } from './line.js';
import type { StoredValue } from './record.js';
import { checksum, type SideFolder } from './side_folder.js';

/** Largest inline_limit: its base64 and the rest of a line stay below MAX_LINE_BYTES. */
export const MAX_INLINE_BYTES = MAX_LINE_BYTES / 2;

/** JSON text in a file beside. */
const JSON_ENCODING = 'json';

/** A file that is to be written before the line that names it. */
export interface SideFile {
  name: string;
  pieces: readonly Uint8Array[];
}

/**
 * The fields of a line that hold `value`, as text that begins with a comma or is empty.
 * @param put_beside takes the pieces of what needs more than `inline_limit` bytes, and returns the name of its file
 */
export function value_text(
  value: StoredValue,
  inline_limit: number,
  put_beside: (pieces: readonly Uint8Array[]) => string,
): string {
  if ('json' in value) {
    if (value.json === undefined) return '';
    const text = JSON.stringify(value.json);
    // no text takes more than three bytes a character
    if (text.length * 3 <= inline_limit || Buffer.byteLength(text) <= inline_limit) return `,"value":${text}`;
    const pieces = [Buffer.from(text)];
    return stored_text(beside(JSON_ENCODING, pieces, put_beside(pieces)));
  }
  const { encoding, bytes } = value;
  const length = bytes.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (length > inline_limit) return stored_text(beside(encoding, bytes, put_beside(bytes)));
  const base64 = bytes.map((piece) =>
    Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('base64'),
  );
  return stored_text({ encoding, base64 });
}

function beside(encoding: string, pieces: readonly Uint8Array[], file: string): StoredLine {
  return { encoding, file, sha256: checksum(pieces), parts: pieces.map((piece) => piece.byteLength) };
}

function stored_text(stored: StoredLine): string {
  return `,"stored":${JSON.stringify(stored)}`;
}

/** The value of a line; a text says what is wrong when it cannot be had as it was. */
export function stored_value({ value, stored }: TaskLine, folder: SideFolder): StoredValue | string {
  if (stored === undefined) return { json: value };
  const { encoding, base64 } = stored;
  if (base64 !== undefined) {
    const bytes = base64.map((text) => Buffer.from(text, 'base64'));
    // Buffer.from skips what is no base64
    if (bytes.some((piece, i) => piece.toString('base64') !== base64[i])) return 'its base64 is damaged';
    return { encoding, bytes };
  }
  const bytes = folder.read(stored);
  if (typeof bytes === 'string' || encoding !== JSON_ENCODING)
    return typeof bytes === 'string' ? bytes : { encoding, bytes };
  try {
    const json: unknown = JSON.parse(Buffer.concat(bytes).toString());
    return is_json_exact(json) ? { json } : `the JSON in ${stored.file} is not one that a journal writes`;
  } catch (error) {
    return `the JSON in ${stored.file} is damaged: ${(error as Error).message}`;
  }
}
