/**
 * Watching: what looks on while a job runs: progress, metrics, trace, dashboard. They stand above this room and only
 * listen; the front door says where they are, and they are loaded by a job that asks for one.
 */
/** Options of a Job that ask for somebody who looks on. */
export interface WatchingOptions {
  /**
   * Show the run in the terminal, on stderr; without a terminal as a line every few seconds.
   * @default false
   */
  progress?: boolean | undefined;
  /**
   * Serve a page that shows the run, on loopback or at `host`, where its link holds a token. The system chooses the
   * port and the job the token, unless they are given.
   * @default false
   */
  dashboard?: boolean | { port?: number; host?: string; token?: string } | undefined;
  /**
   * Serve metrics for Prometheus, on loopback or at `host`. The system chooses the port, unless it is given.
   * @default false
   */
  metrics?: boolean | { port?: number; host?: string } | undefined;
  /**
   * Write a trace for Perfetto or chrome://tracing to this file.
   * @default none is written
   */
  trace?: string | undefined;
  /**
   * Make spans by @opentelemetry/api, which must be installed.
   * @default false
   */
  spans?: boolean | undefined;
  /**
   * Publish events on node:diagnostics_channel.
   * @default false
   */
  channels?: boolean | undefined;
}

/** Somebody who looks on. */
export interface Watcher {
  close(): Promise<void>;
}

/** Has those look on that `options` ask for. `on_error` is told of what one of them cannot do. */
export type Watch = (
  job: object,
  options: WatchingOptions & {
    jobname: string;
    log_dir: string;
    on_error: (watcher: string, error: Error) => void;
  },
) => Promise<Watcher>;

let load_watch: (() => Promise<Watch>) | undefined;

/** For the front door: how to load them. */
export function set_watch(load: () => Promise<Watch>): void {
  load_watch = load;
}

export function is_watched(options: WatchingOptions): boolean {
  const { progress, dashboard, metrics, trace, spans, channels } = options;
  return [progress, dashboard, metrics, trace, spans, channels].some(
    (wish) => wish !== undefined && wish !== false,
  );
}

/** Undefined when nobody is asked for. */
export async function begin_watching(...args: Parameters<Watch>): Promise<Watcher | undefined> {
  if (load_watch === undefined || !is_watched(args[1])) return undefined;
  return (await load_watch())(...args);
}
