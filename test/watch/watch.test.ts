/** Watchers on whole jobs, whose slaves are no processes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tasks_from } from '../../src/task.js';
import { read_announcement } from '../../src/watch/dashboard/announcement.js';
import { type WatchOptions, watch } from '../../src/watch/watch.js';
import { unit_folder, unit_job } from '../kit/fake_slave.js';

const { echo, fail } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

async function watched(options: Omit<WatchOptions, 'jobname'>) {
  const job = unit_job<unknown>(2);
  const addresses: string[] = [];
  const on_address = (_: string, url: string) => void addresses.push(url);
  const watching = await watch(job, { jobname: 'unit', on_address, ...options });
  onTestFinished(() => watching.close());
  return { job, watching, addresses };
}

describe('watch', () => {
  it('follows a run', async () => {
    const { job, watching } = await watched({});
    for (let i = 0; i < 20; i++) job.queue_task(i === 7 ? fail('no') : echo(i));
    await job.run_all_tasks({ settle: true });
    await job.stop();
    await watching.close();
    const { model } = watching;
    expect(model.counts).toMatchObject({ done: 19, failed: 1 });
    expect(model.ring.size).toBe(20);
    expect(model.failures).toMatchObject([{ kind: 'task_failed', index: 7, name: 'fail' }]);
    expect(model.slaves.map(({ launches, is_connected }) => [launches, is_connected])).toEqual([
      [1, false],
      [1, false],
    ]);
  });

  it('puts all watchers on one job', async () => {
    const file = join(unit_folder(), 'trace.json');
    const { job, watching, addresses } = await watched({
      trace: file,
      metrics: true,
      spans: true,
      channels: true,
    });
    for (let i = 0; i < 5; i++) job.queue_task(echo(i));
    expect(await job.run_all_tasks()).toEqual([0, 1, 2, 3, 4]);
    const text = await (await fetch(addresses[0] as string)).text();
    expect(text).toContain('parjob_tasks_ended_total{outcome="done",jobname="unit"} 5');
    await job.stop();
    await watching.close();
    const events = JSON.parse(readFileSync(file, 'utf8')) as { ph: string }[];
    expect(events.filter(({ ph }) => ph === 'X').length).toBe(5);
  });

  it('leaves word of its dashboard beside the logs, as long as there is one', async () => {
    const log_dir = unit_folder();
    const { watching, addresses } = await watched({ dashboard: true, log_dir });
    expect(read_announcement(join(log_dir, 'unit.dashboard'))?.url).toBe(addresses[0]);
    await watching.close();
    expect(readdirSync(log_dir)).toEqual([]);
  });

  it('tells what a watcher cannot do, and goes on', async () => {
    const errors: string[] = [];
    const { job, watching } = await watched({
      trace: join(unit_folder(), 'no', 'folder'),
      metrics: { host: '256.256.256.256' },
      on_error: (watcher, error) => errors.push(`${watcher}: ${error.message}`),
    });
    job.queue_task(echo(1));
    expect(await job.run_all_tasks()).toEqual([1]);
    await watching.close();
    expect(errors).toEqual([
      expect.stringMatching(/^metrics: .*256/),
      expect.stringMatching(/^trace: ENOENT/),
    ]);
  });
});
