/** The last lines of a slave's log, for the error that says why it is gone. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Enough for what node prints when it aborts. */
const TAIL_BYTES = 16 * 1024;
const TAIL_LINES = 12;

/** Bytes that a log has; 0 when there is none. What a process writes from now on begins there. */
export function log_size(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of a log from byte `from` on; undefined when there is no such file, or nothing in it. */
export function log_tail(file: string, from = 0): string | undefined {
  return read_end(file, from)?.split('\n').slice(-TAIL_LINES).join('\n') || undefined;
}

/** Whether a log, from byte `from` on, ends with node's words for a full JavaScript heap. */
export function says_heap_is_full(file: string, from = 0): boolean {
  return read_end(file, from)?.includes('JavaScript heap out of memory') === true;
}

function read_end(file: string, from: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(Math.max(0, size - from), TAIL_BYTES));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd();
  } finally {
    closeSync(fd);
  }
}
