/** The connections of a slave become slow and late. That is no reason to be lost. */
import { type Fault, never } from './fault.js';

export const slow_connection: Fault = {
  name: 'slow_connection',
  weight: 1.5,
  impossible: never,
  strike(world, random) {
    const living = world.living('ready');
    if (living.length === 0) return undefined;
    const slave = random.pick(living);
    const connections = world.connections(slave);
    if (connections.length === 0) return undefined;
    const slowness = {
      delay: random.integer(0, Math.min(300, world.heartbeat_timeout / 5)),
      bytes_per_second: random.pick([20_000, 200_000, 2_000_000]),
    };
    const ms = random.integer(500, 3000);
    for (const connection of connections) connection.slow(slowness);
    world.mend_after(ms, () => {
      for (const connection of connections) connection.heal();
    });
    const { delay, bytes_per_second } = slowness;
    return `${slave.name} (${slave.pid}): ${delay} ms, ${bytes_per_second} bytes/s, for ${ms} ms`;
  },
};
