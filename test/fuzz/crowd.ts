/** A crowd of strangers in a thread or a process of its own, so that what they cost themselves does not count. */
import { parentPort, workerData } from 'node:worker_threads';
import { MANNERS, type Manner, Stranger, type StrangerOptions } from './strangers.js';

/** What the crowd is to do. */
export interface CrowdOrder {
  port: number;
  count: number;
  manners?: readonly Manner[] | undefined;
  options?: StrangerOptions | undefined;
}

/** Answer to any message. */
export interface CrowdReport {
  connected: number;
  /** How often one was thrown out. */
  ends: number;
  /** Bytes */
  said: number;
}

function gather({ port, count, manners = MANNERS, options }: CrowdOrder): () => CrowdReport {
  const strangers = Array.from(
    { length: count },
    (_, i) => new Stranger(port, manners[i % manners.length] as Manner, options),
  );
  const sum = (number_of: (stranger: Stranger) => number) =>
    strangers.reduce((total, stranger) => total + number_of(stranger), 0);
  return () => ({
    connected: sum(({ is_connected }) => Number(is_connected)),
    ends: sum(({ ends }) => ends),
    said: sum(({ said }) => said),
  });
}

if (parentPort !== null) {
  const report = gather(workerData as CrowdOrder);
  parentPort.on('message', () => parentPort?.postMessage(report()));
} else {
  const report = gather(JSON.parse(process.argv[2] as string) as CrowdOrder);
  process.on('message', () => process.send?.(report()));
  process.on('disconnect', () => process.exit());
}
