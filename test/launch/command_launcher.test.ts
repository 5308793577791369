import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SLAVE_SCRIPT, slave_arguments } from '../../src/launch/command.js';
import { CommandLauncher, type CommandLauncherOptions } from '../../src/launch/command_launcher.js';
import type { LaunchedProcess, LaunchOrder } from '../../src/launch/launcher.js';
import { an_order } from '../kit/an_order.js';
import { unit_folder } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';

const ORDER = an_order({ slave_command: ['node'], name: 'it\'s "a".slave0', cwd: '/work dir/$x' });

function command(
  template: string | readonly string[],
  options: Partial<CommandLauncherOptions> = {},
  order: LaunchOrder = ORDER,
): string[] {
  const rest = { secret: 'stdin', is_local: false, env: {}, forward_env: [], node_flags: [] } as const;
  const words = new CommandLauncher({ template, ...rest, ...options }).command(order);
  expect(words.join(' ')).not.toContain(order.secret);
  return words;
}

/** The words that start the slave. */
const SLAVE = ['node', SLAVE_SCRIPT, ...slave_arguments(ORDER), '--secret', 'stdin'];

describe('a command template', () => {
  it('of words has those of the slave in the place of {command}', () => {
    expect(command(['nice', '-n', '5', '{command}', '--last'])).toEqual([
      'nice',
      '-n',
      '5',
      ...SLAVE,
      '--last',
    ]);
  });

  it('of words knows the name, the number and the directory within a word', () => {
    expect(command(['run', '--name={name}', '-v{cwd}:{cwd}', '#{id}', '{command}'])).toEqual([
      ...['run', '--name=it\'s "a".slave0', '-v/work dir/$x:/work dir/$x', '#0', ...SLAVE],
    ]);
  });

  it('that is text goes to the shell, with every word quoted once', () => {
    const [file, flag, text] = command("printf '%s\\0' --v={cwd}:{cwd} {name} {command} $((1 + 1))");
    expect([file, flag]).toEqual(['/bin/sh', '-c']);
    const { stdout } = spawnSync('/bin/sh', ['-c', text as string], { encoding: 'utf8' });
    const { cwd, name } = ORDER;
    expect(stdout.split('\0').slice(0, -1)).toEqual([`--v=${cwd}:${cwd}`, name, ...SLAVE, '2']);
  });

  it('takes node_flags, and a slave_command that is text', () => {
    expect(command(['{command}'], { node_flags: ['--expose-gc'] }).slice(0, 3)).toEqual([
      'node',
      '--expose-gc',
      SLAVE_SCRIPT,
    ]);
    const order = { ...ORDER, slave_command: 'module load node && exec node' };
    expect(command(['x', '{command}'], {}, order).slice(0, 6)).toEqual([
      ...['x', '/bin/sh', '-c', 'module load node && exec node "$@"', 'slave', SLAVE_SCRIPT],
    ]);
  });

  it.each([
    ['stdin', ['--secret', 'stdin']],
    ['env', ['--secret', 'env']],
    ['file', ['--secret', 'file', '--secret-file', '/work dir/.job.secret']],
  ] as const)('says where the secret is: %s', (secret, words) => {
    expect(command(['{command}'], { secret }).slice(-words.length)).toEqual(words);
  });

  it('says where its slaves are', () => {
    const options = { secret: 'env', env: {}, forward_env: [], node_flags: [] } as const;
    expect(
      new CommandLauncher({ ...options, template: 'docker run {command}', is_local: true }),
    ).toMatchObject({
      host: 'docker',
      reach: 'local',
    });
    expect(
      new CommandLauncher({ ...options, template: ['kubectl', '{command}'], is_local: false }),
    ).toMatchObject({
      host: 'kubectl',
      reach: 'network',
    });
  });
});

describe('the process of a command', () => {
  /** Starts a command that does not look for a slave. */
  function start(...words: string[]) {
    const order = an_order({ log_file: join(unit_folder(), 'log') });
    const options = { secret: 'stdin', is_local: true, env: {}, forward_env: [], node_flags: [] } as const;
    const [process] = new CommandLauncher({ template: words, ...options }).start([order]);
    return process as LaunchedProcess;
  }

  it('that ends well may have left its slave running', async () => {
    const process = start('true');
    await wait_until(() => process.is_unwatched === true, 'the end of the command');
    const first = await Promise.race([process.ended, Promise.resolve('not ended')]);
    expect(first).toBe('not ended');
    process.kill();
    expect(await process.ended).toMatchObject({ exit_code: undefined });
  });

  it('that has ended well when it is killed has not: nobody else can tell', async () => {
    const process = start('true');
    // it has ended, and nobody here has heard of it yet
    while (!/^State:\s+Z/m.test(readFileSync(`/proc/${process.pid}/status`, 'utf8')));
    process.kill();
    expect(process.is_unwatched).toBe(false);
    expect(await process.ended).toMatchObject({ exit_code: 0 });
  });

  it('that ends badly has ended', async () => {
    expect(await start('false').ended).toMatchObject({ exit_code: 1 });
  });
});
