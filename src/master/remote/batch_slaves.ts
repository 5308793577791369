/** What the slaves of all batch systems have in common. */
import type { BatchOptions, BatchSystem } from '../../launch/batch_system.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { BATCH_PACE } from '../../launch/pace.js';
import { Slave } from '../slave.js';

/** A slave that a batch system starts. Those of one group are submitted together, as one array job. */
export class BatchSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(launcher: LazyLauncher) {
    super();
    this.launcher = launcher;
  }
}

/** `title` is the name of the batch system for people. */
export function batch_launcher(
  kind: string,
  title: string,
  load_system: () => Promise<BatchSystem>,
  options: BatchOptions,
): LazyLauncher {
  return new LazyLauncher({ kind, host: title, reach: 'network', pace: BATCH_PACE }, async () => {
    const { BatchLauncher } = await import('../../launch/batch.js');
    return new BatchLauncher(await load_system(), { ...options, env: options.env ?? {} });
  });
}
