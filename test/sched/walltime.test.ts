import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, SlaveRecord, TaskRecord } from '../../src/sched/records.js';
import { would_fit } from '../../src/sched/walltime.js';
import { held, kinds, type ModelOptions, SchedModel } from '../kit/sched_model.js';

const NOW = 100_000;

/** A slave that came at 0 and is to be ended at `ends_at`. */
function slave(ends_at: number, task_us?: number): SlaveRecord<TaskRecord> {
  const record = new SlaveRecord<TaskRecord>(0);
  record.ready_at = 0;
  record.ends_at = ends_at;
  record.task_us = task_us;
  return record;
}

function task(expected_time?: number): TaskRecord {
  return new TaskRecord(0, 0, 10, { ...DEFAULT_POLICY, expected_time });
}

describe('whether a task fits into the time of a slave', () => {
  it('needs what the user expects, and 2 s', () => {
    expect(would_fit(slave(NOW + 12_000), task(10_000), NOW)).toBe(true);
    expect(would_fit(slave(NOW + 11_999), task(10_000), NOW)).toBe(false);
  });

  it('needs one and a half times what tasks took there, when the user expects nothing', () => {
    expect(would_fit(slave(NOW + 17_000, 10_000_000), task(), NOW)).toBe(true);
    expect(would_fit(slave(NOW + 16_999, 10_000_000), task(), NOW)).toBe(false);
  });

  it('needs 2 s when nothing is known', () => {
    expect(would_fit(slave(NOW + 2000), task(), NOW)).toBe(true);
    expect(would_fit(slave(NOW + 1999), task(), NOW)).toBe(false);
  });

  it('needs what those take too that it has, less what has gone by', () => {
    const busy = slave(NOW + 30_000);
    busy.tasks.push(task(15_000));
    busy.progress_at = NOW - 2000;
    expect(would_fit(busy, task(15_000), NOW)).toBe(true);
    busy.tasks.push(task(1000));
    expect(would_fit(busy, task(15_000), NOW)).toBe(false);
  });

  it('makes no difference for a task that would not fit into a fresh process either', () => {
    expect(would_fit(slave(NOW + 1), task(NOW + 10_000), NOW)).toBe(true);
  });

  it('is always so without an end', () => {
    expect(would_fit(slave(Infinity, 10 ** 12), task(10 ** 12), NOW)).toBe(true);
  });
});

describe('a slave near its end', () => {
  function model_of(options: ModelOptions & { time_left: number }): SchedModel {
    const { time_left, ...rest } = options;
    const model = new SchedModel({ slaves: 1, prefetch: 1, ...rest });
    model.tell({ kind: 'slaves_wanted' });
    model.slave(0).process = 'ready';
    model.slave(0).host = 'here';
    model.hosts.add('here');
    model.slave(0).heard_at = model.now;
    model.tell({ kind: 'slave_ready', slave_id: 0, host: 'here', time_left });
    return model;
  }

  it('gets tasks that fit, then none, and is replaced by a fresh process that gets the rest', () => {
    const model = model_of({ time_left: 25_000 });
    model.queue(3, 10, { ...model.policy, expected_time: 10_000 });
    model.open_run();
    expect(held(model)).toEqual([[0]]);
    model.pass(10_000);
    expect(kinds(model.report(0))).toEqual(['tasks_settled', 'run_tasks']);
    model.pass(10_000);
    // of walltimes the model knows nothing: that it may be replaced
    model.slave(0).is_swollen = true;
    expect(model.report(0)).toMatchObject([
      { kind: 'tasks_settled' },
      { kind: 'stop_slave', reason: 'recycle' },
    ]);
    expect(held(model)).toEqual([[]]);
    expect(kinds(model.gone(0, 'no_task'))).toEqual(['launch_slave']);
    model.ready(0);
    expect(held(model)).toEqual([[2]]);
  });

  it('is left alone while there is nothing to do', () => {
    const model = model_of({ time_left: 25_000 });
    expect(kinds(model.pass(9000))).toEqual([]);
    expect(model.core.slave(0)?.state).toBe('connected');
  });
});
