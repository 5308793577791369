import { describe, expect, it } from 'vitest';
import { SlaveRecord, TaskRecord } from '../../src/sched/records.js';

describe('a TaskRecord', () => {
  it('waits for its first run when it is made', () => {
    expect(new TaskRecord(7, 3, 100)).toMatchObject({
      task_id: 7,
      index: 3,
      bytes: 100,
      state: 'queued',
      attempt: 1,
      is_suspect: false,
    });
    expect(new TaskRecord(7, 3, 100).trouble).toBeUndefined();
  });
});

describe('a SlaveRecord', () => {
  it('is created, and has nothing, when it is made', () => {
    const slave = new SlaveRecord<TaskRecord>(4);
    expect(slave).toMatchObject({ slave_id: 4, state: 'created', bytes: 0, commands: 0, failures: 0 });
    expect(slave.tasks.length).toBe(0);
  });
});
