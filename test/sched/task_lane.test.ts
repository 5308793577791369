import { describe, expect, it } from 'vitest';
import { TaskRecord } from '../../src/sched/records.js';
import { TaskLane } from '../../src/sched/task_lane.js';

function lane_of(count: number): { lane: TaskLane<TaskRecord>; tasks: TaskRecord[] } {
  const lane = new TaskLane<TaskRecord>();
  const tasks = Array.from({ length: count }, (_, i) => new TaskRecord(i, i, 10));
  for (const task of tasks) lane.push(task);
  return { lane, tasks };
}

function cancel(lane: TaskLane<TaskRecord>, ...tasks: (TaskRecord | undefined)[]): void {
  for (const task of tasks) {
    if (task !== undefined) task.state = 'cancelled';
    lane.note_cancelled();
  }
}

describe('a lane', () => {
  it('gives out its tasks in order', () => {
    const { lane, tasks } = lane_of(3);
    expect([lane.shift(), lane.shift(), lane.shift(), lane.shift()]).toEqual([...tasks, undefined]);
  });

  it('has what is put to its head first', () => {
    const { lane } = lane_of(2);
    const first = new TaskRecord(9, 9, 10);
    lane.unshift(first);
    expect(lane.shift()).toBe(first);
  });

  it('gives out no task that was cancelled, and does not count it', () => {
    const { lane, tasks } = lane_of(4);
    cancel(lane, tasks[0], tasks[2]);
    expect(lane.size).toBe(2);
    lane.check();
    expect([lane.shift(), lane.shift(), lane.shift()]).toEqual([tasks[1], tasks[3], undefined]);
    expect(lane.size).toBe(0);
    lane.check();
  });

  it('gives out the first that is wanted, and keeps the order of the others', () => {
    const { lane, tasks } = lane_of(5);
    expect(lane.shift_first(({ task_id }) => task_id > 1, 5)).toBe(tasks[2]);
    expect([...lane]).toEqual([tasks[0], tasks[1], tasks[3], tasks[4]]);
  });

  it('looks for it among the first few only', () => {
    const { lane, tasks } = lane_of(5);
    const is_last = (task: TaskRecord) => task === tasks[4];
    expect(lane.has(is_last, 4)).toBe(false);
    expect(lane.shift_first(is_last, 4)).toBeUndefined();
    expect(lane.has(is_last, 5)).toBe(true);
    expect(lane.size).toBe(5);
  });

  it('does not look at those that were cancelled', () => {
    const { lane, tasks } = lane_of(5);
    cancel(lane, tasks[0], tasks[1], tasks[3]);
    expect(lane.has(() => true, 1)).toBe(true);
    expect(lane.shift_first((task) => task === tasks[4], 2)).toBe(tasks[4]);
    expect(lane.size).toBe(1);
    lane.check();
  });

  it('does not keep many entries of cancelled tasks', () => {
    const { lane, tasks } = lane_of(1000);
    cancel(lane, ...tasks.slice(1));
    expect([...lane].length).toBeLessThan(100);
    expect(lane.size).toBe(1);
    lane.check();
    expect(lane.shift()).toBe(tasks[0]);
  });

  it('notices a count that is wrong', () => {
    const { lane, tasks } = lane_of(1);
    if (tasks[0] !== undefined) tasks[0].state = 'cancelled';
    expect(() => lane.check()).toThrow('cancelled entries are miscounted');
    if (tasks[0] !== undefined) tasks[0].state = 'done';
    expect(() => lane.check()).toThrow('a task waits while done');
  });
});
