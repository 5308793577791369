import { describe, expect, it } from 'vitest';
import { TaskFeed } from '../../src/watch/task_feed.js';
import { TaskRing } from '../../src/watch/task_ring.js';
import { ManualClock } from '../kit/manual_clock.js';
import { FakeJob } from './fake_job.js';

/** A ring that was given so many tasks, `batch` at a time. */
function ring_of(capacity: number, tasks: number, batch: number): TaskRing {
  const job = new FakeJob(1);
  const feed = new TaskFeed(job.watched, new ManualClock());
  const ring = new TaskRing(capacity);
  feed.add((rows) => ring.add_batch(rows));
  for (let i = 0; i < tasks; i++) {
    job.done(i, 0, 1);
    if (i % batch === batch - 1) feed.flush();
  }
  feed.flush();
  return ring;
}

describe('TaskRing', () => {
  it.each([
    [10, 25, 1],
    [10, 25, 7],
    [10, 8000, 8000],
    [1500, 5000, 999],
    [1500, 8000, 6000],
    [4096, 3000, 100],
    [100, 100, 100],
  ])('of %i keeps the last of %i tasks that come %i at a time', (capacity, tasks, batch) => {
    const ring = ring_of(capacity, tasks, batch);
    const size = Math.min(capacity, tasks);
    expect([ring.size, ring.added]).toEqual([size, tasks]);
    const kept = Array.from({ length: size }, (_, i) => ring.row(tasks - size + i)?.index);
    expect(kept).toEqual(Array.from({ length: size }, (_, i) => tasks - size + i));
    expect(ring.row(tasks - size - 1)).toBeUndefined();
    expect(ring.row(tasks)).toBeUndefined();
  });

  it('never takes more rows than its capacity', () => {
    expect(ring_of(5000, 100_000, 8192).indices.length).toBe(5000);
  });
});
