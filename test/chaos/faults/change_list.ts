/** The user changes the list of slaves in mid-run: one more, or one less. */
import { type Fault, never } from './fault.js';

/** At least so many stay. */
const LEAST = 2;
const MOST = 8;

export const change_list: Fault = {
  name: 'change_list',
  weight: 1,
  impossible: never,
  strike(world, random) {
    const { master } = world;
    if (master?.pid === undefined) return undefined;
    const adds = world.listed <= LEAST || (world.listed < MOST && random.chance(0.5));
    world.listed += adds ? 1 : -1;
    if (adds) master.say({ kind: 'add_slave' });
    else master.say({ kind: 'remove_slave', place: random.integer(0, 1000) });
    return adds ? 'one more' : 'one less';
  },
};
