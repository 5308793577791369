/**
 * Trace context: has a task run in the trace that its master is in, by the API of OpenTelemetry alone. Spans that the
 * task makes stand in that of the master then, if an SDK is registered on the slave (by a start-up command, say).
 */

/** The trace, as a propagator writes it: `traceparent` and its like. */
export type Carrier = Readonly<Record<string, string>>;

/** Calls `run` in the trace of `carrier`. */
export type Enter = <T>(carrier: Carrier, run: () => T) => T;

/** Without the API nobody there can ask for the trace: tasks run as they are. */
export async function load_enter(): Promise<Enter> {
  let api: typeof import('@opentelemetry/api');
  try {
    api = await import('@opentelemetry/api');
  } catch {
    return (_carrier, run) => run();
  }
  const { context, propagation, ROOT_CONTEXT } = api;
  const context_of = (carrier: Carrier) => {
    try {
      return propagation.extract(ROOT_CONTEXT, carrier);
    } catch {
      // what looks on must not break the task
      return ROOT_CONTEXT;
    }
  };
  return (carrier, run) => context.with(context_of(carrier), run);
}
