/** NewTasks: the tasks that ended since a page was last told, as columns, for its picture of slaves over time. */
import { NO_SLAVE } from '../task_feed.js';
import type { TaskRing } from '../task_ring.js';

/** Rows of tasks in one message. */
const MOST_TASKS = 20_000;

/** The tasks that ended from number `since` on, as far as they are kept: the last of them. */
export function new_tasks(ring: TaskRing, names: readonly string[], since: number) {
  const from = Math.max(since, ring.added - Math.min(ring.size, MOST_TASKS));
  const columns = {
    next: ring.added,
    left_out: from - since,
    index: [] as number[],
    name: [] as number[],
    slave: [] as number[],
    outcome: [] as number[],
    start: [] as number[],
    run_ms: [] as number[],
    names,
  };
  for (let serial = from; serial < ring.added; serial++) {
    const at = ring.place_of(serial);
    const slave = ring.slaves[at] as number;
    columns.index.push(ring.indices[at] as number);
    columns.name.push(ring.names[at] as number);
    columns.slave.push(slave === NO_SLAVE ? -1 : slave);
    columns.outcome.push(ring.outcomes[at] as number);
    columns.start.push(round(ring.starts[at] as number));
    columns.run_ms.push(round(ring.run_ms[at] as number));
  }
  return columns;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
