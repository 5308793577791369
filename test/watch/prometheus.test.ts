/** The metrics, and the queries of the dashboard for Grafana, as Prometheus itself sees them: by its promtool. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Metrics } from '../../src/watch/metrics.js';
import { unit_folder } from '../kit/fake_slave.js';
import { counts, fake_run, fake_task } from './fake_job.js';

const PROMTOOL = 'promtool';

const has_promtool = (() => {
  try {
    execFileSync(PROMTOOL, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('promtool: skipped, it is not installed (Debian: prometheus)');
    return false;
  }
})();

/** Runs promtool; what it says when it is not content is in the error. */
function promtool(words: string[], input = ''): string {
  return execFileSync(PROMTOOL, words, { input, encoding: 'utf8', stdio: 'pipe' });
}

/** The queries by the titles of their panels, as Grafana would ask them for the job `align`. */
function queries(): Map<string, string> {
  const file = new URL('../../examples/grafana/parjob.json', import.meta.url);
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  return new Map(
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }, i) => [
        `${title} ${'AB'[i]}`,
        expr.replaceAll('$jobname', '(align)').replaceAll('$__rate_interval', '1m'),
      ]),
    ),
  );
}

describe.skipIf(!has_promtool)('promtool', () => {
  it('finds nothing wrong with the metrics', async () => {
    const { model, job, clock } = fake_run();
    const metrics = new Metrics(model, 'a "name" with \\ and\nlines');
    onTestFinished(() => metrics.close());
    job.counts = counts(10, 4, 2);
    job.connect(0);
    job.done(0, 0, 1.5, 'tree "quoted"');
    job.tell('task_retried', {
      task: fake_task(4),
      slave: job.slave(0),
      error: new Error('no'),
      delay_ms: 0,
    });
    job.tell('heartbeat', { slave: job.slave(0), vitals: { rss: 1e8, peak: 2e8, cpu: 0, stalled: 1500 } });
    clock.pass(1000);
    const text = await metrics.text();
    expect(promtool(['check', 'metrics'], text)).toBe('');
    // it can say no
    const wrong = text.replace('counter', 'gauge');
    expect(() => promtool(['check', 'metrics'], wrong)).toThrow(
      /non-counter metrics should not have "_total"/,
    );
  });

  it('gets from each query of the dashboard what its panel says', () => {
    const folder = unit_folder();
    const a_minute = (per_scrape: number) => `0+${per_scrape}x60`;
    const series = (name: string, labels: string, values: string) => ({
      series: `${name}{jobname="align"${labels === '' ? '' : `,${labels}`}}`,
      values,
    });
    const input_series = [
      series('parjob_tasks_ended_total', 'outcome="done"', a_minute(30)),
      series('parjob_tasks_ended_total', 'outcome="failed"', a_minute(3)),
      { series: 'parjob_tasks_ended_total{jobname="other",outcome="done"}', values: a_minute(999) },
      series('parjob_tasks_waiting', '', '500x60'),
      series('parjob_tasks_assigned', '', '8x60'),
      series('parjob_time_left_seconds', '', '90x60'),
      series('parjob_slaves', 'state="connected"', '1x60'),
      series('parjob_slaves', 'state="running_task"', '3x60'),
      series('parjob_slaves', 'state="dead"', '2x60'),
      series('parjob_busy_seconds_total', '', a_minute(45)),
      series('parjob_slave_seconds_total', '', a_minute(60)),
      series('parjob_task_seconds_bucket', 'task="tree",le="0.5"', a_minute(0)),
      series('parjob_task_seconds_bucket', 'task="tree",le="1.0"', a_minute(30)),
      series('parjob_task_seconds_bucket', 'task="tree",le="+Inf"', a_minute(30)),
      series('parjob_failures_total', 'kind="threw"', '7x60'),
      series('parjob_task_retries_total', '', '4x60'),
      series('parjob_slave_resident_memory_bytes', 'slave="align.slave0",host="node1"', '1000x60'),
      series('parjob_slaves_resident_memory_bytes', '', '4000x60'),
      series('parjob_slave_cpu_ratio', 'slave="align.slave0",host="node1"', '0.5x60'),
      series('parjob_slave_stalled_seconds', 'slave="align.slave0",host="node1"', '3x60'),
    ];
    const of_slave = (name: string) => `${name}{jobname="align",slave="align.slave0",host="node1"}`;
    const expected: Record<string, [labels: string, value: number][]> = {
      'Tasks done A': [['{}', 30 * 20]],
      'Waiting A': [['{}', 500]],
      'Time left A': [['{}', 90]],
      'Slaves connected A': [['{}', 4]],
      'Efficiency A': [['{}', 0.75]],
      'Failed A': [['{}', 3 * 20]],
      'Throughput A': [
        ['{outcome="done"}', 2],
        ['{outcome="failed"}', 0.2],
      ],
      'Queue A': [['{}', 500]],
      'Queue B': [['{}', 8]],
      'Slaves by state A': [
        ['{state="connected"}', 1],
        ['{state="dead"}', 2],
        ['{state="running_task"}', 3],
      ],
      'Time of a task: median, 95 % A': [['{task="tree"}', 0.75]],
      'Time of a task: median, 95 % B': [['{task="tree"}', 0.975]],
      'Failures so far A': [['{kind="threw"}', 7]],
      'Failures so far B': [['{}', 4]],
      'Memory of slaves A': [[of_slave('parjob_slave_resident_memory_bytes'), 1000]],
      'Memory of slaves B': [['{}', 4000]],
      'CPU of slaves, event loops that stand A': [[of_slave('parjob_slave_cpu_ratio'), 0.5]],
      'CPU of slaves, event loops that stand B': [[of_slave('parjob_slave_stalled_seconds'), 3]],
    };
    expect([...queries().keys()].toSorted()).toEqual(Object.keys(expected).toSorted());
    const asked = [...queries()].map(([title, expr]) => ({
      expr,
      eval_time: '5m',
      exp_samples: (expected[title] ?? []).map(([labels, value]) => ({ labels, value })),
    }));
    const file = join(folder, 'queries.json');
    // a file of YAML may be one of JSON
    const test = { interval: '15s', input_series, promql_expr_test: asked };
    writeFileSync(file, JSON.stringify({ tests: [test] }));
    expect(promtool(['test', 'rules', file])).toContain('SUCCESS');
  });
});
