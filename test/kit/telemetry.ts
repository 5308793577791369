/** The globals of OpenTelemetry, which tests share. */
import { context, propagation, trace } from '@opentelemetry/api';

/** Nothing is registered after it. */
export function reset_telemetry(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}
