/** Runs a command in several processes at once, as mpirun and srun do, and ends with them. */
import { spawn } from 'node:child_process';

/** @param env_of gives the variables by which a process knows its rank */
export function run_group(count, [file, ...words], env_of) {
  let exit_code = 0;
  let left = count;
  const children = Array.from({ length: count }, (_, rank) => {
    const env = { ...process.env, ...env_of(rank) };
    const child = spawn(file, words, { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    child.once('exit', (code, signal) => {
      exit_code ||= code ?? (signal === null ? 0 : 137);
      if (--left === 0) process.exit(exit_code);
    });
    return child;
  });
  const end_all = (signal) => {
    for (const { pid } of children) {
      try {
        process.kill(-pid, signal);
      } catch {
        // it has ended
      }
    }
  };
  process.on('SIGTERM', () => {
    end_all('SIGTERM');
    setTimeout(() => end_all('SIGKILL'), 300).unref();
  });
}
