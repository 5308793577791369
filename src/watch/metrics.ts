/**
 * Metrics: the run in the text format of Prometheus, by prom-client. NAMES.md has all names and units.
 *
 * Nothing is counted here: when somebody asks, the numbers are read from the model.
 */
import { createServer, type Server } from 'node:http';
import { Counter, Gauge, type Metric, type MetricValueWithName, Registry } from 'prom-client';
import type { RunModel } from './run_model.js';

/** Per slave there are series only for so many slaves: more are a burden for the server that keeps them. */
const MOST_SLAVES = 256;
/** Upper limits of the buckets of task times: powers of 2 of a millisecond, up to 2^27 ms, 37 h. */
const POWERS = Array.from({ length: 28 }, (_, power) => power);
const SECOND = 1000;

export class Metrics {
  readonly #model: RunModel;
  readonly #registry = new Registry();
  #server: Server | undefined;

  constructor(model: RunModel, jobname: string) {
    this.#model = model;
    this.#registry.setDefaultLabels({ jobname });
    this.#add_tasks();
    this.#add_failures();
    this.#add_slaves();
    this.#add_each_slave();
    this.#registry.registerMetric(new TaskSeconds(model) as unknown as Metric);
  }

  get content_type(): string {
    return this.#registry.contentType;
  }

  /** All metrics, as a Prometheus server reads them. */
  text(): Promise<string> {
    this.#model.feed.flush();
    return this.#registry.metrics();
  }

  /** Serves them as http://host:port/metrics. Resolves to the port. */
  async serve({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<number> {
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      this.text().then(
        (text) => response.writeHead(200, { 'content-type': this.content_type }).end(text),
        (error: Error) => response.writeHead(500).end(error.message),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    server.on('error', () => {});
    server.unref();
    this.#server = server;
    return (server.address() as { port: number }).port;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  #gauge(name: string, help: string, value: () => number | undefined): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        const now = value();
        if (now === undefined) gauge.remove();
        else gauge.set(now);
      },
    });
  }

  /** A number that only grows, and is kept elsewhere. */
  #counter(
    name: string,
    help: string,
    label: string | undefined,
    values: () => Record<string, number>,
  ): void {
    const counter = new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const [word, value] of Object.entries(values()))
          counter.inc(label === undefined ? {} : { [label]: word }, value);
      },
    });
  }

  #add_tasks(): void {
    const model = this.#model;
    this.#counter('parjob_tasks_ended_total', 'Tasks that have an outcome.', 'outcome', () => {
      const { done, failed, cancelled } = model.counts;
      return { done, failed, cancelled };
    });
    this.#counter('parjob_task_retries_total', 'Attempts beyond the first.', undefined, () => ({
      all: model.counts.retried,
    }));
    this.#gauge('parjob_tasks_queued', 'Tasks that were ever queued.', () => model.counts.queued);
    this.#gauge('parjob_tasks_waiting', 'Tasks that wait for a slave.', () => model.counts.waiting);
    this.#gauge('parjob_tasks_assigned', 'Tasks that slaves have.', () => model.counts.assigned);
    this.#gauge('parjob_time_left_seconds', 'Estimated time until the queue is empty.', () => {
      const left = model.time_left;
      return left === undefined ? undefined : left.ms / SECOND;
    });
    this.#gauge('parjob_tasks_per_second', 'Tasks that end in a second, of late.', () => model.rate);
    this.#gauge('parjob_run_seconds', 'Time since the start of the run.', () => model.elapsed / SECOND);
  }

  #add_failures(): void {
    this.#counter('parjob_failures_total', 'What went wrong, by kind: see FailureCounts.', 'kind', () => ({
      ...this.#model.failure_counts,
    }));
    this.#gauge('parjob_hosts_benched', 'Machines that get no tasks for a while.', () => {
      return this.#model.benched_hosts.length;
    });
  }

  #add_slaves(): void {
    const model = this.#model;
    const slaves = new Gauge({
      name: 'parjob_slaves',
      help: 'Slaves by state.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        slaves.reset();
        for (const [state, count] of Object.entries(model.states)) slaves.set({ state }, count);
      },
    });
    const sum = (of: (line: RunModel['slaves'][number]) => number) => () => ({
      all: model.slaves.reduce((total, line) => total + of(line), 0),
    });
    this.#counter(
      'parjob_slave_launches_total',
      'Processes that were started for slaves.',
      undefined,
      sum((line) => line.launches),
    );
    this.#counter(
      'parjob_slave_losses_total',
      'Slaves that were lost or could not be started.',
      undefined,
      sum((line) => line.losses),
    );
    this.#counter('parjob_busy_seconds_total', 'Time that slaves ran tasks.', undefined, () => ({
      all: model.busy_ms / SECOND,
    }));
    this.#counter('parjob_slave_seconds_total', 'Time that slaves were ready for tasks.', undefined, () => ({
      all: model.slave_ms / SECOND,
    }));
    this.#gauge(
      'parjob_slaves_resident_memory_bytes',
      'Resident memory of all slaves.',
      () => sum(({ is_connected, vitals }) => (is_connected ? (vitals?.rss ?? 0) : 0))().all,
    );
  }

  #add_each_slave(): void {
    const model = this.#model;
    const each = (
      name: string,
      help: string,
      of: (line: RunModel['slaves'][number]) => number | undefined,
    ) => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ['slave', 'host'],
        registers: [this.#registry],
        collect() {
          gauge.reset();
          if (model.slaves.length > MOST_SLAVES) return;
          for (const line of model.slaves) {
            const value = of(line);
            if (line.is_connected && value !== undefined)
              gauge.set({ slave: line.name, host: line.host }, value);
          }
        },
      });
    };
    each('parjob_slave_resident_memory_bytes', 'Resident memory of a slave.', ({ vitals }) => vitals?.rss);
    each('parjob_slave_cpu_ratio', 'CPU time of a slave per time, 1 for one core.', ({ cpu }) => cpu);
    each(
      'parjob_slave_stalled_seconds',
      'How long the event loop of a slave has not turned.',
      ({ vitals }) => (vitals === undefined ? undefined : vitals.stalled / SECOND),
    );
  }
}

/** Times of tasks that returned. The model has counted them; prom-client's own would have to be told of each. */
class TaskSeconds {
  readonly name = 'parjob_task_seconds';
  readonly #model: RunModel;

  constructor(model: RunModel) {
    this.#model = model;
  }

  /** What a registry asks each of its metrics. */
  get() {
    const { name } = this;
    const values: MetricValueWithName<string>[] = [];
    for (const [task, times] of this.#model.times_of_names()) {
      const bucket = (le: number | string, value: number) =>
        values.push({ labels: { task, le }, value, metricName: `${name}_bucket` });
      for (const power of POWERS) bucket(2 ** power / SECOND, times.up_to(power));
      bucket('+Inf', times.count);
      values.push({ labels: { task }, value: times.sum / SECOND, metricName: `${name}_sum` });
      values.push({ labels: { task }, value: times.count, metricName: `${name}_count` });
    }
    const help = 'Time of tasks that returned, on the slave.';
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }
}
