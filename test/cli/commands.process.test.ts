/** The command `parjob`, as a user types it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { test_folder } from '../kit/cluster.js';

const PARJOB = resolve('bin/parjob.js');

let folder: string;
beforeEach(() => {
  folder = test_folder();
  writeFileSync(
    join(folder, 'tasks.mjs'),
    `export const double = (n) => 2 * n;
     export default (item) => item.name.toUpperCase();
     export async function slow_first(n) { await new Promise((done) => setTimeout(done, n === 0 ? 300 : 0)); return n; }
     export function odd_fails(n) { if (n % 2) throw new TypeError(n + ' is odd'); return n; }`,
  );
});

function parjob(
  words: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PARJOB, ...words], { cwd: folder, input, encoding: 'utf8' });
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}\n`).join('');

describe('parjob map', () => {
  it('prints a result for each line, in their order', () => {
    const { status, stdout, stderr } = parjob(
      ['map', './tasks.mjs#slow_first', '--on', 'local:2'],
      numbers(50),
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(numbers(50));
  });

  it('prints them as they come when that is wanted', () => {
    const { stdout } = parjob(['map', 'tasks.mjs#slow_first', '--on', 'local:2', '--unordered'], numbers(8));
    const lines = stdout.trim().split('\n').map(Number);
    expect(lines.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(lines.at(-1)).toBe(0);
  });

  it('takes the default export, and items that are objects', () => {
    const { stdout } = parjob(['map', 'tasks.mjs', '--on', 'local:1'], '{"name":"ann"}\n\n{"name":"bob"}\n');
    expect(stdout).toBe('"ANN"\n"BOB"\n');
  });

  it('takes lines that come in pieces, the last without an end', () => {
    const long = 'x'.repeat(200_000);
    const { stdout } = parjob(
      ['map', 'tasks.mjs', '--on', 'local:1'],
      `{"name":"${long}"}\r\n\n{"name":"é"}\n{"name":"last"}`,
    );
    expect(stdout).toBe(`"${long.toUpperCase()}"\n"É"\n"LAST"\n`);
  });

  it('goes on when a line fails, says which, and ends with 1', () => {
    const { status, stdout, stderr } = parjob(['map', 'tasks.mjs#odd_fails', '--on', 'local:1'], numbers(4));
    expect(status).toBe(1);
    expect(stdout).toBe('0\nnull\n2\nnull\n');
    expect(stderr).toMatch(/^parjob: item 1: TypeError: 1 is odd/m);
  });

  it('prints outcomes', () => {
    const { stdout } = parjob(['map', 'tasks.mjs#odd_fails', '--on', 'local:1', '--outcomes'], numbers(2));
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { index: 0, status: 'fulfilled', value: 0 },
      {
        index: 1,
        status: 'rejected',
        reason: { name: 'RemoteError', message: expect.stringContaining('1 is odd') },
      },
    ]);
  });

  it.each([
    [
      'a line that is no JSON',
      ['map', 'tasks.mjs#double'],
      '1\nx y\n',
      'parjob: stdin, line 2: expected JSON, got x y',
    ],
    [
      'a module that does not exist',
      ['map', 'nothing.mjs#double'],
      '1\n',
      'parjob: map: there is no module nothing.mjs',
    ],
    [
      'places that cannot be',
      ['map', 'tasks.mjs#double', '--on', 'slurm:many'],
      '',
      'expected a kind (local, slurm',
    ],
  ])('refuses %s, with 2', (_, words, input, text) => {
    const { status, stderr } = parjob(words, input);
    expect(stderr).toContain(text);
    expect(stderr).toContain('PARJOB_ERR_USAGE');
    expect(status).toBe(2);
  });

  it.each([
    ['.', /^parjob: map: there is no module \./],
    [
      'tasks.mjs#dubble',
      /^parjob: map: the task module .* exports no function or class 'dubble'; it exports /,
    ],
  ])('stops at once for %s, which cannot be', (target, said) => {
    const { status, stdout, stderr } = parjob(['map', target, '--on', 'local:1'], numbers(50));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('ends without a word when nobody reads any more', async () => {
    const words = [PARJOB, 'map', './tasks.mjs#double', '--on', 'local:1', '--quiet'];
    const child = spawn(process.execPath, words, { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(numbers(20_000));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await new Promise<[number | null]>((done) => child.once('close', (exit) => done([exit])));
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('takes slaves and options of the job from parjob.config.mjs', () => {
    writeFileSync(
      join(folder, 'parjob.config.mjs'),
      `export default { on: 'local:1', job: { jobname: 'configured', log_dir: 'logs' } };`,
    );
    execFileSync('mkdir', [join(folder, 'logs')]);
    const { status, stderr } = parjob(['map', 'tasks.mjs#double'], '1\n');
    expect(status, stderr).toBe(0);
    expect(existsSync(join(folder, 'logs/configured.slave0'))).toBe(true);
    writeFileSync(join(folder, 'parjob.config.mjs'), 'export default { slave: 3 };');
    const refused = parjob(['map', 'tasks.mjs#double'], '1\n');
    expect(refused.stderr).toContain("has no option 'slave': did you mean 'slaves'?");
    expect(refused.status).toBe(2);
  });
});

describe('parjob exec, run and status', () => {
  const words = ['pear', 'fig', 'apple', 'lime', 'date', 'kiwi'];
  beforeEach(() => writeFileSync(join(folder, 'words.txt'), `${words.join('\n')}\n`));

  it('run a program over parts of a file, and tell of it', () => {
    const flags = ['--split', 'words.txt', '--collect', 'out.txt', '--sections', '3', '--on', 'local:2'];
    const { status, stderr } = parjob(['exec', ...flags, '--', 'tr', 'a-z', 'A-Z']);
    expect(status, stderr).toBe(0);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(`${words.join('\n').toUpperCase()}\n`);
    const told = parjob(['status', '--json']);
    expect(told.status).toBe(0);
    expect(JSON.parse(told.stdout)).toMatchObject({ is_finished: true, counts: { collected: 3 } });
  });

  it('take a spec in YAML, stop at a section that fails, and go on from there', () => {
    const program = "['sh', '-c', 'test -e ready || exit 3; cat']";
    writeFileSync(
      join(folder, 'job.yaml'),
      `sect_pars: 2\njobname: job\nattempts: 1\nprogram: ${program.replace('ready', join(folder, 'ready'))}\nfiles:
  in: { type: split, usage: INPUT, name: words.txt, tag: '<' }
  out: { type: split, usage: OUTPUT, name: out.txt, format: TEXT, tag: '>' }\n`,
    );
    const first = parjob(['run', 'job.yaml', '--on', 'local:1', '--quiet']);
    expect(first.stderr).toContain('exited with code 3');
    expect(first.status).toBe(1);
    const told = parjob(['status', 'job.sections']);
    expect(told.stdout).toMatch(/1 failed/);
    expect(told.status).toBe(1);
    writeFileSync(join(folder, 'ready'), '');
    const second = parjob(['run', 'job.yaml', '--on', 'local:1', '--quiet', '--restart']);
    expect(second.status, second.stderr).toBe(0);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(`${words.join('\n')}\n`);
  });

  it('are named as their spec or program, so that two in a folder have a status file each', () => {
    writeFileSync(join(folder, 'shots.v2.yaml'), 'sect_pars: 1\nprogram: "true"\n');
    expect(parjob(['run', 'shots.v2.yaml', '--on', 'local:1', '-q'])).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(parjob(['exec', '--sections', '1', '--on', 'local:1', '-q', '/bin/true', '-q'])).toMatchObject({
      status: 0,
    });
    expect(parjob(['run', 'shots.v2.yaml', '--on', 'local:1', '-q', '--jobname', 'mine']).status).toBe(0);
    const found = readdirSync(folder).filter((name) => name.endsWith('.sections'));
    expect(found.toSorted()).toEqual(['mine.sections', 'shots.v2.sections', 'true.sections']);
  });

  it('take as options of the program what comes behind it, without -- too', () => {
    const flags = [
      '--split',
      'words.txt',
      '--collect',
      'out.txt',
      '--sections',
      '1',
      '--on',
      'local:1',
      '-q',
    ];
    const { status, stderr } = parjob(['exec', ...flags, 'sort', '-r']);
    expect(status, stderr).toBe(0);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(`${words.toSorted().reverse().join('\n')}\n`);
  });

  it('show sections, and in the last line how many there are of each state, and how the run stands', () => {
    const file = join(folder, 'a.sections');
    const header = {
      parjob: 'sections',
      format: 1,
      jobname: 'a',
      run_id: 'x',
      created: '2026-01-01T00:00:00Z',
    };
    const lines = [
      header,
      { kind: 'section', id: 'one', state: 'collected', host: 'n1', attempt: 1, run_ms: 1500 },
      {
        kind: 'section',
        id: '\u001b[31mtwo',
        state: 'failed',
        attempt: 2,
        error: `bad ${'x'.repeat(80)}\nmore`,
      },
      { kind: 'section', id: 'three', state: 'collected', host: 'n1', attempt: 1, done: 3, total: 10 },
      { kind: 'host', id: 'n2', state: 'benched', reason: 'full' },
    ];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const told = parjob(['status']);
    expect(told.status).toBe(1);
    expect(told.stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^section +state +host +attempt +progress +seconds +error$/),
      'one      collected  n1    1                  1.5',
      `[31mtwo  failed           2                           bad ${'x'.repeat(80)}`,
      'three    collected  n1    1        3 of 10',
      'host n2 is benched: full',
      'a: broken off, restart goes on with it; 3 sections: 2 collected, 1 failed',
    ]);
    const on_tty = spawnSync(
      'script',
      ['-qc', `stty cols 40; ${process.execPath} ${PARJOB} status`, '/dev/null'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    const shown = on_tty.stdout.trimEnd().split(/\r?\n/);
    for (const line of shown.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(40);
    expect(shown.at(-1)).toMatch(/^a: broken off.*; 3 sections: 2 collected, 1 failed$/);
    writeFileSync(file, `${readFileSync(file, 'utf8')}${JSON.stringify({ kind: 'run', id: 'finished' })}\n`);
    expect(parjob(['status']).stdout).toMatch(/^a: finished; 3 sections: /m);
    const owner = { pid: process.pid, host: hostname(), since: 'now', token: '0123456789ab' };
    writeFileSync(`${file}.lock`, JSON.stringify(owner));
    expect(parjob(['status']).stdout).toMatch(/^a: running; 3 sections: /m);
    // what its master would not do is said here
    const refused = parjob(['status', '--set', 'three=todo']);
    expect(refused.stderr).toMatch(
      /the outputs of section three are in the whole already.*go on with restart/,
    );
    expect(refused.status).toBe(2);
    rmSync(`${file}.lock`);
    expect(parjob(['status', '--set', 'three=todo']).stdout).toMatch(/no master has that run/);
    expect(parjob(['status', '--drain', 'n3']).stderr).toMatch(/knows no host n3 yet/);
    const half = parjob(['status', '--set', 'one=todo', '--set', 'four=todo']);
    expect(half.stderr).toMatch(/has no section four/);
    expect(readdirSync(`${file}.orders`)).toHaveLength(2);
  });

  it('say what is wrong with what they are given', () => {
    expect(parjob(['status'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no status file here'),
    });
    expect(parjob(['run', 'nothing.yaml'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('nothing.yaml cannot be read'),
    });
    expect(parjob(['exec', '--sections', 'x', '--', 'true'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--sections takes a whole number'),
    });
  });
});

describe('parjob', () => {
  it('has a help with examples for each command, and completions for shells', () => {
    const help = parjob(['--help']).stdout;
    for (const name of [
      'map',
      'run',
      'exec',
      'status',
      'top',
      'dashboard',
      'report',
      'bench',
      'doctor',
      'slave',
    ]) {
      expect(help).toContain(`  ${name} `);
      expect(parjob([name, '--help']).stdout).toMatch(/Examples:\n {2}parjob /);
    }
    for (const shell of ['bash', 'zsh', 'fish'])
      expect(parjob(['complete', shell]).stdout).toContain('parjob');
  });

  it('measures slaves', () => {
    const { status, stdout, stderr } = parjob(['bench', '--on', 'local:2', '--tasks', '2000', '--json']);
    expect(status, stderr).toBe(0);
    const { slaves, tasks_per_s, round_trip_ms } = JSON.parse(stdout);
    expect(slaves).toBe(2);
    expect(tasks_per_s).toBeGreaterThan(0);
    expect(round_trip_ms).toBeGreaterThan(0);
  });

  it('writes a report of a run', () => {
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { Job, local_slaves, tasks_from } from ${JSON.stringify(resolve('dist/bundle/index.js'))};
       const { double } = tasks_from(new URL('./tasks.mjs', import.meta.url));
       const job = new Job(local_slaves(1), { jobname: 'run', status_file: true });
       for (let i = 0; i < 5; i++) job.queue_task(double(i));
       await job.run_all_tasks();
       await job.stop();`,
    );
    execFileSync(process.execPath, ['main.mjs'], { cwd: folder });
    expect(parjob(['status']).stdout).toMatch(/^run: finished; tasks: .*5 done/);
    expect(parjob(['report', 'run.status'])).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'run.html'), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it.each([
    [['bench', '--tasks', '-4'], "option '--tasks <n>' argument '-4' is invalid"],
    [['map', 'tasks.mjs', '--timeout', 'soon'], "option '--timeout <ms>' argument 'soon' is invalid"],
    [['map', 'tasks.mjs#double', '--on', ''], '--on: "": expected a kind'],
    [['doctor', 'nobody'], 'nobody names no machine'],
  ])('says which value cannot be: %s', (words, said) => {
    writeFileSync(join(folder, 'nobody'), '# a machine file without machines\n');
    const { status, stderr } = parjob(words);
    expect(status, stderr).toBe(2);
    expect(stderr).toContain(said);
  });

  it('refuses a command or an option that it does not have, with 2', () => {
    expect(parjob(['mpa'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Did you mean map?'),
    });
    expect(parjob(['status', '--jsno'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--json'),
    });
  });
});
