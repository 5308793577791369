/**
 * Runs the program of a section: one process or a pipeline, in a process group of its own for each stage, whose end
 * is the end of all that it has started. What it prints goes to the master for the log; what it reports, as notes.
 *
 *     program ── stdout, stderr ─▶ log          report descriptor, lines of SEP on stderr ─▶ notes
 *     guard: a shell that waits for the end of this slave, and then kills the group
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { access, copyFile, link, mkdir, rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { FarCall } from './call.js';
import { fault_of } from './declared.js';
import { facts_of } from './files.js';
import { kill_group, start_of } from './leftovers.js';
import type { ProgramEnd, ProgramNote, ProgramOrder, Stage } from './messages.js';
import { LineCutter, parse_report, parse_sep_line } from './report_lines.js';

/** Of what a program prints, so much of its end goes with its result, bytes. */
const TAIL_BYTES = 4096;
/** From the order to end to the kill, ms. */
const KILL_AFTER = 2000;
/** From the end of a program to the end of what it may still print, ms. */
const DRAIN_TIME = 1000;
const REPORT_FD = 3;
/** Ends a process group when the slave that holds its input is gone, however it went. */
const GUARD = ['-c', 'trap "" HUP INT TERM; read line; kill -9 "-$1" 2>/dev/null', 'parjob-guard'];

/** One stage that runs. */
class RunningStage {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  exit_code: number | undefined;
  signal: string | undefined;
  error: Error | undefined;
  #guard: ChildProcess | undefined;

  constructor(stage: Stage, order: ProgramOrder, stdio: (number | 'pipe' | 'ignore')[]) {
    const [file = '', ...words] = stage.words;
    this.child = spawn(file, words, {
      cwd: order.cwd,
      env: { ...process.env, ...order.env, ...stage.env, PARJOB_REPORT_FD: String(REPORT_FD) },
      stdio: [...stdio, 'pipe'],
      detached: true,
    });
    const { child } = this;
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.error ??= error;
        resolve();
      });
      child.once('exit', (exit_code, signal) => {
        this.exit_code = exit_code ?? undefined;
        this.signal = signal ?? undefined;
        resolve();
      });
    });
    if (child.pid !== undefined) this.#guard = start_guard(child.pid);
  }

  get has_ended_well(): boolean {
    return this.error === undefined && this.exit_code === 0;
  }

  /** Ends what the stage has left behind. */
  clear(): void {
    if (this.child.pid !== undefined) kill_group(this.child.pid);
    this.#guard?.stdin?.end();
  }
}

function start_guard(pid: number): ChildProcess {
  const guard = spawn('/bin/sh', [...GUARD, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => {});
  guard.stdin?.on('error', () => {});
  guard.unref();
  return guard;
}

/** Runs a program to its end. What it prints is sent in the call; it is ended when the call is aborted. */
export async function run_program(call: FarCall, order: ProgramOrder): Promise<ProgramEnd> {
  const began = performance.now();
  await mkdir(order.folder, { recursive: true });
  for (const { from, to } of order.moves) await keep_also_as(from, to);
  const printed = new Printed(call);
  let reported: string | undefined;
  const note = (message: ProgramNote) => call.note(message);
  const stages = start_stages(order);
  try {
    // before anything is awaited: what nobody listens to when a program ends is thrown away
    for (const { child } of stages) {
      const lines = new LineCutter((line) => {
        const said = parse_report(line);
        if (said?.kind === 'error') reported = said.text;
        else if (said !== undefined && said.kind !== 'begun') note(said);
      });
      printed.wait_for(child.stdio[REPORT_FD] as Readable | null, lines);
      const sep_lines = new LineCutter((line) => {
        const said = parse_sep_line(line);
        if (said === undefined) return;
        note({ kind: 'progress', ...said });
        note({ kind: 'checkpoint', text: `finished=${said.done}`, is_progress: true });
      });
      printed.read(child.stderr, sep_lines);
    }
    // what a stage prints goes to the next one; what the last one prints is in the log, or in a file
    printed.read((stages.at(-1) as RunningStage).child.stdout);
    const [first] = stages as [RunningStage, ...RunningStage[]];
    const pid = first.child.pid;
    if (pid !== undefined) {
      // at once: nothing that the program reports is told before it has started
      writeFileSync(order.pid_file, `${pid} ${start_of(pid) ?? ''}\n`);
      note({ kind: 'started', pid });
    }
    const end = () => end_stages(stages);
    if (call.signal.aborted) end();
    call.signal.addEventListener('abort', end, { once: true });
    await Promise.all(stages.map((stage) => stage.ended));
    call.signal.removeEventListener('abort', end);
    for (const stage of stages) stage.clear();
    await printed.drain();
  } finally {
    for (const stage of stages) stage.clear();
    await rm(order.pid_file, { force: true });
  }
  const run_ms = performance.now() - began;
  const bad = stages.find((stage) => !stage.has_ended_well);
  const error = bad?.error === undefined ? reported : start_error(bad.error, order);
  const is_good = bad === undefined && error === undefined;
  return {
    exit_code: bad === undefined ? 0 : bad.exit_code,
    signal: bad?.signal,
    error,
    tail: printed.tail,
    run_ms,
    outputs: is_good ? await facts_of_outputs(order) : [],
  };
}

/** It stays under its old name too, where a later master looks for it if this one dies before the program has started. */
async function keep_also_as(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

function start_error(error: Error, order: ProgramOrder): string {
  const words = order.stages.map((stage) => stage.words[0]).join(' | ');
  return `${words} could not be started: ${error.message}`;
}

function start_stages(order: ProgramOrder): RunningStage[] {
  const { stages, stdin, stdout } = order;
  const opened: number[] = [];
  const open_file = (path: string, flags: string) => {
    const fd = openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  const running: RunningStage[] = [];
  try {
    for (const [i, stage] of stages.entries()) {
      const is_last = i === stages.length - 1;
      let input: number | 'pipe' | 'ignore' = 'pipe';
      if (i === 0 && stdin === undefined) input = 'ignore';
      else if (i === 0 && stdin !== undefined && 'path' in stdin) input = open_file(stdin.path, 'r');
      // an output that is gone on with is added to
      const output = is_last && stdout !== undefined ? open_file(stdout, 'a') : 'pipe';
      running.push(new RunningStage(stage, order, [input, output, 'pipe']));
    }
  } catch (error) {
    for (const stage of running) stage.clear();
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  if (stdin !== undefined && 'text' in stdin) write_to(running[0]?.child.stdin, (to) => to.end(stdin.text));
  for (const [i, { child }] of running.entries()) {
    const next = running[i + 1];
    if (next !== undefined) write_to(next.child.stdin, (to) => child.stdout?.pipe(to));
  }
  return running;
}

/** A program need not read what it is given. */
function write_to(stream: Writable | null | undefined, write: (stream: Writable) => void): void {
  if (stream === null || stream === undefined) return;
  stream.on('error', () => {});
  write(stream);
}

function end_stages(stages: readonly RunningStage[]): void {
  const signal_all = (signal: NodeJS.Signals) => {
    for (const { child } of stages) if (child.pid !== undefined) kill_group(child.pid, signal);
  };
  signal_all('SIGTERM');
  const timer = setTimeout(() => signal_all('SIGKILL'), KILL_AFTER);
  void Promise.all(stages.map((stage) => stage.ended)).then(() => clearTimeout(timer));
}

/** What a program prints: to the master, as fast as that takes it, and the end of it here. */
class Printed {
  readonly #call: FarCall;
  readonly #closed: Promise<void>[] = [];
  readonly #streams: Readable[] = [];
  #sending: Promise<void> = Promise.resolve();
  #end: Buffer = Buffer.alloc(0);

  constructor(call: FarCall) {
    this.#call = call;
  }

  get tail(): string {
    return this.#end.toString('utf8').trimEnd();
  }

  read(stream: Readable | null, lines?: LineCutter): void {
    if (stream === null) return;
    this.#streams.push(stream);
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      lines?.push(bytes);
      this.#end = Buffer.concat([this.#end, bytes]).subarray(-TAIL_BYTES);
      stream.pause();
      this.#sending = this.#sending
        .then(() => this.#call.send(bytes))
        .catch(() => {})
        .then(() => void stream.resume());
    });
    this.#wait_for_end(stream, lines);
  }

  /** Reads a stream of reports, which is no part of what is printed. */
  wait_for(stream: Readable | null, lines: LineCutter): void {
    if (stream === null) return;
    this.#streams.push(stream);
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => lines.push(bytes));
    this.#wait_for_end(stream, lines);
  }

  #wait_for_end(stream: Readable, lines: LineCutter | undefined): void {
    this.#closed.push(
      new Promise((resolve) => {
        stream.once('close', () => {
          lines?.end();
          resolve();
        });
      }),
    );
  }

  /** Resolves when all is sent, or when what a stranger holds open has had its time. */
  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_TIME);
    });
    await Promise.race([Promise.all(this.#closed), late]);
    clearTimeout(timer);
    for (const stream of this.#streams) stream.destroy();
    await this.#sending;
  }
}

async function facts_of_outputs(order: ProgramOrder): Promise<ProgramEnd['outputs']> {
  return Promise.all(
    order.outputs.map(async ({ key, path, format, declared }) => {
      try {
        await access(path);
        const bad = declared === undefined ? undefined : await fault_of(path, declared);
        if (bad !== undefined) return { key, bad };
        return { key, ...(await facts_of(path, format)) };
      } catch (error) {
        return { key, missing: (error as Error).message };
      }
    }),
  );
}
