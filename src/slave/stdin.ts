/**
 * stdin of a slave that was started by ssh: first a line with the secret, then, if ever, the order to end.
 *
 * The end of ssh does not end the slave, nor does the end of stdin: a broken ssh is no reason to lose work
 * while the master can be reached.
 */
import { readSync } from 'node:fs';

const NEWLINE = 10;
const LONGEST_LINE = 1024 * 1024;
/** A stdin that is not ready yet is asked again after so long, ms. */
const ASK_AGAIN = 10;

/** Waits for the first line, and takes no byte after it. @throws Error when there is none */
export function read_first_line(): string {
  const bytes: number[] = [];
  const one = Buffer.alloc(1);
  while (bytes.length < LONGEST_LINE) {
    const count = read_one(one);
    if (count === 0) break;
    if (one[0] === NEWLINE) return Buffer.from(bytes).toString('utf8');
    bytes.push(one[0] as number);
  }
  throw new Error('stdin was to give the secret of the job in its first line, and ended');
}

function read_one(into: Buffer): number {
  for (;;) {
    try {
      return readSync(0, into, 0, 1, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASK_AGAIN);
    }
  }
}

/** Calls `end` when a line `kill` comes. */
export async function watch_stdin(end: () => void): Promise<void> {
  const { Socket } = await import('node:net');
  try {
    const stdin = new Socket({ fd: 0, readable: true, writable: false });
    stdin.unref();
    stdin.on('error', () => {});
    stdin.on('data', (bytes) => {
      if (/^kill$/m.test(bytes.toString('latin1'))) end();
    });
  } catch {
    // a file, say: no order comes that way
  }
}
