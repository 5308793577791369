import { describe, expect, it } from 'vitest';
import { type Bunch, MIXED, NO_SLAVE, type TaskBatch, TaskFeed } from '../../src/watch/task_feed.js';
import { ManualClock } from '../kit/manual_clock.js';
import { FakeJob, fake_task } from './fake_job.js';

function fed(slaves = 2) {
  const clock = new ManualClock();
  const job = new FakeJob(slaves);
  const feed = new TaskFeed(job.watched, clock);
  const batches: { indices: number[]; starts: number[]; slaves: number[]; outcomes: number[] }[] = [];
  const bunches: Bunch[] = [];
  feed.add((batch) => void bunches.push(...batch.bunches));
  const keep = (column: ArrayLike<number>, { length }: TaskBatch) => Array.from(column).slice(0, length);
  feed.add((batch) =>
    batches.push({
      indices: keep(batch.indices, batch),
      starts: keep(batch.starts, batch),
      slaves: keep(batch.slaves, batch),
      outcomes: keep(batch.outcomes, batch),
    }),
  );
  return { clock, job, feed, batches, bunches };
}

describe('TaskFeed', () => {
  it('hands on what has ended after a while, in its order', () => {
    const { clock, job, batches } = fed();
    job.done(4, 0, 1);
    job.failed(2, 1, 0);
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
    for (let i = 0; i < 2500; i++) job.done(i, 0, 0.01);
    expect(batches.map(({ indices }) => indices.length)).toEqual([1024, 1024]);
  });

  it('lays tasks that are told of together one after another', () => {
    const { clock, job, feed, batches } = fed();
    clock.pass(100);
    job.settled(0, [
      { index: 0, run_ms: 10 },
      { index: 1, run_ms: 20 },
      { index: 2, run_ms: 30 },
    ]);
    job.done(3, 1, 50);
    feed.flush();
    expect(batches[0]?.starts).toEqual([40, 50, 70, 50]);
    clock.pass(10);
    // it took longer than there is time since the one before it
    job.done(4, 0, 25);
    feed.flush();
    expect(batches[1]?.starts).toEqual([100]);
  });

  it('notes a failure once, whether it was told of with others or by itself', () => {
    const { job, feed, batches } = fed();
    job.settled(1, [
      { index: 0, run_ms: 2 },
      { index: 1, run_ms: 3, error: new Error('no') },
      { index: 2, run_ms: 4 },
    ]);
    // one whose slaves have died
    job.tell('task_failed', { task: fake_task(3), slave: job.slave(0), error: new Error('died'), run_ms: 5 });
    feed.flush();
    expect(batches).toMatchObject([{ indices: [0, 1, 2, 3], outcomes: [0, 1, 0, 1], slaves: [0, 0, 0, 1] }]);
  });

  it('says of each bunch what its tasks have in common', () => {
    const { job, feed, bunches } = fed();
    job.settled(1, [
      { index: 0, run_ms: 2 },
      { index: undefined, run_ms: 3, error: new Error('no') },
    ]);
    job.settled(0, [
      { index: 1, run_ms: 1, name: 'tree' },
      { index: 2, run_ms: 1, name: 'align' },
      { index: 3, run_ms: 1, name: 'tree' },
    ]);
    feed.flush();
    const align = feed.names.names.indexOf('align');
    expect(bunches).toEqual([
      { from: 0, to: 2, slave: 0, name: align, done: 1, beside: 1, run_ms: 5, longest_ms: 3 },
      { from: 2, to: 5, slave: 1, name: MIXED, done: 3, beside: 0, run_ms: 3, longest_ms: 1 },
    ]);
  });

  it('takes frames of any size', () => {
    const { job, feed, batches } = fed();
    job.settled(
      0,
      Array.from({ length: 20_000 }, (_, index) => ({ index, run_ms: 0 })),
    );
    job.settled(1, [{ index: 20_000, run_ms: 0 }]);
    feed.flush();
    expect(batches.flatMap(({ indices }) => indices)).toEqual(Array.from({ length: 20_001 }, (_, i) => i));
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
