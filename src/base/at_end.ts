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
    try {
      act();
    } catch (error) {
      // the others must be done all the same
      console.error(error);
    }
  }
}

/** A program that handles the signal itself decides what becomes of it; its end is seen by `exit`. */
function on_signal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) - bystanders() > 1) return;
  act_all();
  process.off(signal, on_signal);
  process.kill(process.pid, signal);
}

/**
 * Listeners of the package signal-exit, which does as we do: it handles no signal, and ends the process when
 * nobody else does. execa has one for as long as a command runs, so that we would wait for each other.
 */
function bystanders(): number {
  const count_of = (home: object, key: string | symbol): number =>
    (home as Record<string | symbol, { count: number } | undefined>)[key]?.count ?? 0;
  // its third and its fourth version
  return (
    count_of(process, '__signal_exit_emitter__') + count_of(globalThis, Symbol.for('signal-exit emitter'))
  );
}
