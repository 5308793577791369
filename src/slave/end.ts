/** The end of a slave whose master is gone or wants it gone: it leaves with all that its tasks started. */
export function end_process(owns_group: boolean): void {
  // 0 is the caller's own process group: this slave and the programs that its tasks run
  process.kill(owns_group ? 0 : process.pid, 'SIGKILL');
}
