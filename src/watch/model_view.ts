/** ModelView: the run of a job, looked at through its model. */
import type { Clock } from '../base/clock.js';
import type { Metrics } from './metrics.js';
import type { RunModel } from './run_model.js';
import type { RunHands, RunSeries, RunView } from './run_view.js';
import { type FileRow, type SectionRow, section_log } from './section_row.js';
import type { SlaveLine } from './slave_line.js';
import type { SlaveRow, Snapshot } from './snapshot.js';
import type { StoryEntry } from './stories.js';
import type { TaskRing } from './task_ring.js';

const FAILURES_SHOWN = 8;

export class ModelView implements RunView {
  readonly jobname: string;
  readonly hands: RunHands;
  readonly #model: RunModel;
  readonly #log_dir: string;
  #metrics: Promise<Metrics> | undefined;

  constructor(model: RunModel, jobname: string, log_dir = process.cwd()) {
    this.#model = model;
    this.jobname = jobname;
    this.#log_dir = log_dir;
    this.hands = hands_on(model);
  }

  get clock(): Clock {
    return this.#model.clock;
  }

  get epoch(): number {
    return this.#model.epoch;
  }

  get started_at(): number {
    return this.#model.started_at;
  }

  get ring(): TaskRing {
    return this.#model.ring;
  }

  get names(): readonly string[] {
    return this.#model.feed.names.names;
  }

  get slave_names(): readonly string[] {
    return this.#model.slaves.map(({ name }) => name);
  }

  refresh(): void {
    this.#model.feed.flush();
  }

  on_look(look: () => void): () => void {
    return this.#model.on_look(look);
  }

  snapshot(most_slaves = Infinity): Snapshot {
    const model = this.#model;
    const { clock, epoch, started_at, counts, states, most_connected, failure_counts, benched_hosts } = model;
    const { elapsed, rate, time_left, speed_up, efficiency, times } = model;
    const now = clock.now();
    const all = model.slaves;
    return {
      jobname: this.jobname,
      overview: {
        now,
        epoch,
        started_at,
        standing: model.has_finished ? 'finished' : 'running',
        counts,
        states,
        most_connected,
        failure_counts,
        benched_hosts,
        elapsed,
        rate,
        time_left,
        speed_up,
        efficiency,
        times: {
          count: times.count,
          median: times.quantile(0.5),
          high: times.quantile(0.95),
          longest: times.longest,
        },
        failures: model.failures.slice(-FAILURES_SHOWN),
      },
      slaves: { total: all.length, rows: all.slice(0, most_slaves).map((line) => row_of(line, now)) },
    };
  }

  series(): RunSeries {
    const { throughput, running, waiting, clock } = this.#model;
    const now = clock.now();
    return { throughput: throughput.points(now), running: running.points(now), waiting: waiting.points(now) };
  }

  story(index: number): readonly StoryEntry[] {
    return this.#model.stories.get(index);
  }

  log_file(slave_id: number): string | undefined {
    return this.#model.slave(slave_id)?.slave.log_file;
  }

  explain(): string {
    return this.#model.job.explain();
  }

  metrics(): Promise<Metrics> {
    this.#metrics ??= import('./metrics.js').then(({ Metrics }) => new Metrics(this.#model, this.jobname));
    return this.#metrics;
  }

  sections(): readonly SectionRow[] | undefined {
    return this.#model.sections?.();
  }

  files(): readonly FileRow[] | undefined {
    return this.#model.files?.();
  }

  section_log(id: string): string | undefined {
    return section_log(this.sections(), id, { log_dir: this.#log_dir, jobname: this.jobname });
  }
}

function hands_on(model: RunModel): RunHands {
  const { job } = model;
  return {
    cancel(index) {
      const running = model.slaves.find((line) => line.running?.task.index === index)?.running?.task;
      return (running ?? job.find_task(index))?.cancel(new Error('cancelled by hand'));
    },
    drain(slave_id) {
      const slave = model.slave(slave_id)?.slave;
      const at = slave === undefined ? -1 : job.indexOf(slave);
      if (at !== -1) job.splice(at, 1);
      return at !== -1;
    },
    stop() {
      // who asks is answered before all slaves are gone
      job.stop().catch(() => {});
    },
  };
}

function row_of(line: SlaveLine, now: number): SlaveRow {
  const { slave_id, name, state, host, is_connected, done, failed, launches, losses } = line;
  const { stalls, longest_stall, cpu, vitals, running, last_error, node_version, slave, busy_ms } = line;
  return {
    slave_id,
    name,
    state,
    host,
    is_connected,
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
    busy_ms,
    connected_ms: line.connected_ms(now),
    node_version,
    log_file: slave.log_file,
    error: last_error?.message,
    running: running && { index: running.task.index, name: running.task.name, ms: now - running.since },
  };
}
