/** MasterProcess: the process of master.ts, with the words that go both ways. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { MasterOrder, MasterWord, StormWord } from './master_words.js';

// run by node itself with tsx as a loader: the program tsx would be one more process between us
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const SCRIPT = fileURLToPath(new URL('./master.ts', import.meta.url));

export class MasterProcess {
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  stderr = '';
  /** It was ended by `kill`. */
  is_killed = false;
  readonly #child: ChildProcess;

  constructor(
    order: MasterOrder,
    options: { cwd: string; env: Record<string, string> },
    hear: (word: MasterWord) => void,
    script = SCRIPT,
  ) {
    this.#child = spawn(
      process.execPath,
      ['--expose-gc', '--import', LOADER, script, JSON.stringify(order)],
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => {});
    stderr?.on('data', (bytes) => {
      this.stderr += bytes;
    });
    const lines = createInterface({ input: stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => hear(JSON.parse(line) as MasterWord));
    // its last words are read to their end first
    const read = new Promise((resolve) => lines.once('close', resolve));
    this.ended = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => read.then(() => resolve({ code, signal }))),
    );
  }

  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  say(word: StormWord): void {
    this.#child.stdin?.write(`${JSON.stringify(word)}\n`);
  }

  /** Kills it, for another to go on in its place. */
  kill(): void {
    this.is_killed = true;
    this.#child.kill('SIGKILL');
  }

  /** Ends it for good. */
  end(): void {
    this.#child.kill('SIGKILL');
  }
}
