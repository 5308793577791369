import { EventEmitter } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Progress } from '../../src/watch/progress.js';
import { end_summary, live_lines, plain_text, start_summary } from '../../src/watch/progress_text.js';
import { foreign, render_line, width_of } from '../../src/watch/screen_line.js';
import { counts, type FakeWatchedSlave, fake_run, fake_task } from './fake_job.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const COLOUR = /\u001b\[\d+m/;

class FakeTerminal extends EventEmitter {
  // biome-ignore lint/style/useNamingConvention: it is Node's name
  readonly isTTY: boolean;
  columns = 100;
  rows = 20;
  colours = false;
  text = '';

  constructor(is_tty: boolean) {
    super();
    this.isTTY = is_tty;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  // biome-ignore lint/style/useNamingConvention: it is Node's name
  hasColors(): boolean {
    return this.colours;
  }

  /** What stands on it: as much as a terminal makes of lines, erasures and ups. */
  get screen(): string[] {
    const lines = [''];
    let [row, column] = [0, 0];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    for (const [part] of this.text.matchAll(/\u001b\[\??[\d;]*[A-Za-z]|\n|[^\u001b\n]+/g)) {
      const line = lines[row] ?? '';
      const number = Number(/\d+/.exec(part)?.[0] ?? 1);
      if (part === '\n') [row, column] = [row + 1, 0];
      else if (!part.startsWith('\u001b')) {
        lines[row] = line.slice(0, column) + part + line.slice(column + part.length);
        column += part.length;
      } else if (part.endsWith('A')) row = Math.max(0, row - number);
      else if (part.endsWith('B')) row += number;
      else if (part.endsWith('G')) column = 0;
      else if (part.endsWith('K')) lines[row] = part.includes('2') ? '' : line.slice(0, column);
      else if (part.endsWith('J')) lines.splice(row + 1, Infinity, line.slice(0, column));
      lines[row] ??= '';
    }
    return lines.filter((line) => line !== '');
  }
}

function shown(is_tty: boolean, slaves = 2) {
  const run = fake_run(slaves);
  const terminal = new FakeTerminal(is_tty);
  vi.stubEnv('CI', undefined);
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('NO_COLOR', undefined);
  const progress = new Progress(run.view, { terminal });
  return { ...run, terminal, progress };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

function lose(job: ReturnType<typeof shown>['job']): void {
  job.failures.threw++;
  job.failed(7, 1, 0, { name: 'tree', error: new Error('no luck\u001b[2J') });
}

describe('Progress on a terminal', () => {
  it('shows counts, rate, time left, slaves and the last failure', () => {
    const { clock, job, view } = shown(true);
    job.connect(0);
    job.connect(1);
    job.counts = counts(400, 158, 2);
    for (let i = 0; i < 240; i++) {
      job.done(i, i % 2, 90);
      clock.pass(50);
    }
    lose(job);
    const [first, second] = job.slaves as [FakeWatchedSlave, FakeWatchedSlave];
    first.state = 'running_task';
    first.running = { task: fake_task(240), since: clock.now() - 40 };
    second.state = 'running_task';
    job.tell('heartbeat', { slave: job.slave(0), vitals: { rss: 2 ** 27, peak: 0, cpu: 0, stalled: 2500 } });
    clock.pass(250);
    const lines = live_lines(view.snapshot(), { columns: 100, rows: 20 }).map((line) =>
      render_line(line, 99, false),
    );
    expect(lines).toEqual([
      'align: 60 %, 240 done of 400, 2 running, 158 waiting, 1 failed ██████████████░░░░░░░░░░',
      expect.stringMatching(/^(19|20)\/s, 12 s gone, about 8\.\d s ± \d+ ms left$/),
      '  fake.slave0 running_task task 240 align for 290 ms 120 tasks done, 128 MiB, busy for 2.5 s, node1',
      '  fake.slave1 running_task 120 tasks done, 1 failed, node1',
      'last failure task 7, 250 ms ago: no luck [2J',
    ]);
  });

  it('renews its view in place, below what is said for good', () => {
    const { clock, job, terminal } = shown(true);
    job.connect(0);
    job.connect(1);
    clock.pass(500);
    job.done(0, 0, 5);
    clock.pass(500);
    expect(terminal.screen).toEqual([
      'align: 2 of 2 slaves ready after 250 ms; logs: /logs/fake.slave*, 2 files',
      'align: 1 done, 0 running, 0 waiting',
      expect.stringContaining('gone'),
      '  fake.slave0 connected    1 task done, node1',
      '  fake.slave1 connected    0 tasks done, node1',
    ]);
  });

  it('stands aside for what the program writes', () => {
    const { clock, job, terminal, progress } = shown(true);
    job.connect(0);
    job.connect(1);
    clock.pass(500);
    terminal.write('the program speaks\n');
    expect(terminal.screen.slice(1)).toEqual(['the program speaks']);
    clock.pass(500);
    expect(terminal.screen.slice(1, 3)).toEqual([
      'the program speaks',
      'align: 0 done, 0 running, 0 waiting',
    ]);
    const { write } = FakeTerminal.prototype;
    progress.close();
    expect(terminal.write).toBe(write);
  });

  it('leaves only its summaries behind', () => {
    const { clock, job, terminal, progress } = shown(true);
    job.connect(0);
    job.connect(1);
    job.tell('run_started', {});
    for (let i = 0; i < 4; i++) {
      clock.pass(1000);
      job.done(i, i % 2, 900);
    }
    lose(job);
    clock.pass(250);
    progress.close();
    progress.close();
    expect(terminal.screen).toEqual([
      'align: 2 of 2 slaves ready after 250 ms; logs: /logs/fake.slave*, 2 files',
      'align: 5 tasks in 4.3 s by 2 of 2 slaves: 4 done, 1 failed',
      '  speed-up 0.8, efficiency 42 %, 1.2/s, a task took 900 ms (median), 900 ms at most',
      '  failures: 1 threw',
      '  logs: /logs/fake.slave*, 2 files',
    ]);
    expect(terminal.text).not.toMatch(/\?25l/);
    expect(terminal.listenerCount('resize') + terminal.listenerCount('error')).toBe(0);
  });

  it('fits narrow and low terminals', () => {
    const { clock, job, terminal } = shown(true, 30);
    for (let i = 0; i < 30; i++) job.connect(i);
    lose(job);
    terminal.columns = 24;
    terminal.rows = 8;
    clock.pass(500);
    const view = terminal.screen.slice(1);
    expect(view.length).toBeLessThan(8);
    for (const line of view) expect(width_of(line)).toBeLessThan(24);
    expect(view.some((line) => line.startsWith('  and 27 more slaves'))).toBe(true);
    terminal.columns = 100;
    terminal.emit('resize');
    expect(terminal.screen.some((line) => line.length > 24)).toBe(true);
  });

  it('takes away also what a narrower terminal has broken', () => {
    const { clock, job, terminal } = shown(true, 1);
    job.connect(0);
    clock.pass(500);
    terminal.text = '';
    terminal.columns = 20;
    terminal.emit('resize');
    // three lines of the view and the one below, and one more for each of two that were broken
    const ups = terminal.text.split('\u001b[1A').slice(1);
    expect(ups.length).toBe(3 + 1 + 2);
  });

  it('has colours where they are wanted', () => {
    const { clock, job, terminal } = shown(true);
    job.connect(0);
    job.connect(1);
    clock.pass(500);
    expect(terminal.text).not.toMatch(COLOUR);
    terminal.colours = true;
    clock.pass(500);
    expect(terminal.text).toContain('\u001b[36mconnected');
    vi.stubEnv('NO_COLOR', '1');
    terminal.text = '';
    clock.pass(500);
    expect(terminal.text).not.toMatch(COLOUR);
    expect(stripVTControlCharacters(terminal.text)).toContain('connected');
  });
});

describe('Progress elsewhere', () => {
  it('writes a line now and then, rarer with time', () => {
    const { clock, job, terminal } = shown(false);
    job.connect(0);
    job.connect(1);
    clock.pass(30_000);
    const early = terminal.text.split('\n').length;
    expect(early).toBe(1 + 10 + 1);
    clock.pass(10 * 3600_000);
    const lines = terminal.text.split('\n');
    expect(lines.length - early).toBeLessThan(700);
    expect(lines[1]).toBe('align: 0 done, 0 running, 0 waiting, 3.0 s gone');
    expect(terminal.text).not.toContain('\u001b');
  });

  it('says nothing when quiet, nor before anything was started', () => {
    const { clock, job, view, terminal, progress } = shown(false);
    const quiet = new FakeTerminal(true);
    const silent = new Progress(view, { terminal: quiet, quiet: true });
    clock.pass(20_000);
    progress.close();
    expect(terminal.text).toBe('');
    job.connect(0);
    clock.pass(20_000);
    silent.close();
    expect(quiet.text).toBe('');
  });
});

describe('the texts', () => {
  it('say when slaves are missing', () => {
    const { clock, job, view } = shown(false);
    job.connect(0);
    clock.pass(100);
    expect(start_summary(view.snapshot())).toBe(
      'align: 1 of 2 slaves ready after 100 ms; logs: /logs/fake.slave*, 2 files',
    );
    expect(end_summary(view.snapshot())[0]).toBe('align: 0 tasks in 100 ms by 1 of 2 slaves: 0 done');
  });

  it('say what is known of a queue that may grow', () => {
    const { job, view } = shown(false);
    job.counts = counts(1234567, 20, 3, true);
    expect(plain_text(view.snapshot())).toBe(
      'align: 1 234 544 done of 1 234 567 or more, 0 running, 20 waiting, 0 ms gone',
    );
  });

  it('say so when it is not known how many tasks there are, as of a status file', () => {
    const snapshot = shown(false).view.snapshot();
    const of_counts = (more: object) => {
      const known = { ...snapshot.overview.counts, queued: undefined, waiting: undefined, ...more };
      return plain_text({ ...snapshot, overview: { ...snapshot.overview, counts: known } });
    };
    expect(of_counts({})).toBe('align: 0 done of a number not known, 0 running, 0 ms gone');
    expect(of_counts({ done: 3, queued_at_least: 1200 })).toMatch(
      /^align: 3 done of 1 200 or more, 0 running/,
    );
  });

  it('are cut where the screen ends, also when they are wide', () => {
    expect(render_line(['abc', ['def', 'red'], 'ghi'], 9, false)).toBe('abcdefghi');
    expect(render_line(['abc', ['def', 'red'], 'ghi'], 8, false)).toBe('abcdefg…');
    expect(render_line(['日本語'], 5, false)).toBe('日本…');
    expect(render_line(['abc'], 0, false)).toBe('');
    expect(foreign('a\r\n\u001b[31mb\u202e')).toBe('a [31mb');
  });
});
