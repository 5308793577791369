/** A slave is killed by SIGKILL: at work, idle, or while it starts. */
import { type Fault, never } from './fault.js';

export const kill_slave: Fault = {
  name: 'kill_slave',
  weight: 4,
  impossible: never,
  strike(world, random) {
    const living = world.living();
    if (living.length === 0) return undefined;
    const slave = random.pick(living);
    world.wrong(slave.pid, 'killed');
    process.kill(slave.pid, 'SIGKILL');
    return `${slave.name} (${slave.pid}, ${slave.state})`;
  },
};
