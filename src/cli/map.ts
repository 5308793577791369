/**
 * parjob map: calls an exported function for each line of JSON on stdin, and prints a line of JSON for each result.
 *
 * It streams: a line is read when a slave will soon need it. Results come in the order of the lines unless that is
 * not wanted; then a line that takes long holds back no more than WINDOW results.
 */
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RemoteError, UsageError } from '../errors.js';
import { Job } from '../master/job.js';
import type { TrustOptions } from '../master/job_options.js';
import type { Outcome } from '../master/queued_task.js';
import { type AnyTask, tasks_from } from '../task.js';
import { read_config, type SlaveFlags, slaves_for } from './config.js';

/** Results that wait for one that comes before them in the input. */
const WINDOW = 10_000;
/** Characters of a line. More is no line of JSON: a file without line breaks. */
const LONGEST_LINE = 256 * 2 ** 20;

export interface MapFlags extends SlaveFlags, Pick<TrustOptions, 'attempts' | 'retries' | 'timeout'> {
  unordered?: boolean;
  outcomes?: boolean;
  jobname?: string;
  quiet?: boolean;
}

/** Returns the exit code. @param target `module.js#export` */
export async function map(target: string, flags: MapFlags): Promise<number> {
  const [file = '', name = ''] = target.split('#');
  // a loader of TypeScript finds x.ts where x.js is asked for
  if (![file, file.replace(/\.([cm]?)js$/, '.$1ts')].some(is_file))
    throw new UsageError(`map: there is no module ${file}: give its path, as in ./score.js#score`);
  const module = pathToFileURL(resolve(file));
  const call = tasks_from<Record<string, (item: unknown) => unknown>>(module)[name || 'default'];
  const config = await read_config(flags.config);
  const { attempts, retries, timeout } = flags;
  const job = new Job<unknown>(await slaves_for(flags, config), {
    jobname: flags.jobname ?? basename(file).replace(/\.[^.]*$/, ''),
    // what goes wrong is told by line
    log_level: 'error',
    progress: flags.quiet !== true && process.stderr.isTTY === true,
    ...config.job,
    ...Object.fromEntries(Object.entries({ attempts, retries, timeout }).filter(([, v]) => v !== undefined)),
  });
  const printer = new Printer(flags);
  try {
    job.queue_tasks(tasks_of_stdin(call as (item: unknown) => AnyTask<unknown>, printer));
    for await (const outcome of job.yield_tasks_unordered({ settle: true })) await printer.take(outcome);
  } catch (error) {
    // that it came by way of queue_tasks says nothing to who wrote the line
    const { cause } = error as Error;
    throw cause instanceof UsageError ? cause : error;
  } finally {
    await job.stop();
  }
  return printer.failed === 0 ? 0 : 1;
}

function is_file(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function* tasks_of_stdin(
  call: (item: unknown) => AnyTask<unknown>,
  printer: Printer,
): AsyncGenerator<AnyTask<unknown>> {
  let number = 0;
  for await (const line of lines_of(process.stdin.setEncoding('utf8'))) {
    number++;
    if (line.trim() === '') continue;
    let item: unknown;
    try {
      item = JSON.parse(line);
    } catch (error) {
      throw new UsageError(
        `stdin, line ${number}: expected JSON, got ${line.slice(0, 60)}: ${(error as Error).message}`,
      );
    }
    await printer.has_room();
    yield call(item);
  }
}

/** node:readline ends the process when a line is too long for a string. */
async function* lines_of(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  let number = 1;
  for await (const text of texts) {
    const lines = text.split('\n');
    const last = lines.pop() as string;
    for (const line of lines) {
      yield parts.join('') + line;
      parts = [];
      length = 0;
      number++;
    }
    parts.push(last);
    length += last.length;
    if (length > LONGEST_LINE)
      throw new UsageError(
        `stdin, line ${number}: longer than ${LONGEST_LINE} characters: expected a line of JSON for each item`,
      );
  }
  if (length > 0) yield parts.join('');
}

/** Prints outcomes, in the order of their tasks if that is wanted. */
class Printer {
  failed = 0;
  readonly #flags: MapFlags;
  readonly #waiting = new Map<number, Outcome>();
  #next = 0;
  #on_room: (() => void) | undefined;

  constructor(flags: MapFlags) {
    this.#flags = flags;
  }

  /** Resolves when another task may be begun. */
  has_room(): Promise<void> | undefined {
    if (this.#waiting.size < WINDOW) return undefined;
    return new Promise((resolve) => {
      this.#on_room = resolve;
    });
  }

  async take(outcome: Outcome): Promise<void> {
    if (this.#flags.unordered === true) return this.#print(outcome);
    this.#waiting.set(outcome.index, outcome);
    for (let next = this.#waiting.get(this.#next); next !== undefined; next = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next++);
      await this.#print(next);
    }
    this.#on_room?.();
    this.#on_room = undefined;
  }

  async #print(outcome: Outcome): Promise<void> {
    const { index, status } = outcome;
    if (status === 'rejected') {
      const { reason } = outcome;
      if (reason instanceof RemoteError && reason.remote_message.startsWith('the task module '))
        throw new UsageError(`map: ${reason.remote_message}`, { cause: reason });
      this.failed++;
      console.error(`parjob: item ${index}: ${outcome.reason.message}`);
    }
    if (this.#flags.outcomes === true) {
      const rest =
        outcome.status === 'fulfilled'
          ? { value: outcome.value ?? null }
          : { reason: { name: outcome.reason.name, message: outcome.reason.message } };
      return print_line({ index, status, ...rest });
    }
    // a line for each line: what failed has none to show
    await print_line(outcome.status === 'fulfilled' ? (outcome.value ?? null) : null);
  }
}

/** Waits when nobody reads. */
async function print_line(value: unknown): Promise<void> {
  if (process.stdout.write(`${JSON.stringify(value)}\n`)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
