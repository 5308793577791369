/** parjob dashboard: serves the page of a run from its status file, whether the run goes on or not. */
import { UsageError } from '../errors.js';
import { Dashboard } from '../watch/dashboard/dashboard.js';
import { FileRun } from '../watch/file_run.js';
import { SectionsRun } from '../watch/sections_run.js';

export interface DashboardFileOptions {
  /** As on the command line. @default '0', the system chooses */
  port?: string | number | undefined;
  /** @default 127.0.0.1 */
  host?: string | undefined;
  /** Ends it. @default SIGINT or SIGTERM does */
  signal?: AbortSignal | undefined;
  /** Told where the page is. @default a line on stdout */
  on_url?: ((url: string) => void) | undefined;
}

const LONGEST_PORT = 65_535;

/**
 * Serves the page until it is ended. Returns the exit code.
 * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the file cannot be read, or is no status file
 * @throws UsageError (PARJOB_ERR_USAGE) for a port that cannot be
 */
export async function dashboard_file(file: string, options: DashboardFileOptions = {}): Promise<number> {
  const { host, on_url = (url) => console.log(url) } = options;
  const port = Number(options.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > LONGEST_PORT)
    throw new UsageError(`dashboard: --port takes a number from 0 to ${LONGEST_PORT}, got ${options.port}`);
  const run = SectionsRun.is_one(file) ? new SectionsRun(file) : FileRun.open(file);
  try {
    const dashboard = await Dashboard.serve(run, { host, port });
    on_url(dashboard.url);
    await ended(options.signal);
    await dashboard.close();
  } finally {
    await run.close();
  }
  return 0;
}

/** Resolves when somebody wants it to end; until then the process lives. */
function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 2 ** 30);
    const end = () => {
      clearInterval(alive);
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
      resolve();
    };
    if (signal === undefined) for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
    else if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
