/** parjob itself, as a user would write it: a Job of local slaves. */
import { Job, type JobOptions, local_slaves, type Slave, tasks_from } from 'parjob';
import type { Kind } from '../tasks.js';
import { type Contender, TASKS_URL } from './contender.js';

const ECHO_MESSAGES = 'for (;;) await master.send_data(await master.get_data())';

/** What `parjob:...` adds. */
const VARIANTS: Record<string, JobOptions> = {
  tls: { encryption: 'always' },
  watched: {
    progress: true,
    dashboard: true,
    metrics: true,
    trace: 'bench.trace.json',
    spans: true,
    channels: true,
  },
};

export function make(option?: string): Contender {
  return new Parjob(option === undefined ? {} : VARIANTS[option]!);
}

class Parjob implements Contender {
  readonly #tasks = tasks_from<typeof import('../tasks.js')>(TASKS_URL);
  readonly #options: JobOptions;
  #job!: Job;
  #echo_slave: Slave | undefined;

  constructor(options: JobOptions) {
    this.#options = options;
  }

  async start(workers: number): Promise<void> {
    const where = { jobname: 'bench', log_dir: process.cwd() };
    this.#job = new Job(local_slaves(workers), { ...where, ...this.#options });
  }

  async ready(): Promise<void> {
    await this.#job.start();
  }

  run(kind: Kind, arg: unknown): Promise<unknown> {
    return this.#job.run_task(this.#task(kind, arg));
  }

  run_all(kind: Kind, args: Iterable<unknown>): Promise<unknown[]> {
    for (const arg of args) this.#job.queue_task(this.#task(kind, arg));
    return this.#job.run_all_tasks();
  }

  queue(kind: Kind, arg: unknown): void {
    this.#job.queue_task(this.#task(kind, arg));
  }

  async *stream(kind: Kind, args: Iterable<unknown>): AsyncIterable<unknown> {
    this.#job.queue_tasks(map(args, (arg) => this.#task(kind, arg)));
    yield* this.#job.yield_tasks_unordered();
  }

  async ping(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#echo_slave === undefined) {
      await this.#job.start();
      this.#echo_slave = this.#job[0]!;
      await this.#echo_slave.run_cmd(ECHO_MESSAGES);
    }
    await this.#echo_slave.send_data(bytes);
    return (await this.#echo_slave.get_data()) as Uint8Array;
  }

  async stop(): Promise<void> {
    await this.#job.stop();
  }

  #task(kind: Kind, arg: unknown) {
    const { noop, echo, busy } = this.#tasks;
    if (kind === 'noop') return noop(arg as Parameters<typeof noop>[0]);
    return kind === 'busy' ? busy(arg as number) : echo(arg);
  }
}

function* map<A, B>(items: Iterable<A>, to: (item: A) => B): Iterable<B> {
  for (const item of items) yield to(item);
}
