/**
 * at_end: what must be done when this process ends: by itself, by an error that nobody caught, or by a signal.
 * It must be done without waiting. After SIGKILL it is not.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const acts = new Set<() => void>();

/** Has `act` called at the end of the process. Returns a function that takes this back. */
export function at_end(act: () => void): () => void {
  if (acts.size === 0) {
    process.on('exit', act_all);
    for (const signal of SIGNALS) process.on(signal, on_signal);
  }
  acts.add(act);
  return () => {
    if (!acts.delete(act) || acts.size > 0) return;
    process.off('exit', act_all);
    for (const signal of SIGNALS) process.off(signal, on_signal);
  };
}

function act_all(): void {
  for (const act of acts) {
    acts.delete(act);
    act();
  }
}

/** A program that handles the signal itself decides what becomes of it; its end is seen by `exit`. */
function on_signal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  act_all();
  process.off(signal, on_signal);
  process.kill(process.pid, signal);
}
