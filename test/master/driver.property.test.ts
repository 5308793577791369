import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SlaveDiedError } from '../../src/errors.js';
import type { JobTask } from '../../src/master/queued_task.js';
import { DriverBench } from '../kit/driver_bench.js';
import { FakeSlave, fake_slaves } from '../kit/fake_slave.js';
import { turn, wait_until } from '../kit/wait_until.js';

const KINDS = ['queue', 'queue_urgent', 'crash', 'exit', 'add', 'remove', 'pass', 'turns', 'turns'] as const;
type Step = readonly [kind: (typeof KINDS)[number], a: number, b: number];

const steps: fc.Arbitrary<Step[]> = fc.array(fc.tuple(fc.constantFrom(...KINDS), fc.nat(7), fc.nat(30)), {
  minLength: 5,
  maxLength: 40,
});

/** A driver, slaves that come, go and die, and the tasks that it was given. */
class Chaos {
  readonly slaves = fake_slaves(2);
  readonly bench: DriverBench;
  readonly tasks: JobTask[] = [];
  readonly finished: JobTask[] = [];

  constructor(prefetch: number | undefined) {
    this.bench = new DriverBench(this.slaves, {
      prefetch,
      heartbeat_timeout: Infinity,
      start_timeout: Infinity,
    });
    this.bench.open_run();
  }

  async step([kind, a, b]: Step): Promise<void> {
    const slave = this.slaves[a % this.slaves.length] as FakeSlave;
    const process = slave.launcher.processes.at(-1);
    const is_alive = process?.has_ended === false && process.runner !== undefined;
    switch (kind) {
      case 'queue':
        for (let i = 0; i < b; i++)
          this.tasks.push(i % 4 === 0 ? this.bench.queue('take_turns', a) : this.bench.queue('echo', i));
        return this.open();
      case 'queue_urgent':
        this.tasks.push(this.bench.queue_urgent('take_turns', b % 4));
        return;
      case 'crash':
        if (is_alive) process.end({ signal: 'SIGSEGV' });
        return;
      case 'exit':
        if (is_alive) await process.exit(3);
        return;
      case 'add': {
        if (this.slaves.length > 4) return;
        const late = new FakeSlave();
        this.slaves.push(late);
        return this.bench.driver.add_slave(late);
      }
      case 'remove':
        if (this.slaves.length < 2) return;
        this.slaves.splice(this.slaves.indexOf(slave), 1);
        return this.bench.driver.remove_slave(slave);
      case 'pass':
        return this.bench.clock.pass(b * 20);
      case 'turns':
        for (let i = 0; i < b; i++) await turn();
    }
  }

  /** A new run, if there is none, as a Job opens it when tasks come late. */
  open(): void {
    if (this.bench.unread.is_finished) this.bench.open_run();
  }

  async settle_down(): Promise<void> {
    await wait_until(() => {
      this.take();
      this.bench.clock.pass(10);
      return this.finished.length >= this.tasks.length;
    }, 'an outcome of every task');
  }

  take(): void {
    for (const task of this.tasks)
      if (task.index === undefined && task.outcome !== undefined && !this.finished.includes(task))
        this.finished.push(task);
    for (let task = this.bench.unread.take(); task !== undefined; task = this.bench.unread.take())
      this.finished.push(task);
  }
}

it('every task has one outcome, whatever becomes of slaves', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(undefined, 1, 8), async (sequence, prefetch) => {
      const chaos = new Chaos(prefetch);
      for (const step of sequence) await chaos.step(step);
      await chaos.settle_down();
      const { tasks, finished, bench } = chaos;
      expect(finished.length).toBe(tasks.length);
      expect(new Set(finished).size).toBe(tasks.length);
      for (const { state, outcome } of finished) {
        if (state === 'failed') expect(outcome).toBeInstanceOf(SlaveDiedError);
        else expect(state).toBe('done');
      }
      expect(bench.driver.unsettled).toBe(0);
      await bench.driver.stop();
    }),
    { numRuns: 50 },
  );
});
