import { describe, expect, it } from 'vitest';
import { count_failure, count_loss, judge } from '../../src/sched/blame.js';
import type { LossKind } from '../../src/sched/events.js';
import { DEFAULT_POLICY, TaskRecord } from '../../src/sched/records.js';

const [a, b] = [new TaskRecord(1, 0, 10), new TaskRecord(2, 1, 10)];

describe('the task that ran when its slave was lost', () => {
  it('is the one that the slave named', () => {
    expect(judge([a, b], 'died', 2)).toEqual({ guilty: b, is_open: false });
  });

  it('is none when the slave said so, or named one that has been reported', () => {
    expect(judge([a, b], 'died', 'no_task')).toEqual({ guilty: undefined, is_open: false });
    expect(judge([a, b], 'died', 7)).toEqual({ guilty: undefined, is_open: false });
    expect(judge([], 'died', undefined)).toEqual({ guilty: undefined, is_open: false });
  });

  it('is the only one that the slave had', () => {
    expect(judge([b], 'lost', undefined)).toEqual({ guilty: b, is_open: false });
  });

  it('is not known when there are several', () => {
    expect(judge([a, b], 'evicted', undefined)).toEqual({ guilty: undefined, is_open: true });
  });

  it('is the cancelled one for which the slave was killed', () => {
    const cancelled = new TaskRecord(3, 2, 10);
    cancelled.state = 'cancelled';
    expect(judge([cancelled, b], 'cancelled', undefined)).toEqual({ guilty: cancelled, is_open: false });
    expect(judge([a, b], 'cancelled', undefined).is_open).toBe(true);
  });
});

describe('a loss', () => {
  const policy = { ...DEFAULT_POLICY, attempts: 3, losses: 4, retries: 2 };
  /** How often it may happen to a task of that policy. */
  const LIMITS: Record<LossKind, number> = {
    died: 3,
    too_large: 3,
    timed_out: 3,
    lost: 4,
    evicted: 4,
    cancelled: 4,
  };

  it.each(Object.entries(LIMITS) as [LossKind, number][])(
    'of kind %s is the last at the limit of its kind',
    (why, limit) => {
      const task = new TaskRecord(0, 0, 10, policy);
      const was_last = Array.from({ length: limit }, () => count_loss(task, why));
      expect(was_last).toEqual([...Array<boolean>(limit - 1).fill(false), true]);
    },
  );

  it('counts under its kind only', () => {
    const task = new TaskRecord(0, 0, 10, policy);
    for (const why of ['died', 'lost', 'timed_out'] as const) count_loss(task, why);
    expect(task.trouble).toMatchObject({ deaths: 1, losses: 1, failures: 1 });
  });
});

it('runs a task that failed again as often as it has retries', () => {
  const task = new TaskRecord(0, 0, 10, { ...DEFAULT_POLICY, retries: 2 });
  expect([1, 2, 3].map(() => count_failure(task))).toEqual([true, true, false]);
  expect(count_failure(new TaskRecord(1, 1, 10))).toBe(false);
});
