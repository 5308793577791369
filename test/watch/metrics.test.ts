import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Metrics } from '../../src/watch/metrics.js';
import { counts, fake_run, fake_task } from './fake_job.js';

function measured() {
  const run = fake_run();
  run.job.counts = counts(10, 4, 2);
  const metrics = new Metrics(run.model, 'align');
  onTestFinished(() => metrics.close());
  run.job.connect(0);
  run.job.connect(1);
  run.job.done(0, 0, 1.5);
  run.job.done(1, 0, 2);
  run.job.done(2, 1, 3000, 'tree');
  run.job.failures.died = 2;
  run.job.tell('task_retried', {
    task: fake_task(4),
    slave: run.job.slave(1),
    error: new Error('no'),
    delay_ms: 0,
  });
  const vitals = { rss: 1e8, peak: 2e8, cpu: 0, stalled: 1500 };
  run.job.tell('heartbeat', { slave: run.job.slave(0), vitals });
  run.clock.pass(1000);
  return { ...run, metrics };
}

/** The value of a line without its labels' quotes. */
function value(text: string, name: string): number | undefined {
  const line = text.split('\n').find((each) => each.replaceAll('"', '').startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

describe('Metrics', () => {
  it('tell counts, failures and slaves', async () => {
    const { metrics } = measured();
    const text = await metrics.text();
    const labels = (more: string) => `{${more},jobname=align}`;
    expect(value(text, `parjob_tasks_ended_total${labels('outcome=done')}`)).toBe(3);
    expect(value(text, 'parjob_tasks_waiting{jobname=align}')).toBe(4);
    expect(value(text, 'parjob_tasks_assigned{jobname=align}')).toBe(2);
    expect(value(text, 'parjob_task_retries_total{jobname=align}')).toBe(1);
    expect(value(text, `parjob_failures_total${labels('kind=died')}`)).toBe(2);
    expect(value(text, `parjob_slaves${labels('state=connected')}`)).toBe(2);
    expect(value(text, 'parjob_busy_seconds_total{jobname=align}')).toBeCloseTo(3.0035, 9);
    expect(value(text, `parjob_slave_stalled_seconds${labels('slave=fake.slave0,host=node1')}`)).toBe(1.5);
  });

  it('have times of tasks in cumulative buckets, by name', async () => {
    const { metrics } = measured();
    const text = await metrics.text();
    const bucket = (task: string, le: string) =>
      value(text, `parjob_task_seconds_bucket{task=${task},le=${le},jobname=align}`);
    expect(text).toContain('# TYPE parjob_task_seconds histogram');
    expect(['0.001', '0.002', '0.004', '+Inf'].map((le) => bucket('align', le))).toEqual([0, 2, 2, 2]);
    expect(bucket('tree', '4.096')).toBe(1);
    expect(value(text, 'parjob_task_seconds_sum{task=align,jobname=align}')).toBeCloseTo(0.0035, 9);
    expect(value(text, 'parjob_task_seconds_count{task=tree,jobname=align}')).toBe(1);
  });

  it('do not count twice when they are read twice', async () => {
    const { metrics } = measured();
    expect(await metrics.text()).toBe(await metrics.text());
  });

  it('are those that NAMES.md and the dashboard for Grafana name', async () => {
    const { metrics } = measured();
    const told = [...(await metrics.text()).matchAll(/^# TYPE (\w+) (\w+)/gm)].map(
      ([, name, kind]) => `${name} ${kind}`,
    );
    const page = readFileSync(new URL('../../src/watch/NAMES.md', import.meta.url), 'utf8');
    const named = [...page.matchAll(/^\| `(parjob_\w+)` \| (\w+) \|/gm)].map(
      ([, name, kind]) => `${name} ${kind}`,
    );
    expect(told.toSorted()).toEqual(
      [...named, 'parjob_time_left_seconds gauge'].filter((n, i, all) => all.indexOf(n) === i).toSorted(),
    );
    const grafana = readFileSync(new URL('../../examples/grafana/parjob.json', import.meta.url), 'utf8');
    const used = new Set(
      [...grafana.matchAll(/parjob_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')),
    );
    const names = new Set(named.map((line) => line.split(' ')[0]));
    expect([...used].filter((name) => !names.has(name))).toEqual([]);
    expect(used.size).toBeGreaterThan(8);
    expect(() => JSON.parse(grafana)).not.toThrow();
  });

  it('are served on loopback, and nothing else is', async () => {
    const { metrics } = measured();
    const port = await metrics.serve();
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(answer.headers.get('content-type')).toContain('version=0.0.4');
    expect(await answer.text()).toContain('parjob_run_seconds');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  });
});
