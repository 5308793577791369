/** The disk under the slaves' logs and the status file has no byte left, for a while. */
import type { Fault } from './fault.js';

export const full_disk: Fault = {
  name: 'full_disk',
  weight: 1,
  impossible: ({ disk }) => (typeof disk === 'string' ? disk : undefined),
  strike(world, random) {
    const { disk } = world;
    if (typeof disk === 'string') return undefined;
    const ms = random.integer(500, 3000);
    disk.fill();
    world.starve('disk', ms, () => disk.clear());
    return `for ${ms} ms`;
  },
};
