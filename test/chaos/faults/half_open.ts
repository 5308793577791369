/** The cable is pulled: connections of a slave carry nothing any more, one way or both, and nobody closes them. */
import { type Fault, never } from './fault.js';

export const half_open: Fault = {
  name: 'half_open',
  weight: 1.5,
  impossible: never,
  strike(world, random) {
    const living = world.living();
    if (living.length === 0) return undefined;
    const slave = random.pick(living);
    const connections = world.connections(slave);
    if (connections.length === 0) return undefined;
    const all = random.chance(0.5) ? connections : [random.pick(connections)];
    const direction = random.pick(['both', 'to_master', 'to_slave'] as const);
    const ms = Math.round(world.heartbeat_timeout * random.pick([0.3, 2.5]));
    const roles = all.map(({ peer }) => peer?.role ?? 'unknown').join(' and ');
    // shorter than heartbeat_timeout must harm nobody
    if (ms > world.heartbeat_timeout) world.wrong(slave.pid, 'half open');
    for (const connection of all) connection.freeze(direction);
    world.mend_after(ms, () => {
      for (const connection of all) connection.heal();
    });
    return `${slave.name} (${slave.pid}): ${roles}, ${direction}, for ${ms} ms`;
  },
};
