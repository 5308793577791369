/**
 * Measured processes: each is fresh, in a process group of its own, has limited time, and is ended with all that it
 * started.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Build } from './build.js';

const TIME_LIMIT_MS = 180_000;

// What runs now, to be ended when the bench is.
const running = new Set<ChildProcess>();

/** What a script wrote to its file descriptor 3, and when it was started (ms since the epoch, with decimals). */
export interface Report {
  json: unknown;
  spawned_at: number;
}

/** Runs a script to its end and takes back what it reports. */
export async function run_measured(
  build: Build,
  node_flags: readonly string[],
  script: string,
  args: readonly string[],
): Promise<Report> {
  const spawned_at = performance.timeOrigin + performance.now();
  const child = spawn_script(build, node_flags, script, args, 'pipe');
  const timer = setTimeout(() => end_group(child), TIME_LIMIT_MS);
  const [report, errors, status] = await Promise.all([
    text_of(child.stdio[3] as Readable),
    text_of(child.stderr!),
    new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  ]);
  clearTimeout(timer);
  end_group(child);
  if (report === '')
    throw new Error(`${script} ${args.join(' ')} ended with ${status}: ${errors.slice(-2000)}`);
  return { json: JSON.parse(report), spawned_at };
}

/** A script that is sent messages and answers each. */
export interface Conversation {
  send(message: string): void;
  /** The next message. @throws Error when the script ends, or does not answer in time */
  receive(): Promise<unknown>;
  end(): void;
}

export function start_measured(build: Build, script: string, args: readonly string[]): Conversation {
  const child = spawn_script(build, [], script, args, 'ipc');
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  return {
    send: (message) => child.send(message, () => {}),
    receive: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => end_group(child), TIME_LIMIT_MS);
        const on_exit = (): void => {
          clearTimeout(timer);
          reject(new Error(`${script} ${args.join(' ')} ended: ${errors}`));
        };
        if (child.exitCode !== null || child.signalCode !== null) return on_exit();
        child.once('exit', on_exit);
        child.once('message', (message) => {
          clearTimeout(timer);
          child.off('exit', on_exit);
          resolve(message);
        });
      }),
    end: () => end_group(child),
  };
}

/** Ends what runs now, with all that it started. */
export function end_running(): void {
  for (const child of running) end_group(child);
}

function spawn_script(
  build: Build,
  node_flags: readonly string[],
  script: string,
  args: readonly string[],
  report: 'pipe' | 'ipc',
): ChildProcess {
  const options: SpawnOptions = {
    cwd: build.work,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', report],
  };
  const child = spawn(process.execPath, [...node_flags, `${build.scripts}/${script}`, ...args], options);
  running.add(child);
  return child;
}

/** Ends the process and those that it started: they are in its group. */
function end_group(child: ChildProcess): void {
  running.delete(child);
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All gone.
  }
}

async function text_of(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}
