/** A start-up command loads it: registers an SDK on a slave, and has tasks that look at the trace they run in. */

import { setImmediate as turn } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

new NodeTracerProvider().register();

/** The parent of a span that is made in the task, after it has waited. */
export async function parent_of_a_span() {
  await turn();
  const { parentSpanContext } = trace.getTracer('task').startSpan('step');
  return { trace_id: parentSpanContext?.traceId, span_id: parentSpanContext?.spanId };
}
