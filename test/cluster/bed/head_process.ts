/** HeadProcess: a command that runs on a host of a bed; its output, its end, and a way to signal it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface CommandOptions {
  /** Default: the bed's work folder, which all hosts share. */
  cwd?: string;
  /** On top of what the bed gives. */
  env?: Readonly<Record<string, string>>;
  /** For its standard input, which is empty without it. */
  input?: string;
  /** ms; then it is killed, and the call fails. */
  timeout?: number;
}

export interface CommandEnd {
  exit_code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** How long it may take until a forked child can be seen, ms. */
const FORK_TIME = 5000;
/** How much of its output an error quotes. */
const MOST_TEXT = 3000;

export class HeadProcess {
  readonly words: readonly string[];
  /** Resolves when it has ended and all that it wrote was read. Rejects if it could not be started. */
  readonly ended: Promise<CommandEnd>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #entry: readonly string[];
  #is_over = false;
  #waiting: (() => void)[] = [];

  /** `entry` are the words that lead to the host: nsenter and its arguments, or none. */
  constructor(
    entry: readonly string[],
    words: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; input?: string | undefined },
  ) {
    this.words = words;
    this.#entry = entry;
    const [file, ...rest] = [...entry, ...words] as [string, ...string[]];
    this.#child = spawn(file, rest, {
      cwd: options.cwd,
      env: options.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // Ctrl-C in the terminal is not meant for it
      detached: true,
    });
    this.#child.stdin?.on('error', () => {}).end(options.input);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear('stdout', text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear('stderr', text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (exit_code, signal) => {
        this.#is_over = true;
        this.#wake();
        resolve({ exit_code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ended.catch(() => {});
  }

  /** Its pid as this machine sees it. To enter a pid space nsenter forks: then it is that child. */
  async pid(): Promise<number> {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.words.join(' ')} could not be started`);
    if (this.#entry.length === 0) return pid;
    const deadline = performance.now() + FORK_TIME;
    while (!this.#is_over && performance.now() < deadline) {
      const child = Number(read(`/proc/${pid}/task/${pid}/children`).trim().split(' ')[0]);
      if (child > 0) return child;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`${this.words.join(' ')} has no process any more; stderr: ${this.stderr}`);
  }

  /** Sends it `signal`; whether it was still there. */
  async kill(signal: NodeJS.Signals): Promise<boolean> {
    try {
      return process.kill(await this.pid(), signal);
    } catch {
      return false;
    }
  }

  /** Resolves with the match as soon as its output has `pattern`. Rejects when it ends without, or after `limit` ms. */
  async printed(pattern: RegExp, limit = 60_000): Promise<RegExpMatchArray> {
    const deadline = setTimeout(() => this.#wake(), limit);
    const begin = performance.now();
    try {
      for (;;) {
        const match = this.stdout.match(pattern);
        if (match !== null) return match;
        if (this.#is_over || performance.now() - begin >= limit) {
          const state = this.#is_over ? 'ended' : `after ${limit} ms`;
          throw new Error(
            `${this.words.join(' ')}: ${state}, and no ${pattern} in:\n${this.stdout.slice(-MOST_TEXT)}\n${this.stderr.slice(-MOST_TEXT)}`,
          );
        }
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  #hear(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
