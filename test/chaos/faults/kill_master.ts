/** The master is killed by SIGKILL and started again. */
import type { Fault } from './fault.js';

export const kill_master: Fault = {
  name: 'kill_master',
  weight: 0.7,
  impossible: (world) =>
    world.can_restart_master ? undefined : 'the job of this storm keeps no status file',
  strike(world) {
    const { master } = world;
    if (master?.pid === undefined) return undefined;
    const { pid } = master;
    master.kill();
    world.lose_master();
    return `(${pid})`;
  },
};
