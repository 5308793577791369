import { describe, expect, it } from 'vitest';
import { counts, fake_run, fake_task } from './fake_job.js';

describe('RunModel', () => {
  it('counts what has ended, and times it by name', () => {
    const { clock, job, model } = fake_run();
    job.done(0, 0, 10, 'align');
    job.done(1, 1, 30, 'tree');
    job.done(2, 0, 20, 'align');
    job.failed(3, 1, 0);
    job.tell('task_cancelled', { task: fake_task(4) });
    clock.pass(250);
    expect(model.counts).toMatchObject({ done: 3, failed: 1, cancelled: 1, queued: 0 });
    expect([...model.times_of_names()].map(([name, { count, sum }]) => [name, count, sum])).toEqual([
      ['align', 2, 30],
      ['tree', 1, 30],
    ]);
    expect([model.times.count, model.busy_ms]).toEqual([3, 60]);
    expect(model.slaves.map(({ done, failed, busy_ms }) => [done, failed, busy_ms])).toEqual([
      [2, 0, 30],
      [1, 1, 30],
    ]);
  });

  it('knows how many wait from the job, and how many an earlier run had done', () => {
    const { clock, job, model } = fake_run();
    job.counts = counts(100, 60, 8);
    for (let i = 0; i < 12; i++) job.done(i, 0, 1);
    job.done(undefined, 0, 1);
    clock.pass(250);
    expect(model.counts).toMatchObject({ queued: 100, waiting: 60, done: 13, restored: 20 });
    expect(model.waiting.points(clock.now()).values.at(-1)).toBe(60);
  });

  it('says what time is left only when the end of the queue is known', () => {
    const { clock, job, model } = fake_run();
    job.connect(0);
    for (let i = 0; i < 40; i++) {
      job.done(i, 0, 250);
      clock.pass(250);
    }
    job.counts = counts(120, 79, 1, true);
    expect(model.time_left).toBeUndefined();
    job.counts = counts(120, 79, 1);
    expect(model.time_left?.ms).toBeCloseTo(20_000, -3);
    expect(model.rate).toBeCloseTo(4, 0);
  });

  it('follows slaves through connection, loss and end', () => {
    const { clock, job, model } = fake_run();
    const state = () => model.slaves.map((line) => [line.state, line.is_connected, line.losses]);
    job.connect(0);
    job.connect(1);
    clock.pass(1000);
    const error = new Error('fake.slave1 was ended by SIGKILL');
    (job.slaves[1] as { state: string }).state = 'created';
    job.tell('slave_lost', { slave: job.slave(1), error, why: 'died' });
    clock.pass(1000);
    expect(state()).toEqual([
      ['connected', true, 0],
      ['created', false, 1],
    ]);
    expect([model.slave_ms, model.most_connected]).toEqual([3000, 2]);
    expect(model.failures).toMatchObject([
      { kind: 'slave_lost', why: 'died', slave: 'fake.slave1', at: 1000 },
    ]);
    job.tell('slave_stopped', { slave: job.slave(0), reason: 'leave' });
    job.splice(0, 1);
    expect(state()[0]).toEqual(['stopped', false, 0]);
    expect(model.states).toEqual({ stopped: 1, created: 1 });
  });

  it('makes shares of a CPU of the times that a pulse tells', () => {
    const { clock, job, model } = fake_run(1);
    job.connect(0);
    const beat = (cpu: number, stalled = 0) => {
      clock.pass(2000);
      job.tell('heartbeat', { slave: job.slave(0), vitals: { rss: 5e7, peak: 6e7, cpu, stalled } });
    };
    beat(400);
    expect(model.slaves[0]?.cpu).toBeUndefined();
    beat(1400, 1500);
    expect(model.slaves[0]).toMatchObject({ cpu: 0.5, stalls: 1, longest_stall: 1500 });
    // a new process begins at 0
    beat(100);
    expect(model.slaves[0]?.cpu).toBe(0.5);
  });

  it('tells speed-up and efficiency', () => {
    const { clock, job, model } = fake_run(2);
    job.connect(0);
    job.connect(1);
    job.tell('run_started', {});
    clock.pass(1000);
    job.done(0, 0, 1000);
    job.done(1, 1, 500);
    job.tell('run_finished', {});
    clock.pass(60_000);
    expect(model.elapsed).toBe(1000);
    expect(model.speed_up).toBeCloseTo(1.5, 9);
    expect(model.has_finished).toBe(true);
  });

  it('holds the last hundred failures', () => {
    const { job, model } = fake_run();
    for (let i = 0; i < 250; i++)
      job.tell('task_retried', {
        task: fake_task(i),
        slave: job.slave(0),
        error: new Error('no'),
        delay_ms: 0,
      });
    expect([model.failures.length, model.failures[0]?.index, model.counts.retried]).toEqual([100, 150, 250]);
  });

  it('does not grow with the number of tasks', () => {
    const { clock, job, model } = fake_run(2, { tasks_kept: 1000, story_limit: 50_000 });
    job.connect(0);
    const run = (tasks: number) => {
      for (let i = 0; i < tasks; i++) {
        job.done(i, i % 2, 1 + (i % 7), `task${i % 5}`);
        if (i % 1000 === 0) {
          job.failed(i, 0, 1, { error: new Error('x'.repeat(100)) });
          clock.pass(250);
        }
      }
    };
    run(100_000);
    const { indices } = model.ring;
    run(300_000);
    model.feed.flush();
    expect(model.ring.indices).toBe(indices);
    expect(model.ring.size).toBe(1000);
    expect(model.throughput.points(clock.now()).at.length).toBeLessThanOrEqual(512);
    expect(model.counts.done).toBe(400_000);
  });

  it('listens to nothing after its end', () => {
    const { job, model } = fake_run(2, { story_limit: 1000 });
    expect(job.emitter.eventNames().length).toBeGreaterThan(10);
    model.close();
    expect(job.emitter.eventNames()).toEqual([]);
  });
});
