import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Deferred } from '../../src/base/deferred.js';
import { dashboard_file } from '../../src/cli/dashboard.js';
import { StatusFileError, UsageError } from '../../src/errors.js';
import { Journal } from '../../src/journal/journal.js';
import { unit_folder } from '../kit/fake_slave.js';

function status_file(): string {
  const file = join(unit_folder(), 'align.status');
  const journal = Journal.create({ file, jobname: 'align', program: {}, fsync: 'never' });
  for (let index = 0; index < 3; index++) {
    const task = { index, key: `${index}`, name: 'needle.js#align' };
    journal.append({ kind: 'done', task, attempt: 1, slave: 'align.slave0', run_ms: 5, value: { json: 1 } });
  }
  journal.append({ kind: 'finished' });
  journal.close();
  return file;
}

it('serves the page of a run from its file, until it is ended', async () => {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const url = new Deferred<string>();
  const code = dashboard_file(status_file(), {
    signal: controller.signal,
    on_url: (link) => url.resolve(link),
  });
  const origin = new URL(await url.promise).origin;
  expect(await (await fetch(origin)).text()).toContain('<main id="page">');
  const ask = async (path: string) => (await fetch(`${origin}${path}`)).json();
  await expect
    .poll(() => ask('/api/tasks?sort=index'))
    .toMatchObject({
      matched: 3,
      rows: [{ index: 0, name: 'needle.js#align', slave: 'align.slave0', outcome: 'done' }, {}, {}],
    });
  expect(await ask('/api/explain')).toMatchObject({ text: expect.stringContaining('come to its end') });
  expect((await fetch(`${origin}/metrics`)).status).toBe(404);
  controller.abort();
  expect(await code).toBe(0);
  await expect(fetch(origin)).rejects.toThrow();
});

it('cannot act on a file, with the token either', async () => {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const url = new Deferred<string>();
  const code = dashboard_file(status_file(), {
    signal: controller.signal,
    on_url: (link) => url.resolve(link),
  });
  const { origin, hash } = new URL(await url.promise);
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${hash.replace('#token=', '')}`,
  };
  const answer = await fetch(`${origin}/api/stop`, { method: 'POST', headers, body: '{}' });
  expect([answer.status, await answer.json()]).toEqual([409, { error: expect.stringContaining('a file') }]);
  controller.abort();
  await code;
});

it('refuses a port that cannot be, and what is no status file', async () => {
  await expect(dashboard_file(status_file(), { port: 'http' })).rejects.toThrow(UsageError);
  await expect(dashboard_file(status_file(), { port: 70_000 })).rejects.toThrow(/0 to 65535, got 70000/);
  const file = join(unit_folder(), 'x.status');
  writeFileSync(file, 'hello\n');
  await expect(dashboard_file(file)).rejects.toThrow(StatusFileError);
});
