/** The worker processes of the bare loop: plain forks that are told a port and connect back, and are ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('./worker.cjs', import.meta.url));

/** What a connection carries: batches of tasks, or frames that are sent back as they came. */
export type WorkerMode = 'tasks' | 'frames';

export function spawn_worker(port: number, connections: number, mode: WorkerMode): ChildProcess {
  return spawn(process.execPath, [WORKER, String(port), String(connections), mode], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Ends the processes and waits until they are gone. */
export async function end_all(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }),
  );
}
