import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Trace } from '../../src/watch/trace.js';
import { unit_folder } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';
import { counts, fake_run } from './fake_job.js';

interface TraceEvent {
  name: string;
  ph: string;
  ts?: number;
  dur?: number;
  tid: number;
  cat?: string;
  args: Record<string, unknown>;
}

function traced() {
  const run = fake_run();
  const file = join(unit_folder(), 'run.trace.json');
  const trace = new Trace(run.model, file, 'align');
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[];
  return { ...run, file, trace, read };
}

describe('Trace', () => {
  it('has a slice for each task on the row of its slave', async () => {
    const { clock, job, trace, read } = traced();
    job.connect(1);
    clock.pass(1000);
    job.done(3, 1, 250);
    clock.pass(10);
    job.failed(4, 1, 10, { name: 'tree', attempts: 2 });
    await trace.close();
    const events = read();
    expect(events.filter(({ ph }) => ph === 'X')).toMatchObject([
      { name: 'align', cat: 'done', ts: 750_000, dur: 250_000, tid: 2, args: { index: 3, attempt: 1 } },
      { name: 'tree', cat: 'failed', ts: 1_000_000, dur: 10_000, tid: 2, args: { index: 4, attempt: 2 } },
    ]);
    expect(events).toContainEqual({
      name: 'thread_name',
      ph: 'M',
      pid: 1,
      tid: 2,
      args: { name: 'fake.slave1' },
    });
    expect(events[0]).toMatchObject({ name: 'process_name', args: { name: 'align' } });
    expect(events.filter(({ name }) => name === 'slave_connected')).toMatchObject([
      { ph: 'i', ts: 0, tid: 2 },
    ]);
  });

  it('counts the queue', async () => {
    const { clock, job, trace, read } = traced();
    job.counts = counts(10, 6, 2);
    clock.pass(500);
    await trace.close();
    const counters = read().filter(({ ph }) => ph === 'C');
    expect(counters.map(({ ts, args }) => [ts, args])).toEqual([
      [250_000, { running: 0, waiting: 6 }],
      [500_000, { running: 0, waiting: 6 }],
    ]);
  });

  it('puts very short tasks together, and loses none', async () => {
    const { clock, job, model, trace, read } = traced();
    clock.pass(1000);
    for (let i = 0; i < 1000; i++) job.done(i, i % 2, 0.1);
    job.done(1000, 0, 50);
    model.feed.flush();
    await trace.close();
    const slices = read().filter(({ ph }) => ph === 'X');
    expect(slices.map(({ name, args }) => [name, args['tasks']]).toSorted()).toEqual([
      ['500 x align', 500],
      ['500 x align', 500],
      ['align', undefined],
    ]);
    const [heap] = slices.filter(({ name }) => name === '500 x align');
    expect(heap?.args['busy_ms']).toBeCloseTo(50, 3);
  });

  it('keeps to the format strictly: phases, whole µs, named rows, and slices of a row that follow or hold each other', async () => {
    const { clock, job, model, trace, read } = traced();
    job.connect(0);
    job.connect(1);
    // times as slaves measure them, each task right behind the one before it
    for (let i = 0; i < 3000; i++) {
      const run_ms = i % 7 === 0 ? 5 + (i % 13) / 7 : (i % 11) / 13;
      clock.pass(run_ms);
      job.done(i, i < 2000 ? 0 : 1, run_ms);
      if (i % 400 === 0) model.feed.flush();
    }
    job.tell('slave_lost', {
      slave: job.slave(0),
      error: new Error('gone'),
      why: 'lost',
      will_relaunch: true,
    } as never);
    await trace.close();
    const events = read();
    const rows = new Map<number, TraceEvent[]>();
    for (const event of events) {
      const { ph, tid, ts = 0, dur = 0, args } = event;
      expect(['X', 'M', 'i', 'C']).toContain(ph);
      expect([ts, dur, tid].every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
      if (ph === 'M') expect(['process_name', 'thread_name', 'thread_sort_index']).toContain(event.name);
      if (ph === 'C') expect(Object.values(args).every((n) => typeof n === 'number')).toBe(true);
      if (ph === 'X') rows.set(tid, [...(rows.get(tid) ?? []), event]);
    }
    expect(rows.size).toBe(2);
    for (const [tid, slices] of rows) {
      expect(events.some(({ name, ph, tid: of }) => ph === 'M' && name === 'thread_name' && of === tid)).toBe(
        true,
      );
      const open: number[] = [];
      slices.sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0) || (b.dur ?? 0) - (a.dur ?? 0));
      for (const { ts = 0, dur = 0 } of slices) {
        while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop();
        if (open.length > 0) expect(open.at(-1)).toBeGreaterThanOrEqual(ts + dur);
        open.push(ts + dur);
      }
    }
  });

  it('can be read although it was not closed, but for its bracket', async () => {
    const { clock, job, trace, file } = traced();
    job.done(0, 0, 30);
    clock.pass(250);
    const has_task = () => existsSync(file) && readFileSync(file, 'utf8').includes('"index":0');
    await wait_until(has_task, 'the task in the file');
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith('[\n')).toBe(true);
    expect(JSON.parse(`${text}]`)).toHaveLength(text.trimEnd().split('\n').length - 1);
    await trace.close();
  });

  it('gives up when the file cannot be written, and disturbs nobody', async () => {
    const { job, model } = traced();
    const trace = new Trace(model, join(unit_folder(), 'no', 'such', 'folder.json'), 'align');
    await wait_until(() => trace.error !== undefined, 'the error');
    job.done(0, 0, 1);
    model.feed.flush();
    await trace.close();
    expect(trace.error?.message).toContain('ENOENT');
  });
});
