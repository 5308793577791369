/** The scripts, run by the shells that there are: what a slave would get, a stand-in for node prints. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SLAVE_SCRIPT } from '../../src/launch/command.js';
import type { LaunchOrder } from '../../src/launch/launcher.js';
import { array_script, first_set, slave_script } from '../../src/launch/script.js';
import { an_order } from '../kit/an_order.js';
import { unit_folder } from '../kit/fake_slave.js';

/** All that a path may hold, and shells care for. */
const NASTY = 'it\'s a "dir" $HOME `id` \\ \n*;&(x)';
const SHELLS = [['/bin/sh'], ['bash'], ['dash'], ['ksh'], ['zsh'], ['busybox', 'sh']].filter(
  ([file]) => spawnSync('sh', ['-c', `command -v ${file}`]).status === 0,
);

/** A working directory of that name, an order for it, and a node that prints where and how it was run. */
function bench(overrides: Partial<LaunchOrder> = {}, name = 'work'): { folder: string; order: LaunchOrder } {
  const folder = join(unit_folder(), name);
  mkdirSync(folder);
  const node = join(folder, 'node');
  writeFileSync(
    node,
    `#!${process.execPath}\nconsole.log(JSON.stringify({ cwd: process.cwd(), words: process.argv.slice(2), x: process.env.X }));\n`,
  );
  chmodSync(node, 0o755);
  const secret_file = () => join(folder, '.job.secret');
  return { folder, order: an_order({ cwd: folder, slave_command: [node], secret_file, ...overrides }) };
}

function run(
  shell: readonly string[],
  script: string,
  env: Record<string, string> = {},
): SpawnSyncReturns<string> {
  const [file, ...words] = shell as [string, ...string[]];
  return spawnSync(file, [...words, '-c', script], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    cwd: '/',
  });
}

interface Seen {
  cwd: string;
  words: string[];
  x?: string;
}

function seen(text: string): Seen {
  return JSON.parse(text) as Seen;
}

describe.each(SHELLS.map((shell) => [shell]))('the script of one slave, run by %j', (shell) => {
  it('runs the slave in the directory of the master, with what it must know', () => {
    const { folder, order } = bench({ name: 'job.slave3', slave_id: 7, launch: 2 });
    const { stdout, status } = run(shell, slave_script(order, 'stdin', { node_flags: ['--expose-gc'] }));
    expect(status).toBe(0);
    expect(seen(stdout)).toEqual({
      cwd: folder,
      words: [
        ...['--expose-gc', SLAVE_SCRIPT, '--name', 'job.slave3', '--id', '7', '--launch', '2'],
        ...['--connect', '127.0.0.1:4000', '--secret', 'stdin'],
      ],
    });
  });

  it('does so whatever characters the directory and the names have', () => {
    const { folder, order } = bench(
      { name: 'a b$c\'d".slave0', addresses: ['tls://[::1]:4', 'tls://x:5'] },
      NASTY,
    );
    const { stdout, stderr } = run(shell, slave_script(order, { file: order.secret_file() }, {}));
    expect(stderr).toBe('');
    const { cwd, words } = seen(stdout);
    expect(cwd).toBe(folder);
    expect(words.slice(1)).toEqual([
      ...['--name', 'a b$c\'d".slave0', '--id', '0', '--launch', '0', '--connect', 'tls://[::1]:4,tls://x:5'],
      ...['--secret', 'file', '--secret-file', join(folder, '.job.secret')],
    ]);
  });

  it('says which directory is missing, and ends with 85', () => {
    const order = an_order({ cwd: `/nowhere/${NASTY}` });
    const { stderr, status } = run(shell, slave_script(order, 'stdin', {}));
    expect(status).toBe(85);
    expect(stderr).toContain(
      `parjob: this machine has no directory /nowhere/${NASTY}, or it may not be entered\n`,
    );
  });

  it('runs the lines of setup first, there', () => {
    const { order } = bench();
    const { stdout } = run(
      shell,
      slave_script(order, 'stdin', { setup: ['X=$(basename "$PWD") # so', 'export X'] }),
    );
    expect(seen(stdout).x).toBe('work');
  });

  it('takes a slave_command that is text for the shell', () => {
    const { order, folder } = bench();
    const { stdout } = run(
      shell,
      slave_script({ ...order, slave_command: `env X='a b' ${folder}/node` }, 'stdin', {}),
    );
    expect(seen(stdout).x).toBe('a b');
  });
});

describe.each(SHELLS.map((shell) => [shell]))('the script of an array, run by %j', (shell) => {
  const names = ['job.slave0', "it's 1", 'a $(id) "2"'];

  function array(overrides: Partial<LaunchOrder> = {}) {
    const { folder, order } = bench(overrides, NASTY);
    const orders = names.map((name, i) => ({
      ...order,
      name,
      slave_id: i + 5,
      log_file: name,
      ...overrides,
    }));
    return { folder, orders };
  }

  it.each([0, 1, 2])(
    'starts slave %i of three in the process with that index, and lets it write to its log',
    (i) => {
      const { folder, orders } = array();
      const script = array_script(orders, { index: '$INDEX', first: 10, ends_at: '$ENDS' });
      const { stdout, stderr, status } = run(shell, script, { INDEX: String(10 + i), ENDS: '1234' });
      expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
      const { cwd, words } = seen(readFileSync(join(folder, names[i] as string), 'utf8'));
      expect(cwd).toBe(folder);
      expect(words.slice(1)).toEqual([
        ...[
          '--name',
          names[i],
          '--id',
          String(i + 5),
          '--launch',
          '0',
          '--batch',
          '--connect',
          '127.0.0.1:4000',
        ],
        ...['--secret', 'file', '--secret-file', join(folder, '.job.secret'), '--ends-at', '1234'],
      ]);
      for (const other of names.filter((_, n) => n !== i))
        expect(existsSync(join(folder, other))).toBe(false);
    },
  );

  it('begins a log anew at the first launch, and goes on with it later', () => {
    const { folder, orders } = array();
    const log = join(folder, 'job.slave0');
    const start = (launch: number) => {
      const script = array_script(
        orders.map((order) => ({ ...order, launch })),
        { index: '0', first: 0 },
      );
      expect(run(shell, script).status).toBe(0);
      return readFileSync(log, 'utf8').split('\n').length - 1;
    };
    writeFileSync(log, 'old\n');
    expect([start(0), start(1), start(2)]).toEqual([1, 2, 3]);
  });

  it('ends with 86 when the log cannot be written, and with 85 when the directory is missing', () => {
    const { orders } = array({ log_file: 'no such/log' });
    expect(run(shell, array_script(orders, { index: '0', first: 0 })).status).toBe(86);
    const away = orders.map((order) => ({ ...order, cwd: '/nowhere' }));
    expect(run(shell, array_script(away, { index: '0', first: 0 })).status).toBe(85);
  });

  it('ends with 2 for an index that nobody has', () => {
    const { orders } = array();
    const { status, stderr } = run(shell, array_script(orders, { index: '$INDEX', first: 0 }), {
      INDEX: '3',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('parjob: no slave has the index 3');
  });

  it('runs the lines of setup into the log', () => {
    const { folder, orders } = array();
    const setup = ['echo loaded', 'export X=y'];
    expect(run(shell, array_script(orders, { index: '0', first: 0, setup })).status).toBe(0);
    const [first, second = ''] = readFileSync(join(folder, 'job.slave0'), 'utf8').split('\n');
    expect(first).toBe('loaded');
    expect(seen(second).x).toBe('y');
  });
});

describe('no script', () => {
  it('holds the secret', () => {
    const order = an_order();
    for (const text of [
      slave_script(order, 'stdin', {}),
      slave_script(order, { file: '/f' }, {}),
      array_script([order, order], { index: '0', first: 0, ends_at: '1' }),
    ])
      expect(text).not.toContain(order.secret);
  });
});

describe('the first of some variables that is set', () => {
  it.each([
    [{}, '0'],
    [{ A: '' }, '0'],
    [{ A: '3' }, '3'],
    [{ B: '4' }, '4'],
    [{ A: '3', B: '4' }, '3'],
  ])('%j', (env, value) => {
    expect(
      run(['/bin/sh'], `echo "${first_set('A', 'B')}"`, env as Record<string, string>).stdout.trim(),
    ).toBe(value);
  });
});
