/** The server of the dashboard: who may see, who may act, and what it says. */
import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Access } from '../../src/watch/dashboard/access.js';
import { Dashboard } from '../../src/watch/dashboard/dashboard.js';
import { counts, fake_run, fake_task } from './fake_job.js';

async function served(host = '127.0.0.1') {
  const run = fake_run(2, { tasks_kept: 1000, story_limit: 1e6 });
  const dashboard = await Dashboard.serve(run.view, { token: 'tell-nobody', host });
  onTestFinished(() => dashboard.close());
  const base = dashboard.url.split('#')[0]?.replace(/\/$/, '').replace('0.0.0.0', '127.0.0.1') as string;
  const post = (path: string, body: object, token: string | undefined = 'tell-nobody') =>
    fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
  const get = async (path: string) =>
    (await fetch(`${base}${path}`)).json() as Promise<Record<string, never>>;
  return { ...run, dashboard, base, post, get };
}

/** The status of an answer to a request that says it is for `host`. */
function status_for(base: string, path: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${base}${path}`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

/** Events of the stream until `until` holds of one. */
async function events_of(
  base: string,
  until: (name: string, data: never) => boolean,
  path = '/events',
): Promise<[string, never][]> {
  const response = await fetch(`${base}${path}`);
  const events: [string, never][] = [];
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, name = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      events.push([name, JSON.parse(data) as never]);
      if (until(name, JSON.parse(data) as never)) return events;
    }
  }
  return events;
}

describe('the page', () => {
  it('has all its files, and asks for none from elsewhere', async () => {
    const { base } = await served();
    const seen = new Set<string>();
    const look = async (path: string) => {
      if (seen.has(path)) return;
      seen.add(path);
      const response = await fetch(`${base}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      const text = await response.text();
      if (path.startsWith('/lib/')) return;
      expect(text).not.toMatch(/https?:\/\//);
      const found = text.matchAll(/(?:src|href|from|import)[= ]+['"](\.?\/[\w./-]+)['"]/g);
      for (const [, next = ''] of found) await look(next.replace(/^\.\//, '/'));
    };
    await look('/');
    expect(seen.size).toBe(12);
    const response = await fetch(`${base}/`);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
  });

  it('is served only to who names this machine', async () => {
    const { base } = await served();
    const port = base.split(':').at(-1);
    expect(await status_for(base, '/api/tasks', `evil.example:${port}`)).toBe(403);
    expect(await status_for(base, '/api/tasks', `localhost:${port}`)).toBe(200);
  });
});

describe('the token', () => {
  it('is in the fragment of the link', async () => {
    const { dashboard } = await served();
    expect(dashboard.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=tell-nobody$/);
    expect(new Access('127.0.0.1').token.length).toBeGreaterThanOrEqual(22);
  });

  it('is needed for every action', async () => {
    const { job, post } = await served();
    for (const path of ['/api/stop', '/api/drain', '/api/cancel'])
      for (const token of ['', 'tell-nobodx', 'tell'])
        expect((await post(path, { slave_id: 0 }, token)).status).toBe(401);
    expect([job.is_stopped, job.length]).toEqual([false, 2]);
  });

  it('is needed to look from elsewhere', async () => {
    const { base } = await served('0.0.0.0');
    const status = async (path: string) => (await fetch(`${base}${path}`)).status;
    expect(await status('/')).toBe(200);
    expect(await status('/api/tasks')).toBe(401);
    expect(await status('/metrics')).toBe(401);
    expect(await status('/events')).toBe(401);
    expect(await status('/api/tasks?token=tell-nobody')).toBe(200);
  });
});

describe('the data', () => {
  it('come as events: the state, tasks that ended, series', async () => {
    const { clock, job, base } = await served();
    job.counts = counts(10, 7, 1);
    job.connect(0);
    job.done(0, 0, 20);
    clock.pass(500);
    const events = await events_of(base, (name) => name === 'series');
    expect(events.map(([name]) => name)).toEqual(['job', 'state', 'tasks', 'series']);
    expect(events[1]?.[1]).toMatchObject({
      overview: { counts: { done: 1, waiting: 7, assigned: 1 } },
      slaves: {
        total: 2,
        rows: [{ name: 'fake.slave0', state: 'connected', done: 1 }, { state: 'created' }],
      },
    });
    expect(events[2]?.[1]).toMatchObject({ next: 1, index: [0], run_ms: [20], names: ['align'] });
  });

  it('go on while the page is open', async () => {
    const { clock, job, base } = await served();
    const tick = setInterval(() => {
      job.done(5, 1, 1);
      clock.pass(500);
    }, 5);
    onTestFinished(() => clearInterval(tick));
    const events = await events_of(base, (name, { next }) => name === 'tasks' && next > 3);
    expect(events.filter(([name]) => name === 'state').length).toBeGreaterThan(1);
  });

  it('tell of tasks, by page', async () => {
    const { job, get } = await served();
    job.connect(1);
    for (let i = 0; i < 120; i++) job.done(i, i % 2, i, i % 3 === 0 ? 'tree' : 'align');
    const page = await get('/api/tasks?sort=run_ms&descending=true&name=tre&limit=2&offset=1');
    expect(page).toMatchObject({
      matched: 40,
      kept: 120,
      rows: [
        { index: 114, name: 'tree', slave: 'fake.slave0', outcome: 'done' },
        { index: 111, slave: 'fake.slave1' },
      ],
    });
    expect(await get('/api/tasks?sort=nonsense&limit=-4&offset=x')).toMatchObject({ matched: 120 });
  });

  it('tell of sections and files, if the job has any, when they change', async () => {
    const { model, base } = await served();
    model.sections = () => [
      { id: 'a', state: 'running', attempt: 1, host: 'node1', done: 5, total: 10 },
      { id: 'b', state: 'todo', attempt: 0 },
    ];
    model.files = () => [
      { key: 'hits', name: 'hits.tsv', usage: 'OUTPUT', pieces: { staging: 1 }, bytes: 0 },
    ];
    const events = await events_of(base, (name) => name === 'sections');
    expect(events.at(-1)?.[1]).toMatchObject({
      total: 2,
      counts: { running: 1, todo: 1 },
      files: [{ key: 'hits', pieces: { staging: 1 } }],
      rows: [{ id: 'a', done: 5 }, { id: 'b' }],
    });
  });

  it('are the state alone for those who want no more', async () => {
    const { clock, job, base } = await served();
    job.done(0, 0, 1);
    const tick = setInterval(() => clock.pass(500), 5);
    onTestFinished(() => clearInterval(tick));
    let states = 0;
    const events = await events_of(base, (name) => name === 'state' && ++states === 3, '/events?only=state');
    expect(new Set(events.map(([name]) => name))).toEqual(new Set(['job', 'state']));
  });

  it("tell a task's story", async () => {
    const { job, get } = await served();
    const task = fake_task(7, 'tree', 2);
    const error = Object.assign(new Error('lost'), { stack: 'Error: lost\n  at far' });
    job.tell('task_retried', { task, slave: job.slave(0), error, delay_ms: 0 });
    job.tell('task_checkpoint', { task, slave: job.slave(1), value: { step: 3 } });
    job.done(7, 1, 5, 'tree', 2);
    expect(await get('/api/tasks/7')).toMatchObject({
      end: { index: 7, outcome: 'done', attempt: 2, slave: 'fake.slave1' },
      entries: [
        { kind: 'task_retried', slave: 'fake.slave0', stack: 'Error: lost\n  at far' },
        { kind: 'task_checkpoint', text: '{ step: 3 }' },
      ],
    });
  });

  it('say why tasks wait', async () => {
    const { job, get } = await served();
    job.explanation = '3 tasks wait: no slave is ready';
    expect(await get('/api/explain')).toEqual({ text: '3 tasks wait: no slave is ready' });
  });

  it('have metrics', async () => {
    const { base } = await served();
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('parjob_run_seconds');
  });
});

describe('the actions', () => {
  it('cancel a task that runs, or one that the job finds', async () => {
    const { job, post } = await served();
    const cancelled: unknown[] = [];
    const task = (index: number) => ({ index, name: 'align', cancel: () => cancelled.push(index) > 0 });
    Object.assign(job.slaves[0] as object, { state: 'running_task', running: { task: task(3), since: 0 } });
    job.found.set(9, task(9) as never);
    expect(await (await post('/api/cancel', { index: 3 })).json()).toEqual({ is_done: true });
    expect((await post('/api/cancel', { index: 9 })).status).toBe(200);
    expect((await post('/api/cancel', { index: 4 })).status).toBe(404);
    expect(cancelled).toEqual([3, 9]);
  });

  it('drain a slave and stop the job', async () => {
    const { job, post } = await served();
    expect((await post('/api/drain', { slave_id: 1 })).status).toBe(200);
    expect(job.slaves.map(({ name }) => name)).toEqual(['fake.slave0']);
    expect((await post('/api/drain', { slave_id: 1 })).status).toBe(404);
    expect((await post('/api/stop', {})).status).toBe(200);
    expect(job.is_stopped).toBe(true);
  });
});
