import { describe, expect, it } from 'vitest';
import { inherited_flags, SLAVE_SCRIPT, slave_arguments } from '../../src/launch/command.js';
import { LocalLauncher, type LocalLauncherOptions } from '../../src/launch/local.js';
import { an_order } from '../kit/an_order.js';

/** The command line, up to the slave's script; what follows that is always the same. */
function command(slave_command: string | string[] | undefined, options: LocalLauncherOptions = {}): string[] {
  const order = an_order({ slave_command });
  const words = new LocalLauncher(options).command(order);
  const at = words.indexOf(SLAVE_SCRIPT);
  expect(words.slice(at + 1)).toEqual([...slave_arguments(order), '--own-group']);
  expect(words.join(' ')).not.toContain(order.secret);
  return words.slice(0, at);
}

describe('a local slave', () => {
  it('is run by the node of the master, with its flags', () => {
    expect(command(undefined)).toEqual([process.execPath, ...inherited_flags(process.execArgv)]);
  });

  it('has node_flags after those of the master', () => {
    expect(command(undefined, { node_flags: ['--expose-gc'] }).at(-1)).toBe('--expose-gc');
  });

  it('is run by the words of slave_command, without a shell', () => {
    expect(command(['/opt/my node/bin/node', '--no-warnings'], { node_flags: ['--expose-gc'] })).toEqual([
      '/opt/my node/bin/node',
      '--no-warnings',
      '--expose-gc',
    ]);
  });

  it('is run by a shell when slave_command is text, and nothing else of it is seen by the shell', () => {
    expect(command('module load node && exec node', { node_flags: ['--expose-gc'] })).toEqual([
      '/bin/sh',
      '-c',
      'module load node && exec node "$@"',
      'slave',
      '--expose-gc',
    ]);
  });

  it('is run with the priority that nice says', () => {
    expect(command(undefined, { nice: 10 }).slice(0, 4)).toEqual(['nice', '-n', '10', process.execPath]);
    expect(command('node', { nice: -5 }).slice(0, 4)).toEqual(['nice', '-n', '-5', '/bin/sh']);
    expect(command(['node'], { nice: 0 })).toEqual(['nice', '-n', '0', 'node']);
  });

  it('is on this machine', () => {
    expect(new LocalLauncher({}).host).toBe('localhost');
  });
});
