import { describe, expect, it } from 'vitest';
import { NO_SLAVE, type TaskBatch, TaskFeed } from '../../src/watch/task_feed.js';
import { ManualClock } from '../kit/manual_clock.js';
import { FakeJob, fake_task } from './fake_job.js';

function fed(slaves = 2) {
  const clock = new ManualClock();
  const job = new FakeJob(slaves);
  const feed = new TaskFeed(job.watched, clock);
  const batches: { indices: number[]; starts: number[]; slaves: number[]; outcomes: number[] }[] = [];
  const keep = (column: ArrayLike<number>, { length }: TaskBatch) => Array.from(column).slice(0, length);
  feed.add((batch) =>
    batches.push({
      indices: keep(batch.indices, batch),
      starts: keep(batch.starts, batch),
      slaves: keep(batch.slaves, batch),
      outcomes: keep(batch.outcomes, batch),
    }),
  );
  return { clock, job, feed, batches };
}

describe('TaskFeed', () => {
  it('hands on what has ended after a while, in its order', () => {
    const { clock, job, batches } = fed();
    job.done(4, 0, 1);
    job.tell('task_failed', { task: fake_task(2), slave: job.slave(1), error: new Error('no') });
    job.tell('task_cancelled', { task: fake_task(9) });
    job.done(undefined, 1, 1);
    clock.pass(99);
    expect(batches).toEqual([]);
    clock.pass(1);
    expect(batches).toMatchObject([
      { indices: [4, 2, 9, -1], slaves: [0, 1, NO_SLAVE, 1], outcomes: [0, 1, 2, 0] },
    ]);
  });

  it('does not wait when its batch is full', () => {
    const { job, batches } = fed();
    for (let i = 0; i < 10_000; i++) job.done(i, 0, 0.01);
    expect(batches.map(({ indices }) => indices.length)).toEqual([8192]);
  });

  it('lays tasks that are reported together one after another', async () => {
    const { clock, job, feed, batches } = fed();
    clock.pass(100);
    job.done(0, 0, 10);
    job.done(1, 1, 50);
    job.done(2, 0, 20);
    job.done(3, 0, 30);
    feed.flush();
    expect(batches[0]?.starts).toEqual([40, 50, 50, 70]);
    await Promise.resolve();
    clock.pass(10);
    // it took longer than there is time since the one before it
    job.done(4, 0, 25);
    feed.flush();
    expect(batches[1]?.starts).toEqual([100]);
  });

  it('takes many at once from a job that tells so, and each only once', () => {
    const { job, feed, batches } = fed();
    job.settled(1, [
      { index: 0, run_ms: 2 },
      { index: 1, run_ms: 3, failed: true },
    ]);
    job.done(0, 1, 2);
    job.tell('task_failed', { task: fake_task(1), slave: job.slave(1), error: new Error('no') });
    feed.flush();
    expect(batches).toMatchObject([{ indices: [0, 1], outcomes: [0, 1] }]);
  });

  it('hears nothing after its end, but hands on what it has', () => {
    const { job, feed, batches } = fed();
    job.done(0, 0, 1);
    feed.close();
    job.done(1, 0, 1);
    feed.flush();
    expect(batches.map(({ indices }) => indices)).toEqual([[0]]);
    expect(job.emitter.eventNames()).toEqual([]);
  });
});
