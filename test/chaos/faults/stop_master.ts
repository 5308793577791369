/** The master is frozen by SIGSTOP for longer than heartbeat_timeout. It must not take its slaves for dead after it. */
import { type Fault, never } from './fault.js';

export const stop_master: Fault = {
  name: 'stop_master',
  weight: 0.5,
  impossible: never,
  strike(world, random) {
    const pid = world.master?.pid;
    if (pid === undefined) return undefined;
    const ms = Math.round(world.heartbeat_timeout * (0.5 + random.fraction()));
    process.kill(pid, 'SIGSTOP');
    world.mend_after(ms, () => {
      if (world.master?.pid === pid) process.kill(pid, 'SIGCONT');
    });
    return `for ${ms} ms`;
  },
};
