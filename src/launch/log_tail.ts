/** The last lines of a slave's log, for the error that says why it is gone. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 4096;
const TAIL_LINES = 12;

/** Undefined when there is no such file, or nothing in it. */
export function log_tail(file: string): string | undefined {
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
    const lines = bytes.toString('utf8').trimEnd().split('\n');
    return lines.slice(-TAIL_LINES).join('\n') || undefined;
  } finally {
    closeSync(fd);
  }
}
