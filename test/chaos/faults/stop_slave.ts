/** A slave is frozen by SIGSTOP, for a moment or for longer than heartbeat_timeout, and then goes on. */
import { is_alive } from '../../kit/processes.js';
import { type Fault, never } from './fault.js';

export const stop_slave: Fault = {
  name: 'stop_slave',
  weight: 2,
  impossible: never,
  strike(world, random) {
    const living = world.living();
    if (living.length === 0) return undefined;
    const slave = random.pick(living);
    const is_long = random.chance(0.5);
    const ms = Math.round(world.heartbeat_timeout * (is_long ? 1.6 : 0.3 * random.fraction()));
    if (is_long) world.wrong(slave.pid, 'frozen');
    process.kill(slave.pid, 'SIGSTOP');
    world.mend_after(ms, () => {
      // its number may be another's by now, unless it still is what we have stopped
      if (is_alive(slave.pid) && world.slaves.get(slave.pid) === slave) process.kill(slave.pid, 'SIGCONT');
    });
    return `${slave.name} (${slave.pid}) for ${ms} ms`;
  },
};
