/** A plan: all that a simulated schedule is made of. The seed decides what the plan does not say. */
import { DEFAULT_POLICY, type TaskPolicy } from '../../src/sched/records.js';
import type { ModelOptions } from '../kit/sched_model.js';
import { Stream } from './draw.js';

/** What somebody outside does, or what befalls a slave. The world makes of `a` and `b` whom and how. */
type HappeningKind =
  | 'queue'
  | 'run_task'
  | 'cancel'
  | 'open_run'
  | 'close_run'
  | 'read_slowly'
  | 'open_source'
  | 'add_slave'
  | 'remove_slave'
  | 'want_slaves'
  | 'die'
  | 'evict'
  | 'cut'
  | 'swell'
  | 'command'
  | 'bad_host'
  | 'stop_job';

/** What is likely to happen in a plan of that kind. */
const LIKELY = {
  /** Somebody changes his mind all the time. */
  restless: [
    ...(['queue', 'queue', 'run_task', 'cancel', 'cancel', 'cancel', 'open_run', 'close_run'] as const),
    ...(['read_slowly', 'open_source', 'add_slave', 'remove_slave', 'want_slaves', 'command'] as const),
    ...(['swell', 'die', 'stop_job'] as const),
  ],
  /** All that can break does. */
  troubled: [
    ...(['queue', 'queue', 'run_task', 'cancel', 'open_run', 'open_source', 'add_slave'] as const),
    ...(['die', 'die', 'die', 'evict', 'cut', 'swell', 'bad_host', 'bad_host', 'stop_job'] as const),
  ],
  /** A host on which tasks die for a while, beside others. */
  benched: [
    ...(['queue', 'queue', 'queue', 'open_run', 'open_source', 'bad_host', 'bad_host', 'die'] as const),
    ...(['run_task', 'remove_slave', 'evict', 'command', 'swell'] as const),
  ],
} satisfies Record<string, readonly HappeningKind[]>;

export type PlanKind = keyof typeof LIKELY;

export interface Happening {
  at: number;
  kind: HappeningKind;
  a: number;
  b: number;
}

export interface Plan {
  seed: number;
  options: ModelOptions;
  /** Machines that the slaves are on. */
  hosts: number;
  /** By this the times of tasks are longer. */
  pace: number;
  happenings: Happening[];
}

export const POLICIES: readonly TaskPolicy[] = [
  DEFAULT_POLICY,
  { ...DEFAULT_POLICY, attempts: 1 },
  { ...DEFAULT_POLICY, attempts: 4, losses: 2 },
  { ...DEFAULT_POLICY, retries: 2, retry_delay: 100 },
];

/** Three of four are small: most of what can go wrong does so with two slaves and a few tasks, and takes less time. */
export function plan_of(seed: number, plan_kind: PlanKind): Plan {
  const stream = new Stream(seed);
  const is_benched = plan_kind === 'benched';
  const is_small = seed % 4 !== 0;
  const count = 1 + stream.int(is_small ? 4 : 9);
  const span = stream.pick([5, 100, 2000, 60_000]);
  const at_first = stream.int(is_small && !is_benched ? 3 : 64);
  const happenings: Happening[] = [{ at: 0, kind: 'queue', a: at_first, b: stream.int(8) }];
  if (stream.next() < 0.15) happenings.push({ at: 0, kind: 'open_source', a: stream.int(8), b: 30 });
  if (stream.next() < 0.8) happenings.push({ at: 0, kind: 'open_run', a: 0, b: 0 });
  for (let i = 0; i < count; i++) {
    const kind = stream.pick<HappeningKind>(LIKELY[plan_kind]);
    if (kind === 'stop_job' && stream.next() < 0.8) continue;
    happenings.push({ at: stream.next() * span, kind, a: stream.int(64), b: stream.int(64) });
  }
  if (is_benched) happenings.push({ at: 0, kind: 'bad_host', a: 0, b: 10 + stream.int(54) });
  happenings.sort((one, other) => one.at - other.at);
  return {
    seed,
    pace: is_benched ? 500 : stream.pick([1, 1, 20]),
    hosts: is_benched ? 2 : 1 + stream.int(3),
    options: {
      slaves: is_benched ? 3 + stream.int(2) : 1 + stream.int(is_small ? 2 : 4),
      prefetch: stream.pick([undefined, undefined, 1, 3]),
      max_tasks_per_slave: stream.pick([Infinity, Infinity, Infinity, 1, 3]),
      idle_timeout: stream.pick([Infinity, Infinity, 20, 3000]),
      cancel_grace: stream.pick([0, 50, 5000]),
      heartbeat_timeout: stream.pick([10_000, 60_000, 60_000]),
    },
    happenings,
  };
}
