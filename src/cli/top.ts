/**
 * parjob top: a live view of a running job from another terminal. It reads what the job's dashboard tells; where
 * that is stands in a file beside the job's logs, `<jobname>.dashboard`.
 */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { UsageError } from '../errors.js';
import {
  type Announcement,
  announcement_file,
  announcement_files,
  read_announcement,
} from '../watch/dashboard/announcement.js';
import { Progress } from '../watch/progress.js';
import { RemoteRun } from '../watch/remote_run.js';
import type { Terminal } from '../watch/terminal_view.js';

export interface TopOptions {
  /** Print each state as a line of JSON instead. */
  json?: boolean | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Where it is shown. @default process.stdout */
  terminal?: Terminal | undefined;
}

const EXIT_LOST = 1;

/**
 * Shows the job until it ends. Returns the exit code: 1 when the connection was lost before that.
 * @param where link of a dashboard, name of a job, or its .dashboard file; the only one of the working directory when left out
 * @throws UsageError (PARJOB_ERR_USAGE) when no such job is found
 * @throws NetworkError (PARJOB_ERR_NETWORK) when it does not answer
 */
export async function top(where: string | undefined, options: TopOptions = {}): Promise<number> {
  const { json = false, signal, terminal = process.stdout } = options;
  const run = await RemoteRun.connect(url_of(where), signal);
  const print = () => void terminal.write(`${JSON.stringify(run.snapshot())}\n`);
  let progress: Progress | undefined;
  // there is nothing to show before the first word has come
  run.on_look(json ? print : () => void (progress ??= new Progress(run, { terminal, is_guest: true })));
  const has_finished = await run.follow();
  progress?.close();
  if (has_finished || signal?.aborted === true) return 0;
  console.error('parjob: the connection to the job was lost before its run had ended');
  return EXIT_LOST;
}

function url_of(where: string | undefined): string {
  if (where !== undefined && /^https?:/.test(where)) {
    if (URL.canParse(where)) return where;
    throw new UsageError(`top: expected the link of a dashboard, got ${where}`);
  }
  const file = where === undefined ? only_file() : file_of(where);
  const found = read_announcement(file);
  if (found === undefined)
    throw new UsageError(`top: ${file} does not say where a dashboard is: remove it if no job runs here`);
  check_host(found, file);
  return found.url;
}

function file_of(where: string): string {
  const own = announcement_file(process.cwd(), where);
  if (existsSync(own)) return own;
  if (existsSync(where)) return where;
  throw new UsageError(
    `top: no job ${where} shows itself here: ${own} does not exist. The job must run with dashboard: true, and top be called ` +
      'in the folder of its log files; or give it the link of the dashboard',
  );
}

function only_file(): string {
  const files = announcement_files(process.cwd());
  const [first] = files;
  if (files.length === 1 && first !== undefined) return first;
  if (first === undefined)
    throw new UsageError(
      'top: no job shows itself here: it must run with dashboard: true, and top be called in the folder of its log files',
    );
  const names = files.map((file) => read_announcement(file)?.jobname).filter((name) => name !== undefined);
  throw new UsageError(`top: several jobs show themselves here, name one: ${names.join(', ')}`);
}

/** A dashboard on loopback answers on its own machine alone. */
function check_host({ jobname, url, host }: Announcement, file: string): void {
  const is_loopback = /^https?:\/\/(127\.|localhost|\[::1\])/.test(url);
  if (!is_loopback || host === hostname()) return;
  throw new UsageError(
    `top: the dashboard of ${jobname} answers on ${host} alone: call top there, or give the job dashboard: { host }, as ${file} would then say`,
  );
}
