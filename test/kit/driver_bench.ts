/** A Driver with fake slaves and a clock that stands still, and all that a Job would see of it. */

import { onTestFinished } from 'vitest';
import { Log } from '../../src/base/log.js';
import type { Command } from '../../src/master/command.js';
import { Definitions } from '../../src/master/definitions.js';
import { Driver } from '../../src/master/driver.js';
import { Events, type JobEvent } from '../../src/master/events.js';
import { type JobOptions, resolve_job_options } from '../../src/master/job_options.js';
import { type JobPolicy, JobTask } from '../../src/master/queued_task.js';
import { Unread } from '../../src/master/unread.js';
import { Watching } from '../../src/master/watching.js';
import { DEFAULT_POLICY } from '../../src/sched/records.js';
import { type AnyTask, tasks_from } from '../../src/task.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import type { FakeSlave } from './fake_slave.js';
import { ManualClock } from './manual_clock.js';
import { wait_until } from './wait_until.js';

const functions = tasks_from<Record<string, () => unknown>>(new URL('../tasks/basic.js', import.meta.url));

export class DriverBench {
  readonly clock = new ManualClock();
  readonly events: Events;
  readonly unread = new Unread();
  readonly driver: Driver;
  readonly startup_commands: Command[] = [];
  turns = 0;
  sweeps = 0;
  readonly #definitions = new Definitions();
  readonly #payloads = new PayloadStore();
  /** How many slaves more it was asked for, each time. */
  readonly grown: number[] = [];
  #next_task_id = 0;
  #next_index = 0;

  constructor(slaves: readonly FakeSlave[], options: JobOptions = {}) {
    const log = new Log({ level: 'silent' });
    this.events = new Events(log);
    this.driver = new Driver({
      options: resolve_job_options({ jobname: 'unit', log_dir: '/nowhere', ...options }),
      startup_commands: this.startup_commands,
      events: this.events,
      log,
      unread: this.unread,
      watching: new Watching(this, {}, 'unit', '/nowhere', log),
      on_turn: () => this.turns++,
      on_sweep: () => this.sweeps++,
      on_join: () => {
        throw new Error('nobody comes by himself in this test');
      },
      on_leave: () => {},
      on_grow: (count) => void this.grown.push(count),
      clock: this.clock,
    });
    for (const slave of slaves) this.driver.add_slave(slave);
    onTestFinished(() => (this.driver.is_stopped ? undefined : this.driver.stop()));
  }

  /** Queues a call of a function of tasks/basic.js. */
  queue(name: string, ...args: unknown[]): JobTask {
    return this.#queue(this.#next_index++, this.#policy, name, args);
  }

  queue_urgent(name: string, ...args: unknown[]): JobTask {
    return this.#queue(undefined, this.#policy, name, args);
  }

  queue_with(policy: Partial<JobPolicy>, name: string, ...args: unknown[]): JobTask {
    return this.#queue(this.#next_index++, { ...this.#policy, ...policy }, name, args);
  }

  readonly #policy: JobPolicy = {
    ...DEFAULT_POLICY,
    timeout: 0,
    retry_if: undefined,
    cancel: (task, error) => this.driver.cancel(task, error),
  };

  #queue(index: number | undefined, policy: JobPolicy, name: string, args: unknown[]): JobTask {
    const task_of = functions[name] as (...args: unknown[]) => AnyTask;
    const definition = this.#definitions.of(task_of(...args));
    const payload = this.#payloads.store(encode_value(args, 'args'));
    const task = new JobTask(this.#next_task_id++, index, definition, payload, policy);
    this.driver.queue(task);
    return task;
  }

  open_run(): void {
    this.unread.open();
    this.driver.tell({ kind: 'run_opened' });
  }

  /** All that happens of that name, from now on. */
  watch(name: JobEvent): unknown[] {
    const seen: unknown[] = [];
    this.events.on(name, (event) => seen.push(event));
    return seen;
  }

  /** Waits until `slave` stands so. */
  async wait_state(slave: FakeSlave, state: FakeSlave['state']): Promise<void> {
    await wait_until(() => slave.state === state, `a slave that is ${state}`);
  }
}
