/** What the slaves of all batch systems have in common. */
import { BatchLauncher } from '../../launch/batch.js';
import type { BatchOptions, BatchSystem } from '../../launch/batch_system.js';
import { Slave } from '../slave.js';

/** A slave that a batch system starts. Those of one group are submitted together, as one array job. */
export class BatchSlave extends Slave {
  override readonly launcher: BatchLauncher;

  constructor(launcher: BatchLauncher) {
    super();
    this.launcher = launcher;
  }
}

export function batch_launcher(system: BatchSystem, options: BatchOptions): BatchLauncher {
  return new BatchLauncher(system, { ...options, env: options.env ?? {} });
}
