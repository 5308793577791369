/**
 * Workload: what the tasks of a storm are. Task `i` of a seed is always the same one; what it does is in tasks.js,
 * what may become of it is said here.
 */
import { Random } from './random.js';

/** What may become of a task that no fault touches. */
export type Fate =
  /** It returns. */
  | 'returns'
  /** Its code throws, or returns what cannot be sent. */
  | 'throws'
  /** Its slave dies of it, each time. */
  | 'kills'
  /** It runs until its time is up, each time. */
  | 'hangs';

interface Kind {
  name: string;
  weight: number;
  fate: Fate;
  /** How long it takes, ms. */
  ms?: readonly [number, number];
  /** Of its argument and of its result. */
  bytes?: readonly [number, number];
  /** The job must be able to end a task by time. */
  needs_timeout?: boolean;
}

/** Every kind of task; the name is that of the function in tasks.js. */
export const KINDS = [
  { name: 'quick', weight: 30, fate: 'returns' },
  { name: 'brief', weight: 10, fate: 'returns', ms: [0, 1] },
  { name: 'spin', weight: 25, fate: 'returns', ms: [1, 40] },
  { name: 'sleep', weight: 25, fate: 'returns', ms: [1, 150] },
  { name: 'sleep_long', weight: 2, fate: 'returns', ms: [500, 2000] },
  { name: 'spin_long', weight: 1, fate: 'returns', ms: [500, 3000] },
  { name: 'big', weight: 4, fate: 'returns', bytes: [1000, 4_000_000] },
  { name: 'chatter', weight: 3, fate: 'returns', ms: [5, 50] },
  { name: 'leak', weight: 2, fate: 'returns', bytes: [100_000, 2_000_000] },
  { name: 'print', weight: 3, fate: 'returns', bytes: [10, 20_000] },
  { name: 'leave_child', weight: 1, fate: 'returns' },
  { name: 'stray', weight: 1, fate: 'returns' },
  { name: 'throw_error', weight: 3, fate: 'throws' },
  { name: 'throw_odd', weight: 2, fate: 'throws' },
  { name: 'return_function', weight: 1, fate: 'throws' },
  { name: 'kill_once', weight: 2, fate: 'returns' },
  { name: 'exit_once', weight: 1, fate: 'returns' },
  { name: 'kill_self', weight: 0.5, fate: 'kills' },
  { name: 'exit', weight: 0.5, fate: 'kills' },
  { name: 'abort', weight: 0.3, fate: 'kills' },
  { name: 'allocate', weight: 0.2, fate: 'kills' },
  { name: 'hang_sync', weight: 0.4, fate: 'hangs', needs_timeout: true },
  { name: 'hang_async', weight: 0.6, fate: 'hangs', needs_timeout: true },
] as const satisfies readonly Kind[];

export type KindName = (typeof KINDS)[number]['name'];

/** One task, as its function gets it. */
export interface TaskSpec {
  i: number;
  kind: KindName;
  ms: number;
  bytes: number;
}

const BY_NAME = new Map<string, Kind>(KINDS.map((kind) => [kind.name, kind]));

export function fate_of(kind: KindName): Fate {
  return (BY_NAME.get(kind) as Kind).fate;
}

/** Tasks with an index from here on are sent by run_task, beside the queue. */
export const FIRST_URGENT = 1_000_000_000;

/** The kinds of task that a storm uses. */
export function kinds_for({ timeouts }: { timeouts: boolean }): readonly Kind[] {
  return KINDS.filter((kind: Kind) => timeouts || kind.needs_timeout !== true);
}

/** Task `i` of the storm with that seed. */
export function spec_of(seed: number, i: number, kinds: readonly Kind[]): TaskSpec {
  const random = new Random(seed).fork(`task ${i}`);
  const { name, ms = [0, 0], bytes = [0, 0] } = random.pick_weighted(kinds);
  // sizes spread over their orders of magnitude
  const size = bytes[0] * (bytes[1] / Math.max(1, bytes[0])) ** random.fraction();
  return { i, kind: name as KindName, ms: random.integer(ms[0], ms[1]), bytes: Math.floor(size) };
}

/** The argument of a task with data: bytes that follow from its spec. */
export function data_of({ i, bytes }: TaskSpec): Uint8Array {
  return new Uint8Array(bytes).fill((i * 31 + 7) & 0xff);
}
