/**
 * Watch: puts the watchers that were asked for on a job. Each is loaded only then; all share one model.
 * They observe: what fails in them is told by `on_error`, and the run goes on.
 */
import type { TaskTracing } from '../master/watching.js';
import { ModelView } from './model_view.js';
import { RunModel } from './run_model.js';
import type { WatchedJob } from './watched_job.js';

export interface WatchOptions {
  jobname: string;
  /** Folder of the log files, where a dashboard leaves word of itself. @default the working directory */
  log_dir?: string | undefined;
  /** Show the run in the terminal. @default false */
  progress?: boolean | undefined;
  /** Serve metrics for Prometheus on this port of loopback, or where it says. @default false */
  metrics?: boolean | { port?: number; host?: string } | undefined;
  /** Write Chrome trace events to this file. */
  trace?: string | undefined;
  /** Make spans by @opentelemetry/api. @default false */
  spans?: boolean | undefined;
  /** Publish events on node:diagnostics_channel. @default false */
  channels?: boolean | undefined;
  /** Serve the dashboard. @default false */
  dashboard?: boolean | { port?: number; host?: string; token?: string } | undefined;
  /** Told who says in which trace tasks run. */
  trace_tasks?: ((tracing: TaskTracing) => void) | undefined;
  /** Told of what a watcher cannot do. */
  on_error?: ((watcher: string, error: Error) => void) | undefined;
  /** Told where the dashboard or the metrics are. @default a line on stderr */
  on_address?: ((watcher: string, url: string) => void) | undefined;
}

/** Finished tasks that the dashboard can list one by one, and characters of the stories of tasks. */
const TASKS_FOR_DASHBOARD = 2 ** 20;
const STORIES_FOR_DASHBOARD = 32 * 2 ** 20;

export interface Watch {
  readonly model: RunModel;
  /** Ends all watchers. Resolves when their files are whole. */
  close(): Promise<void>;
}

export async function watch(job: WatchedJob, options: WatchOptions): Promise<Watch> {
  const { jobname, on_error = () => {} } = options;
  const on_address =
    options.on_address ?? ((watcher, url) => void process.stderr.write(`${jobname}: ${watcher}: ${url}\n`));
  const has_dashboard = options.dashboard !== undefined && options.dashboard !== false;
  const model = new RunModel(
    job,
    has_dashboard ? { tasks_kept: TASKS_FOR_DASHBOARD, story_limit: STORIES_FOR_DASHBOARD } : {},
  );
  const view = new ModelView(model, jobname, options.log_dir);
  const closers: (() => unknown)[] = [];
  const add = async (watcher: string, is_wanted: boolean, begin: () => Promise<() => unknown>) => {
    if (!is_wanted) return;
    try {
      closers.unshift(await begin());
    } catch (error) {
      on_error(watcher, error as Error);
    }
  };
  await add('channels', options.channels === true, async () => {
    const { publish_events } = await import('./channels.js');
    return publish_events(model);
  });
  await add('trace', options.trace !== undefined, async () => {
    const { Trace } = await import('./trace.js');
    const trace = new Trace(model, options.trace as string, jobname);
    return async () => {
      await trace.close();
      if (trace.error !== undefined) on_error('trace', trace.error);
    };
  });
  await add('spans', options.spans === true, async () => {
    const { Spans } = await import('./spans.js');
    const spans = new Spans(model, jobname);
    options.trace_tasks?.(spans);
    return () => spans.close();
  });
  await add('metrics', options.metrics !== undefined && options.metrics !== false, async () => {
    const { Metrics } = await import('./metrics.js');
    const metrics = new Metrics(model, jobname);
    const where = typeof options.metrics === 'object' ? options.metrics : {};
    const port = await metrics.serve(where);
    on_address('metrics', `http://${where.host ?? '127.0.0.1'}:${port}/metrics`);
    return () => metrics.close();
  });
  await add('dashboard', has_dashboard, async () => {
    const { Dashboard } = await import('./dashboard/dashboard.js');
    const where = typeof options.dashboard === 'object' ? options.dashboard : {};
    const dashboard = await Dashboard.serve(view, where);
    on_address('dashboard', dashboard.url);
    const { announce } = await import('./dashboard/announcement.js');
    const on_problem = (error: Error) => on_error('dashboard', error);
    const withdraw = announce(options.log_dir ?? process.cwd(), jobname, dashboard.url, on_problem);
    return async () => {
      withdraw();
      await dashboard.close();
    };
  });
  await add('progress', options.progress === true, async () => {
    const { Progress } = await import('./progress.js');
    const progress = new Progress(view);
    return () => progress.close();
  });
  let closing: Promise<void> | undefined;
  return {
    model,
    close: () => {
      closing ??= close_all(model, closers, (error) => on_error('watch', error));
      return closing;
    },
  };
}

async function close_all(
  model: RunModel,
  closers: readonly (() => unknown)[],
  on_error: (error: Error) => void,
): Promise<void> {
  // what has ended by now is in what the watchers say last
  model.close();
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      on_error(error as Error);
    }
  }
}
