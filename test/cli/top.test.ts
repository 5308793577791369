import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { top } from '../../src/cli/top.js';
import { NetworkError, UsageError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { announce, announcement_file } from '../../src/watch/dashboard/announcement.js';
import { Dashboard } from '../../src/watch/dashboard/dashboard.js';
import { watch } from '../../src/watch/watch.js';
import { unit_folder, unit_job } from '../kit/fake_slave.js';
import { fake_run } from '../watch/fake_job.js';

const { echo } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

afterEach(() => {
  vi.restoreAllMocks();
});

/** As if it was called in that folder. */
function stand_in(folder: string): void {
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
}

class Screen {
  readonly columns = 100;
  readonly rows = 20;
  text = '';

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  on(): void {}
  off(): void {}
}

it('shows a job that runs with a dashboard, found by its name, to its end', async () => {
  const folder = unit_folder();
  stand_in(folder);
  const job = unit_job<unknown>(2);
  const watching = await watch(job, {
    jobname: 'unit',
    dashboard: true,
    log_dir: folder,
    on_address: () => {},
    on_error: (_, error) => {
      throw error;
    },
  });
  onTestFinished(() => watching.close());
  const terminal = new Screen();
  const lines = () => terminal.text.split('\n');
  job.queue_task(echo(1));
  await job.run_all_tasks();
  const code = top('unit', { terminal });
  await expect.poll(lines).toContainEqual(expect.stringMatching(/^unit: 100 %, 1 done of 1, 0 running/));
  job.queue_task(echo(2));
  await job.run_all_tasks();
  await watching.close();
  expect(await code).toBe(0);
  expect(lines()).toContainEqual(expect.stringMatching(/^unit: 2 tasks in .* by 2 of 2 slaves: 2 done$/));
  await expect(top('unit', { terminal })).rejects.toThrow(UsageError);
});

it('prints a line of JSON for each state, and tells when the job is lost', async () => {
  const { job, view, clock } = fake_run();
  job.connect(0);
  const dashboard = await Dashboard.serve(view, { token: 'tell-nobody' });
  onTestFinished(() => dashboard.close());
  const terminal = new Screen();
  const said: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text));
  const code = top(dashboard.url, { terminal, json: true });
  await expect.poll(() => terminal.text).toContain('\n');
  const [first = ''] = terminal.text.split('\n');
  expect(JSON.parse(first)).toMatchObject({ jobname: 'align', slaves: { total: 2 } });
  clock.pass(1);
  await dashboard.close();
  expect(await code).toBe(1);
  expect(said).toEqual([expect.stringContaining('was lost before its run had ended')]);
});

it('finds the only job of the folder, and says which there are when they are several', async () => {
  const folder = unit_folder();
  stand_in(folder);
  await expect(top(undefined)).rejects.toThrow(/no job shows itself here/);
  const { view } = fake_run();
  const dashboard = await Dashboard.serve(view);
  onTestFinished(() => dashboard.close());
  const fail = (error: Error) => {
    throw error;
  };
  onTestFinished(announce(folder, 'align', dashboard.url, fail));
  const controller = new AbortController();
  const code = top(undefined, { terminal: new Screen(), json: true, signal: controller.signal });
  setImmediate(() => controller.abort());
  // it was found, whether it had connected by then or not
  await code.catch((error: Error) => expect(error.name).toBe('AbortError'));
  onTestFinished(announce(folder, 'trees', dashboard.url, fail));
  await expect(top(undefined)).rejects.toThrow(/name one: align, trees/);
});

it('says what it cannot use', async () => {
  const folder = unit_folder();
  stand_in(folder);
  await expect(top('nobody')).rejects.toThrow(/no job nobody shows itself here/);
  const file = announcement_file(folder, 'align');
  writeFileSync(file, 'hello');
  await expect(top('align')).rejects.toThrow(/does not say where a dashboard is/);
  const said = { jobname: 'align', url: 'http://127.0.0.1:9/#token=x', pid: 1 };
  writeFileSync(file, JSON.stringify({ ...said, host: `not-${hostname()}` }));
  await expect(top('align')).rejects.toThrow(/answers on not-.* alone/);
  writeFileSync(file, JSON.stringify({ ...said, host: hostname() }));
  await expect(top(file)).rejects.toThrow(NetworkError);
});

it('wants the token where it must be given', async () => {
  const { view } = fake_run();
  const dashboard = await Dashboard.serve(view, { host: '0.0.0.0', token: 'tell-nobody' });
  onTestFinished(() => dashboard.close());
  const link = dashboard.url.replace('0.0.0.0', '127.0.0.1');
  await expect(top(link.split('#')[0])).rejects.toThrow(/wants the token/);
});
