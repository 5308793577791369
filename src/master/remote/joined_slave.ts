/** JoinedSlave: a slave that somebody else has started, and that came by itself. */
import { JoinedLauncher } from '../../launch/joined.js';
import { Slave } from '../slave.js';

/** Made by its Job when it comes: see job.connect_command(). It leaves the list of slaves when it ends. */
export class JoinedSlave extends Slave {
  override readonly launcher: JoinedLauncher;

  /** @param peer the address that it came from */
  constructor(peer: string) {
    super();
    this.launcher = new JoinedLauncher(peer);
  }
}
