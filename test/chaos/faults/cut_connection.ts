/** A connection of a slave is cut, by a reset or in good order: the main one, the pulse, or both. */
import { type Fault, never } from './fault.js';

export const cut_connection: Fault = {
  name: 'cut_connection',
  weight: 3,
  impossible: never,
  strike(world, random) {
    const struck = random.chance(0.3);
    const connections = world.connections();
    if (connections.length === 0) return undefined;
    const chosen = random.pick(connections);
    const slave = world.slave_of(chosen);
    if (slave === undefined) return undefined;
    const how = random.chance(0.5) ? 'rst' : 'fin';
    // a slave that cannot come back may be lost; one that can must not be
    if (world.reconnect_timeout === undefined) world.wrong(slave.pid, 'cut');
    const all = struck ? world.connections(slave) : [chosen];
    const roles = all.map(({ peer }) => peer?.role).join(' and ');
    for (const connection of all) connection.cut(how);
    return `${slave.name} (${slave.pid}): ${roles} by ${how}`;
  },
};
