/** Processes in tests: whether they live, waiting for their end, master programs in a process of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** False for a process that is gone, or only waits to be reaped. */
export function is_alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

/** Resolves when none of `pids` lives. @throws Error after `timeout` ms */
export async function wait_gone(pids: readonly number[], timeout = 15_000): Promise<void> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const left = pids.filter(is_alive);
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`still alive after ${timeout} ms: ${left.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A node program in a process of its own, whose output is read line by line. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  stderr = '';
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly string[], options: { cwd: string; env?: Record<string, string> }) {
    this.child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    this.child.stderr?.on('data', (bytes) => {
      this.stderr += bytes;
    });
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  /** The next line that it prints. @throws Error when it ends first */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended: ${this.stderr}`);
    return value as string;
  }

  /** All that it prints until its end. */
  async rest(): Promise<string> {
    const lines: string[] = [];
    for (let next = await this.#lines.next(); next.done !== true; next = await this.#lines.next())
      lines.push(next.value);
    return lines.join('\n');
  }
}
