/** A Runner on one end of a link in memory, and on the other end what its master would see and say. */
import { tmpdir } from 'node:os';
import { Channel } from '../../src/net/channel.js';
import { Communicator } from '../../src/net/communicator.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { Claims } from '../../src/slave/claims.js';
import { Loader } from '../../src/slave/loader.js';
import { Runner } from '../../src/slave/runner.js';
import { Watch } from '../../src/slave/watch.js';
import { order, read_orders, read_reports, type TaskReport, type ToMaster } from '../../src/wire/messages.js';
import { encode_value } from '../../src/wire/value.js';
import { wait_until } from './wait_until.js';

// biome-ignore lint/suspicious/noExplicitAny: a task takes what it likes
type Functions = Record<string, (...args: any[]) => unknown>;

export class RunnerBench {
  /** What came of the runner, frame by frame. */
  readonly frames: ToMaster[][] = [];
  /** Size of the largest of them. */
  largest_frame = 0;
  readonly claims = new Claims();
  readonly watch = new Watch();
  /** How often the pulse would have been told to watch the time. */
  first_timeouts = 0;
  readonly communicator: Communicator;
  readonly runner: Runner;
  /** The runner's end. */
  readonly link: MemoryLink;
  /** How often modules were loaded. */
  loads = 0;
  readonly #channel: Channel;
  readonly #names = new Map<string, number>();
  #next_task_id = 100;
  #next_cmd_id = 0;

  /** `functions` are what the task module exports. */
  constructor(
    functions: Functions,
    options: {
      max_frame_bytes?: number;
      cwd?: string;
      cancel_grace?: number;
      keeps_outcomes?: boolean;
      loading?: Promise<void>;
    } = {},
  ) {
    const {
      max_frame_bytes = 2 ** 20,
      cwd = tmpdir(),
      cancel_grace = 1000,
      keeps_outcomes = false,
      loading,
    } = options;
    const [near, far] = MemoryLink.pair();
    this.link = near;
    const slave_channel = new Channel(
      near,
      {
        max_frame_bytes: 2 ** 30,
        on_frame: (bytes, start, end, attachments) =>
          this.runner.on_orders(read_orders(bytes, start, end, attachments)),
        is_resumable: true,
      },
      Buffer.alloc(0),
    );
    const loader = new Loader(async () => {
      this.loads++;
      await loading;
      return functions;
    });
    this.runner = new Runner({
      channel: slave_channel,
      claims: this.claims,
      watch: this.watch,
      loader,
      name: 'test.slave0',
      max_frame_bytes,
      cancel_grace,
      keeps_outcomes,
      on_first_timeout: () => this.first_timeouts++,
      cwd,
    });
    this.#channel = new Channel(
      far,
      {
        max_frame_bytes: 2 ** 30,
        on_frame: (bytes, start, end, attachments) => {
          const size = attachments.reduce((sum, { byteLength }) => sum + byteLength, end - start);
          this.largest_frame = Math.max(this.largest_frame, size);
          this.#on_frame(read_reports(bytes, start, end, attachments));
        },
        is_resumable: true,
      },
      Buffer.alloc(0),
    );
    this.communicator = new Communicator({
      data: (bytes, value) => {
        order.data(this.#channel.writer, bytes, value);
        this.#channel.posted();
      },
      data_taken: (bytes) => {
        order.data_taken(this.#channel.writer, bytes);
        this.#channel.posted();
      },
    });
  }

  #on_frame(reports: ToMaster[]): void {
    this.frames.push(reports);
    for (const report of reports) {
      if (report.kind === 'data') this.communicator.on_data(report.value, report.bytes);
      if (report.kind === 'data_taken') this.communicator.on_data_taken(report.bytes);
    }
  }

  get reports(): ToMaster[] {
    return this.frames.flat();
  }

  /** What came of tasks: kind, number and value. */
  get outcomes(): TaskReport[] {
    return this.reports.filter(
      (report): report is TaskReport => report.kind === 'task_done' || report.kind === 'task_failed',
    );
  }

  /** Sends a task, with what is sent in the same turn in one frame. Returns its number. */
  run(name: string, ...args: unknown[]): number {
    return this.run_with({}, name, ...args);
  }

  /** Sends a task that has a time limit, or ahead of which something is sent. */
  run_with(
    options: {
      timeout?: number;
      attempt?: number;
      last_checkpoint?: unknown;
      trace_context?: Record<string, string>;
    },
    name: string,
    ...args: unknown[]
  ): number {
    const { writer } = this.#channel;
    let fn_id = this.#names.get(name);
    if (fn_id === undefined) {
      fn_id = this.#names.size;
      this.#names.set(name, fn_id);
      order.define_task(writer, fn_id, 'memory:tasks', name);
    }
    const task_id = this.#next_task_id++;
    const { timeout = 0, attempt = 1 } = options;
    if ('last_checkpoint' in options)
      order.last_checkpoint(writer, task_id, encode_value(options.last_checkpoint, 'checkpoint'));
    if (options.trace_context !== undefined) order.trace_context(writer, task_id, options.trace_context);
    order.run_task(writer, task_id, attempt, fn_id, task_id - 100, timeout, encode_value(args, 'args'));
    this.#channel.posted();
    return task_id;
  }

  /** Sends a task that no definition was sent for. */
  run_undefined(): void {
    order.run_task(this.#channel.writer, 1, 1, 99, undefined, 0, encode_value([], 'args'));
    this.#channel.posted();
  }

  abort(task_id: number): void {
    order.abort_task(this.#channel.writer, task_id);
    this.#channel.posted();
  }

  command(code: string, ...args: unknown[]): void {
    order.run_cmd(this.#channel.writer, this.#next_cmd_id++, false, code, args);
    this.#channel.posted();
  }

  /** The outcomes of tasks, when there are `count`. */
  async ended(count: number): Promise<TaskReport[]> {
    await wait_until(() => this.outcomes.length >= count, `${count} reports of tasks`);
    return this.outcomes;
  }

  /** What became of commands, when `count` have ended. */
  async commands_ended(count: number): Promise<ToMaster[]> {
    const ends = () => this.reports.filter(({ kind }) => kind === 'cmd_done' || kind === 'cmd_failed');
    await wait_until(() => ends().length >= count, `the end of ${count} commands`);
    return ends();
  }
}
