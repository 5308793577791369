/** Snapshot: what the page is told of a run, as JSON. The words are those of the model. */
import type { RunModel } from '../run_model.js';
import { NO_SLAVE } from '../task_feed.js';

/** Slaves that are told one by one: those that can be looked at. */
const MOST_SLAVES = 2000;
/** Rows of tasks in one message. */
const MOST_TASKS = 20_000;

export function overview(model: RunModel) {
  const { counts, states, failure_counts, benched_hosts, elapsed, rate, time_left, has_finished } = model;
  const { speed_up, efficiency, times } = model;
  return {
    now: model.clock.now(),
    epoch: model.epoch,
    started_at: model.started_at,
    counts: { ...counts, assigned: model.job.counts?.assigned },
    states,
    failure_counts,
    benched_hosts,
    elapsed,
    rate,
    time_left,
    has_finished,
    speed_up,
    efficiency,
    times: {
      median: times.quantile(0.5),
      high: times.quantile(0.95),
      longest: times.longest,
      count: times.count,
    },
    failures: model.failures.slice(-8),
  };
}

export function series(model: RunModel) {
  const now = model.clock.now();
  return {
    throughput: model.throughput.points(now),
    waiting: model.waiting.points(now),
    running: model.running.points(now),
  };
}

export function slaves(model: RunModel) {
  const now = model.clock.now();
  const all = model.slaves;
  return {
    total: all.length,
    rows: all.slice(0, MOST_SLAVES).map((line) => {
      const { slave_id, name, state, host, done, failed, launches, losses, stalls, longest_stall, cpu } =
        line;
      const { vitals, running, last_error, node_version, slave } = line;
      return {
        slave_id,
        name,
        state,
        host,
        done,
        failed,
        launches,
        losses,
        stalls,
        longest_stall,
        cpu,
        pid: slave.pid,
        rss: vitals?.rss,
        peak: vitals?.peak,
        stalled: vitals?.stalled,
        busy_ms: line.busy_ms,
        connected_ms: line.connected_ms(now),
        node_version,
        log_file: slave.log_file,
        error: last_error?.message,
        running: running && { index: running.task.index, name: running.task.name, ms: now - running.since },
      };
    }),
  };
}

/** The tasks that ended from number `since` on, as far as they are kept: the last of them. */
export function new_tasks(model: RunModel, since: number) {
  const { ring, feed } = model;
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
    names: feed.names.names,
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
