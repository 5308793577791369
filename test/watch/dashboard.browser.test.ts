/** The page of the dashboard in a real browser, on a real job whose slaves are no processes. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Journal } from '../../src/journal/journal.js';
import type { JobOptions } from '../../src/master/job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { tasks_from } from '../../src/task.js';
import { announcement_file, read_announcement } from '../../src/watch/dashboard/announcement.js';
import { Dashboard } from '../../src/watch/dashboard/dashboard.js';
import { FileRun } from '../../src/watch/file_run.js';
import '../../src/watch/register.js';
import { SectionsRun } from '../../src/watch/sections_run.js';
import { watch } from '../../src/watch/watch.js';
import { unit_folder, unit_job } from '../kit/fake_slave.js';
import { hosts, test_folder, test_job } from '../sections/kit.js';

const { echo, fail, forever } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

const SERIAL = fileURLToPath(new URL('../sections/tasks/serial.js', import.meta.url));
const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executable_path = PLACES.find((place) => place !== undefined && existsSync(place));
const TIME = 60_000;
/** Where pictures go, if they are wanted: to be looked at. */
const PICTURES = process.env['PARJOB_PICTURES'];

/** Asks again until it holds, for as long as a busy machine may take. */
const polled = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 15_000 });

let browser: Browser;

beforeAll(async () => {
  if (executable_path === undefined) {
    console.log('dashboard in a browser: skipped, no Chromium is installed (set CHROMIUM to its path)');
    return;
  }
  browser = await chromium.launch({
    executablePath: executable_path,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  });
}, TIME);

afterAll(() => browser?.close());

async function opened(
  slaves = 2,
  view: { width: number; height: number; scheme: 'light' | 'dark' } = {
    width: 1200,
    height: 900,
    scheme: 'light',
  },
  options: JobOptions = {},
) {
  const job = unit_job<unknown>(slaves, { retry_delay: 1, ...options });
  let url = '';
  const watching = await watch(job, {
    jobname: 'unit',
    dashboard: true,
    log_dir: unit_folder(),
    on_address: (_, address) => {
      url = address;
    },
    on_error: (_, error) => {
      throw error;
    },
  });
  onTestFinished(() => watching.close());
  const show = async (): Promise<{ page: Page; problems: string[] }> => {
    const page = await browser.newPage({ viewport: view, colorScheme: view.scheme });
    onTestFinished(() => page.close());
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(url.split('/#')[0] as string) && !request.url().startsWith('data:'))
        problems.push(`a request to ${request.url()}`);
    });
    await page.goto(url);
    return { page, problems };
  };
  return { job, watching, show };
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** A run with failures, retries and progress that has ended. */
async function some_run(job: Awaited<ReturnType<typeof opened>>['job'], tasks = 300): Promise<void> {
  for (let i = 0; i < tasks; i++)
    job.queue_task(i % 60 === 7 ? fail(`bad luck ${i}`) : echo(i), { retries: i === 67 ? 1 : 0 });
  await job.run_all_tasks({ settle: true });
}

describe.skipIf(executable_path === undefined)('the dashboard in a browser', () => {
  it('shows a run, and goes on with it', { timeout: TIME }, async () => {
    const { job, show } = await opened();
    const { page, problems } = await show();
    await some_run(job);
    const done = page.locator('dl.facts div', { hasText: /^done/ }).locator('dd');
    await polled(() => done.textContent()).toBe('295');
    const run = job.run_task(echo(1));
    await run;
    await polled(() => done.textContent()).toBe('296');
    await polled(() => page.locator('.plots canvas').count()).toBe(2);
    expect(await page.locator('h1').textContent()).toBe('unit');
    expect(page.url()).not.toContain('token');
    expect(await page.locator('#page').textContent()).not.toContain('Loading');
    const border = (link: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('nav a${link}')).borderBottomColor`);
    expect(await border('[aria-current=page]')).not.toBe(await border(':last-child'));
    await picture(page, 'overview');
    expect(problems).toEqual([]);
  });

  it("filters, sorts and pages through tasks, and tells a failure's story", { timeout: TIME }, async () => {
    const { job, show } = await opened();
    await some_run(job);
    const { page, problems } = await show();
    await page.click('nav a[href="#tasks"]');
    const matched = page.locator('#matched');
    await polled(() => matched.textContent()).toBe('300');
    await page.selectOption('select[name=outcome]', 'failed');
    await polled(() => matched.textContent()).toBe('5');
    await page.fill('input[name=name]', 'ech');
    await polled(() => matched.textContent()).toBe('0');
    await page.fill('input[name=name]', '');
    await page.selectOption('select[name=outcome]', '');
    await polled(() => matched.textContent()).toBe('300');
    await page.click('th button:has-text("task")');
    const first = page.locator('#tasks tbody tr').first().locator('td').first();
    await polled(() => first.textContent()).toBe('299');
    await page.click('#next');
    await polled(() => first.textContent()).toBe('249');
    await page.fill('input[name=index]', '67');
    await polled(() => matched.textContent()).toBe('1');
    await page.click('#tasks tbody a');
    const story = page.locator('#story');
    await polled(() => story.textContent()).toContain('task_retried');
    expect(await story.textContent()).toContain('failed in attempt 2');
    expect(await story.locator('pre').first().textContent()).toMatch(/TypeError: bad luck 67\n\s+at /);
    await picture(page, 'story');
    expect(problems).toEqual([]);
  });

  it('shows slaves and their tasks over time', { timeout: TIME }, async () => {
    const { job, show } = await opened();
    await some_run(job);
    const { page, problems } = await show();
    await page.click('nav a[href="#slaves"]');
    await polled(() => page.locator('#slaves tbody tr').count()).toBe(2);
    expect(await page.locator('#slaves').textContent()).toContain('unit.slave0');
    await picture(page, 'slaves');
    await page.click('nav a[href="#stream"]');
    const canvas = page.locator('canvas.stream');
    const colours = () =>
      canvas.evaluate((element) => {
        const { width, height } = element as unknown as { width: number; height: number };
        // biome-ignore lint/suspicious/noExplicitAny: the types here are Node's, not those of a browser
        const { data } = (element as any).getContext('2d').getImageData(0, 0, width, height);
        const found = new Set<number>();
        for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] === 255) found.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
        return found.size;
      });
    await canvas.focus();
    await page.keyboard.press('-');
    await polled(colours).toBeGreaterThan(1);
    for (let i = 0; i < 3; i++) await page.keyboard.press('+');
    await page.keyboard.press('ArrowLeft');
    await polled(() => page.locator('#view').textContent()).toContain('held');
    await page.keyboard.press('End');
    await polled(() => page.locator('#view').textContent()).toContain('following the run');
    await picture(page, 'stream');
    expect(problems).toEqual([]);
  });

  it('acts: drains a slave, stops the job', { timeout: TIME }, async () => {
    const { job, show } = await opened(3);
    await some_run(job, 30);
    const { page, problems } = await show();
    await page.click('nav a[href="#slaves"]');
    await page.click('button[aria-label="Drain unit.slave1"]');
    await polled(() => job.length).toBe(2);
    await polled(() => page.locator('[role=status]').textContent()).toContain('leaves');
    page.on('dialog', (dialog) => dialog.accept());
    await page.click('#stop');
    await polled(() => page.locator('[role=status]').textContent()).toBe('The job stops.');
    await polled(() => {
      try {
        job.queue_task(echo(1));
        return 'open';
      } catch {
        return 'stopped';
      }
    }).toBe('stopped');
    expect(problems).toEqual([]);
  });

  it('has no actions without the token', { timeout: TIME }, async () => {
    const { job, show } = await opened();
    await some_run(job, 30);
    const { page } = await show();
    const plain = await browser.newPage();
    onTestFinished(() => plain.close());
    await plain.goto(`${page.url().split('#')[0]}#slaves`);
    await polled(() => plain.locator('#slaves tbody tr').count()).toBe(2);
    expect(await plain.locator('#stop').count()).toBe(0);
    expect(await plain.locator('button[aria-label^=Drain]').count()).toBe(0);
  });

  it('can be read by keyboard alone', { timeout: TIME }, async () => {
    const { job, show } = await opened();
    await some_run(job, 30);
    const { page } = await show();
    await page.locator('nav a').first().focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await polled(() => page.locator('nav a[aria-current=page]').textContent()).toBe('Tasks');
    await polled(() => page.locator('#matched').textContent()).toBe('30');
  });

  it('fits a phone, in the dark', { timeout: TIME }, async () => {
    const { watching, job, show } = await opened(2, { width: 390, height: 800, scheme: 'dark' });
    await some_run(job, 60);
    const { page, problems } = await show();
    await polled(() => page.locator('.plots canvas').count()).toBe(2);
    watching.model.sections = () => [{ id: 'a', state: 'running', attempt: 1, host: 'node1' }];
    await polled(() => page.locator('nav a').count()).toBe(6);
    for (const view of ['overview', 'stream', 'slaves', 'tasks', 'sections', 'explain']) {
      await page.click(`nav a[href="#${view}"]`);
      await polled(() => page.locator('nav a[aria-current=page]').textContent()).toBe(
        view[0]?.toUpperCase() + view.slice(1),
      );
      await picture(page, `phone_${view}`);
      const too_wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      expect([view, too_wide]).toEqual([view, false]);
    }
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(paper).toBe('rgb(20, 24, 31)');
    expect(problems).toEqual([]);
  });

  it('opens in a second on a million tasks', { timeout: TIME }, async () => {
    const { watching, job, show } = await opened();
    await some_run(job, 30);
    const { ring } = watching.model;
    const row = ring.row(0);
    for (let i = 0; i < 1_000_000; i++)
      ring.add({ ...row, index: i, start: i / 100, run_ms: i % 977 } as never);
    const { page, problems } = await show();
    await page.click('nav a[href="#tasks"]');
    await polled(() => page.locator('#matched').textContent()).toMatch(/^1.000.030$/);
    await page.click('th button:has-text("time")');
    const time = page.locator('#tasks tbody tr').first().locator('td').last();
    await polled(() => time.textContent()).toBe('976 ms');
    // wall time is told, not compared: machines differ
    const opened_ms = await page.evaluate('performance.getEntriesByType("navigation")[0].domComplete');
    console.log(`the page of a run of 1,000,000 tasks was there after ${Math.round(opened_ms as number)} ms`);
    expect(problems).toEqual([]);
  });
});

describe.skipIf(executable_path === undefined)('a task in the page', () => {
  it('is cancelled while it runs, and while it waits', { timeout: TIME }, async () => {
    const { job, show } = await opened(1, undefined, { prefetch: 1 });
    const endless = job.queue_task(forever());
    const waiting = job.queue_task(echo(1));
    const last = job.queue_task(echo(2));
    const run = job.run_all_tasks({ settle: true });
    const { page, problems } = await show();
    await page.click('nav a[href="#slaves"]');
    // what each slave runs is told, and leads to the task
    await polled(() => page.locator('#slaves tbody').textContent()).toContain('forever 0');
    await picture(page, 'running');
    await page.click('#slaves a[href="#tasks/0"]');
    const story = page.locator('#story');
    await polled(() => story.textContent()).toContain('runs on unit.slave0');
    await page.goto(`${page.url().split('#')[0]}#tasks/${waiting.index}`);
    await polled(() => story.textContent()).toContain('Task 1');
    const answer = page.locator('[role=status]');
    await page.click('#cancel');
    await polled(() => answer.textContent()).toBe('Task 1 is cancelled.');
    await page.goto(`${page.url().split('#')[0]}#tasks/${endless.index}`);
    await polled(() => story.textContent()).toContain('Task 0');
    await page.click('#cancel');
    await polled(() => answer.textContent()).toBe('Task 0 is cancelled.');
    expect((await run).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect([endless.state, waiting.state, last.state]).toEqual(['cancelled', 'cancelled', 'done']);
    await polled(() => page.locator('#tasks .cancelled').count()).toBe(2);
    expect(problems).toEqual([]);
  });
});

describe.skipIf(executable_path === undefined)('sections', () => {
  it('have a tab of their own when the job has any', { timeout: TIME }, async () => {
    const { watching, show } = await opened();
    const { page, problems } = await show();
    await polled(() => page.locator('nav a').count()).toBe(5);
    watching.model.sections = () =>
      Array.from({ length: 40 }, (_, i) => ({
        id: `chr${i}`,
        state: i < 30 ? 'collected' : i < 38 ? 'running' : 'failed',
        attempt: 1 + (i % 2),
        host: `node${i % 4}`,
        done: i * 2,
        total: 80,
        run_ms: i < 30 ? 60_000 + i : undefined,
        error: i < 38 ? undefined : 'its program ended with exit code 3',
      }));
    watching.model.files = () => [
      {
        key: 'queries',
        name: 'queries.fa',
        usage: 'INPUT',
        pieces: { present: 38, staging: 2 },
        bytes: 5e8,
      },
    ];
    await page.click('nav a[href="#sections"]');
    const rows = page.locator('#sections tbody tr:not(.said)');
    await polled(() => rows.count()).toBe(40);
    await page.selectOption('select[name=section_state]', 'failed');
    await polled(() => rows.count()).toBe(2);
    const said = page.locator('#sections tr.said');
    expect(await said.first().textContent()).toContain('exit code 3');
    await page.fill('input[name=section]', 'chr39');
    await polled(() => rows.count()).toBe(1);
    expect(await page.locator('#files').textContent()).toContain('38 present, 2 staging');
    await picture(page, 'sections');
    expect(problems).toEqual([]);
  });
});

describe.skipIf(executable_path === undefined)('a ParJob with real slaves', () => {
  it('shows its sections, its files, and the story of a section that failed; so does its status file', {
    timeout: 2 * TIME,
  }, async () => {
    const folder = test_folder();
    const [input, output, go] = ['in.txt', 'out.txt', 'go'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(input, Array.from({ length: 12 }, (_, i) => `unit ${i}\n`).join(''));
    const parjob = test_job(folder, {
      sect_pars: { near: {}, 'far/off': {}, slow: {} },
      files: {
        in: new SplitFile({ name: input, usage: 'INPUT', tag: 'in=' }),
        out: new SplitFile({ name: output, usage: 'OUTPUT', tag: 'out=' }),
      },
      program: [process.execPath, SERIAL],
      global_pars: {
        ...{ fail_on: 'all', fail_section: 'far/off', fail_by: 'report', checkpoint: 'report' },
        ...{ hold_on: 'all', hold_section: 'slow', hold_at: '1', hold: go },
      },
      on_failure: 'finish',
      // a slot on either host beside the one that is held
      slaves: hosts('a', 'a', 'b', 'b'),
      job: { log_level: 'silent', dashboard: true },
    });
    const run = parjob.run().catch((error: unknown) => error);
    const announced = () => read_announcement(announcement_file(join(folder, 'logs'), 'test'))?.url;
    // a run that cannot begin says why
    const ended = run.then((why) => expect.fail(`the run has ended: ${why}`));
    ended.catch(() => {});
    await Promise.race([expect.poll(announced, { timeout: TIME }).toBeDefined(), ended]);
    const page = await browser.newPage({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
    onTestFinished(() => page.close());
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    const fact = (name: string) =>
      page.locator('dl.facts div', { hasText: new RegExp(`^${name}`) }).locator('dd');
    await page.goto(announced() as string);
    await expect.poll(() => fact('failed').textContent(), { timeout: TIME }).toBe('1');
    expect(await fact('sections').textContent()).toBe('3');
    // it has no tasks
    expect(await page.locator('nav a').allTextContents()).toEqual([
      ...['Overview', 'Slaves', 'Sections', 'Explain'],
    ]);
    await picture(page, 'parjob_overview');
    await page.click('a:has-text("section far/off")');
    const story = page.locator('#story');
    await polled(() => story.textContent()).toContain('no convergence: at 0');
    expect(await story.textContent()).toMatch(/failed on\s*a, b|failed on\s*b, a/);
    await polled(() => page.locator('#section_log').textContent()).toBe('it went wrong');
    const too_wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
    expect(too_wide).toBe(false);
    await picture(page, 'parjob_story');
    const row = (id: string) =>
      page.locator('#sections tbody tr', { has: page.locator(`a:text-is("${id}")`) });
    await polled(() => row('near').textContent()).toMatch(/collected\s*[ab]\s*1\s*0\s*100 %/);
    await polled(() => row('slow').textContent()).toMatch(/running\s*[ab]\s*1\s*0\s*25 %\s*finished=1/);
    const files = page.locator('#files tbody tr');
    await polled(() => files.nth(0).textContent()).toMatch(/in.*in\.txtINPUT\s*\d present/);
    await polled(() => files.nth(1).textContent()).toMatch(
      /out.*out\.txtOUTPUT\s*1 present, 1 staging\s*\d+ B/,
    );
    writeFileSync(go, '');
    expect(await run).toMatchObject({ code: 'PARJOB_ERR_SECTION' });
    await polled(() => page.locator('#connection').textContent()).toContain('has ended');

    const file_run = new SectionsRun(join(folder, 'test.sections'));
    onTestFinished(() => file_run.close());
    const dashboard = await Dashboard.serve(file_run);
    onTestFinished(() => dashboard.close());
    await page.goto(dashboard.url);
    await polled(() => page.locator('nav a').allTextContents()).toEqual(['Overview', 'Sections', 'Explain']);
    await polled(() => fact('collected').textContent()).toBe('2');
    await page.click('a:has-text("section far/off")');
    await polled(() => story.textContent()).toContain('no convergence: at 0');
    await polled(() => page.locator('#section_log').textContent()).toContain('has no log');
    expect(problems).toEqual([]);
  });
});

describe.skipIf(executable_path === undefined)('the page of a status file', () => {
  it('shows the run that the file tells of, while it grows', { timeout: TIME }, async () => {
    const file = join(unit_folder(), 'align.status');
    const journal = Journal.create({ file, jobname: 'align', program: {}, fsync: 'never' });
    onTestFinished(() => journal.close());
    const write = (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        const task = { index, key: `k${index}`, name: 'needle.js#align' };
        const [slave, error] = [`align.slave${index % 3}`, { name: 'Error', message: 'bad luck' }];
        if (index % 50 === 7) journal.append({ kind: 'failed', task, attempt: 1, slave, error });
        else
          journal.append({
            kind: 'done',
            task,
            attempt: 1,
            slave,
            run_ms: index % 30,
            value: { json: index },
          });
      }
      journal.commit();
    };
    write(0, 200);
    const run = FileRun.open(file);
    onTestFinished(() => run.close());
    const dashboard = await Dashboard.serve(run);
    onTestFinished(() => dashboard.close());
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(dashboard.url);
    const done = page.locator('dl.facts div', { hasText: /^done/ }).locator('dd');
    await polled(() => done.textContent()).toBe('196');
    await polled(() => page.locator('#connection').textContent()).toBe('live, as its file tells');
    expect(await page.locator('#stop').count()).toBe(0);
    write(200, 300);
    await polled(() => done.textContent()).toBe('294');
    journal.append({ kind: 'finished' });
    journal.close();
    await polled(() => page.locator('#connection').textContent()).toBe('finished');
    await picture(page, 'file');
    await page.click('nav a[href="#tasks"]');
    await page.selectOption('select[name=outcome]', 'failed');
    await polled(() => page.locator('#matched').textContent()).toBe('6');
    await page.click('#tasks tbody a');
    await polled(() => page.locator('#story').textContent()).toContain('bad luck');
    expect(problems).toEqual([]);
  });
});
