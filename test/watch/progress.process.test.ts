/** The progress of a real job in a real terminal: a pseudo-terminal of script(1). */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { test_folder } from '../kit/cluster.js';
import { wait_until } from '../kit/wait_until.js';

const SCRIPT = 'script';
const has_script =
  process.platform === 'linux' && spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux');
if (!has_script) console.log('progress in a terminal: skipped, there is no script(1) of util-linux');

const INDEX = resolve('dist/bundle/index.js');
const CTRL_C = '\u0003';
const COLUMNS = 44;

/** Runs a job with progress in a narrow terminal. Its tasks go on until the folder has a file `go`. */
function in_terminal(environment: Record<string, string>) {
  const folder = test_folder();
  writeFileSync(
    join(folder, 'tasks.js'),
    `import { existsSync } from 'node:fs';
     export async function hold(go) { while (!existsSync(go)) await new Promise((done) => setTimeout(done, 20)); }
     export function fail() { throw new Error('a message that is longer than the terminal is wide, by far'); }`,
  );
  writeFileSync(
    join(folder, 'main.js'),
    `import { Job, LocalSlave, tasks_from } from ${JSON.stringify(INDEX)};
     const { hold, fail } = tasks_from(new URL('./tasks.js', import.meta.url));
     const job = new Job([new LocalSlave(), new LocalSlave()], { jobname: 'survey', progress: true });
     job.queue_task(fail());
     for (let i = 0; i < 5; i++) job.queue_task(hold('go'));
     await job.run_all_tasks({ settle: true });
     await job.stop();`,
  );
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const { CI: _ci, NO_COLOR: _no_color, FORCE_COLOR: _force_color, ...rest } = process.env;
  const command = `stty cols ${COLUMNS} rows 12; ${process.execPath} main.js; echo "ended with $?"`;
  const terminal = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { ...rest, TERM: 'xterm-256color', ...environment },
  });
  onTestFinished(() => void terminal.kill('SIGKILL'));
  let text = '';
  terminal.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  const ended = new Promise((done) => terminal.once('exit', done));
  return {
    text: () => text,
    shows: (word: string) => wait_until(() => text.includes(word), `${word} in the terminal`, 60_000),
    types: (keys: string) => void terminal.stdin.write(keys),
    go: () => writeFileSync(join(folder, 'go'), ''),
    ended,
  };
}

/** Widths of the lines that were drawn, without what a terminal obeys. */
function widths(text: string): number[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  const plain = text.replace(/\u001b\[[\d;?]*[A-Za-z]/g, '');
  return plain.split(/\r?\n|\r/).map((line) => line.length);
}

/** What would outlast the program: a hidden cursor, another screen, a drawing that was begun and not ended. */
function modes_left(text: string): string[] {
  const left = new Set<string>();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  for (const [, mode = '', what] of text.matchAll(/\u001b\[\?([\d;]+)([hl])/g)) {
    // the cursor is shown from the start
    if ((mode === '25') === (what === 'l')) left.add(mode);
    else left.delete(mode);
  }
  return [...left];
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const COLOUR = /\u001b\[[\d;]*m/;

describe.skipIf(!has_script)('progress in a terminal', () => {
  it('draws no line that does not fit, leaves the cursor alone, and says how it went', async () => {
    const terminal = in_terminal({});
    await terminal.shows('last failure');
    expect(terminal.text()).toMatch(COLOUR);
    terminal.go();
    await terminal.ended;
    const [drawn = '', said = ''] = terminal.text().split('survey: 6 tasks in');
    // what stands above the view may be long
    const view = drawn.slice(drawn.indexOf('\n', drawn.indexOf('ready after')));
    expect(view).toContain('last failure');
    expect(Math.max(...widths(view))).toBe(COLUMNS - 1);
    expect(said).toContain('1 failed');
    expect(said).toContain('ended with 0');
    expect(modes_left(terminal.text())).toEqual([]);
  });

  it('has no colours with NO_COLOR, and leaves the terminal as it was after Ctrl-C', async () => {
    const terminal = in_terminal({ NO_COLOR: '1' });
    await terminal.shows('last failure');
    terminal.types(CTRL_C);
    await terminal.ended;
    const text = terminal.text();
    expect(text).not.toMatch(COLOUR);
    expect(modes_left(text)).toEqual([]);
    // what is written next stands below the view
    expect(text).toMatch(/last failure task 0[^\n]*\r?\n[^\n]*$/);
  });
});
