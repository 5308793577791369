/** The last lines of a slave's log, for the error that says why it is gone. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Enough for what node prints when it aborts. */
const TAIL_BYTES = 16 * 1024;
const TAIL_LINES = 12;

/** The last lines of a log; undefined when there is no such file, or nothing in it. */
export function log_tail(file: string): string | undefined {
  return read_end(file)?.split('\n').slice(-TAIL_LINES).join('\n') || undefined;
}

/** Whether a log ends with node's words for a full JavaScript heap. */
export function says_heap_is_full(file: string): boolean {
  return read_end(file)?.includes('JavaScript heap out of memory') === true;
}

function read_end(file: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd();
  } finally {
    closeSync(fd);
  }
}
