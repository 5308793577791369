import { describe, expect, it } from 'vitest';
import { climb, leave_ladder, watch_head } from '../../src/sched/kill_ladder.js';
import { SlaveRecord, TaskRecord } from '../../src/sched/records.js';

/** A slave that holds so many tasks, of which the first is cancelled. */
function slave_with(count: number): SlaveRecord<TaskRecord> {
  const slave = new SlaveRecord<TaskRecord>(0);
  for (let seq = 0; seq < count; seq++) {
    const task = new TaskRecord(seq, seq, 10);
    task.seq = seq;
    slave.tasks.push(task);
  }
  cancel(slave, 0);
  return slave;
}

function cancel(slave: SlaveRecord<TaskRecord>, place: number): void {
  const task = slave.tasks.at(place);
  if (task !== undefined) task.state = 'cancelled';
}

describe('the ladder to the kill', () => {
  it('is climbed step by step: grace, its pulse, whoever started it', () => {
    const slave = slave_with(1);
    expect(watch_head(slave, 100, 50)).toBe(true);
    expect(climb(slave, 149)).toBeUndefined();
    expect(climb(slave, 150)).toBe('kill');
    expect(climb(slave, 2149)).toBeUndefined();
    expect(climb(slave, 2150)).toBe('abandon');
    expect(climb(slave, 1e9)).toBeUndefined();
  });

  it('is not climbed anew while the same task is at the head', () => {
    const slave = slave_with(2);
    watch_head(slave, 100, 50);
    cancel(slave, 1);
    expect(watch_head(slave, 140, 50)).toBe(false);
    expect(climb(slave, 150)).toBe('kill');
    expect(watch_head(slave, 160, 50)).toBe(false);
    expect(climb(slave, 2150)).toBe('abandon');
  });

  it('begins again for the next head, if that is cancelled', () => {
    const slave = slave_with(2);
    watch_head(slave, 100, 50);
    expect(climb(slave, 150)).toBe('kill');
    slave.tasks.shift();
    cancel(slave, 0);
    expect(watch_head(slave, 200, 50)).toBe(true);
    expect(climb(slave, 249)).toBeUndefined();
    expect(climb(slave, 250)).toBe('kill');
    expect(slave.kill_seq).toBe(1);
  });

  it('is left when the head is wanted, or there is none', () => {
    const slave = slave_with(2);
    watch_head(slave, 100, 50);
    slave.tasks.shift();
    expect(watch_head(slave, 110, 50)).toBe(false);
    expect(climb(slave, 1e9)).toBeUndefined();
    const other = slave_with(1);
    watch_head(other, 100, 50);
    leave_ladder(other);
    expect(climb(other, 1e9)).toBeUndefined();
  });
});
