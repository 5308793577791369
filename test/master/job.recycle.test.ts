/** Processes of slaves that are replaced, or stopped, though nothing is wrong with them. */
import { describe, expect, it } from 'vitest';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { turn, wait_until } from '../kit/wait_until.js';

const { echo, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** A job of one slave, why that was stopped each time, and losses, of which there are to be none. */
function watched(options: Parameters<typeof unit_job>[1]) {
  const slave = new FakeSlave();
  const job = unit_job<unknown>([slave], options);
  const stopped: string[] = [];
  const lost: unknown[] = [];
  job.on('slave_stopped', ({ reason }) => stopped.push(reason));
  job.on('slave_lost', (event) => lost.push(event));
  return { slave, job, stopped, lost, launches: () => slave.launcher.processes.length };
}

describe('max_tasks_per_slave', () => {
  it('replaces the process after so many tasks, and every task is run once', async () => {
    const { job, stopped, lost, launches } = watched({ max_tasks_per_slave: 3 });
    const attempts = new Set<number>();
    job.on('task_done', ({ task }) => attempts.add(task.attempts));
    for (let i = 0; i < 10; i++) job.queue_task(echo(i));
    expect(await job.run_all_tasks()).toEqual(Array.from({ length: 10 }, (_, i) => i));
    expect(attempts).toEqual(new Set([1]));
    expect(launches()).toBeGreaterThanOrEqual(4);
    expect(stopped.slice(0, 3)).toEqual(['recycle', 'recycle', 'recycle']);
    expect(lost).toEqual([]);
  });

  it('counts tasks of all kinds, and keeps the name of the slave', async () => {
    const { slave, job, launches } = watched({ max_tasks_per_slave: 1 });
    for (let i = 1; i <= 3; i++) {
      expect(await job.run_task(echo(i))).toBe(i);
      expect(slave.name).toBe('unit.slave0');
    }
    expect(launches()).toBeGreaterThanOrEqual(3);
    expect(slave.launcher.processes.map(({ order }) => order.launch).slice(0, 3)).toEqual([0, 1, 2]);
  });
});

describe('max_slave_memory', () => {
  it('replaces a process that has grown above it, when its task has ended', async () => {
    const { slave, job, stopped, lost, launches } = watched({ max_slave_memory: 1000 });
    const result = job.run_task(wait_for('a large one'));
    const process = await slave.busy(1);
    await wait_until(() => process.pulse !== undefined, 'its pulse');
    const heartbeats: number[] = [];
    job.on('heartbeat', ({ vitals }) => heartbeats.push(vitals.rss));
    process.beat({ rss: 1001 });
    await wait_until(() => heartbeats.includes(1001), 'the heartbeat');
    await turn();
    expect(process.has_ended).toBe(false);
    await let_go('a large one', 'its result');
    expect(await result).toBe('its result');
    await wait_until(() => launches() === 2, 'its successor');
    expect(stopped).toEqual(['recycle']);
    expect(lost).toEqual([]);
    expect(await job.run_task(echo(1))).toBe(1);
  });

  it('leaves one alone that is just as large', async () => {
    const { slave, job, stopped } = watched({ max_slave_memory: 1000 });
    await job.start();
    await wait_until(() => slave.process.pulse !== undefined, 'its pulse');
    const heartbeats: number[] = [];
    job.on('heartbeat', ({ vitals }) => heartbeats.push(vitals.rss));
    slave.process.beat({ rss: 1000 });
    await wait_until(() => heartbeats.includes(1000), 'the heartbeat');
    expect(await job.run_task(echo(1))).toBe(1);
    expect(stopped).toEqual([]);
  });
});

describe('idle_timeout', () => {
  it('stops a slave that has had nothing to do, and starts it again when it is needed', async () => {
    const { slave, job, stopped, lost, launches } = watched({ idle_timeout: 5 });
    expect(await job.run_task(echo(1))).toBe(1);
    await wait_until(() => slave.state === 'stopped', 'the rest of the slave');
    expect(stopped).toEqual(['rest']);
    expect(launches()).toBe(1);
    expect(await job.run_task(echo(2))).toBe(2);
    expect(launches()).toBe(2);
    expect(lost).toEqual([]);
  });

  it('does not count the time of a task', async () => {
    const { slave, job, stopped } = watched({ idle_timeout: 10 });
    const result = job.run_task(wait_for('longer than that'));
    await slave.busy(1);
    const since = performance.now();
    await wait_until(() => performance.now() - since > 30, 'three times as long');
    expect(stopped).toEqual([]);
    await let_go('longer than that', 3);
    expect(await result).toBe(3);
  });
});
