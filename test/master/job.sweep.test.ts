import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FakeSlave, fake_slaves, rejection, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';

afterEach(() => {
  vi.useRealTimers();
});

/** A job whose slaves run, and in which seconds pass by `sweep`. */
async function swept_job(slaves: FakeSlave[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const job = unit_job(slaves);
  const started = job.start();
  await wait_until(() => slaves.every(({ state }) => state === 'connected'), 'the slaves');
  await started;
  return { job, sweep: () => vi.advanceTimersByTime(1000) };
}

describe('what is done to the list past all methods', () => {
  it('is noticed within a second', async () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const { job, sweep } = await swept_job([a, b]);
    job.length = 1;
    expect(b.state).toBe('connected');
    sweep();
    await wait_until(() => b.process.has_ended, 'the end of the slave that was cut off');
    expect(a.state).toBe('connected');
  });

  it('does not end the program when it cannot be, but is told to the next who calls', async () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    unit_job([b]);
    const { job, sweep } = await swept_job([a]);
    job[1] = 'slave' as never;
    expect(sweep).not.toThrow();
    expect((await rejection(job.run_all_tasks())).message).toContain(
      "a job is a list of slaves, got 'slave'",
    );
    job[1] = b;
    expect(sweep).not.toThrow();
    expect((await rejection(job.start())).message).toContain('is in another job');
    job.length = 1;
    expect(sweep).not.toThrow();
    await job.start();
  });
});
