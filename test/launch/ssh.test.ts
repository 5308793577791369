import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SshLauncher, type SshLauncherOptions, stdin_line } from '../../src/launch/ssh.js';
import { an_order } from '../kit/an_order.js';

const PLAIN: SshLauncherOptions = { ssh_command: ['ssh'], env: {}, forward_env: [], tunnel: false };

function launcher(options: Partial<SshLauncherOptions> = {}): SshLauncher {
  return new SshLauncher('node7', { ...PLAIN, ...options });
}

describe('the command of an ssh slave', () => {
  it('is ssh, told that nobody answers questions, the node, and one word for the shell there', () => {
    const words = launcher().command(an_order());
    expect(words.slice(0, -2)).toEqual([
      ...['ssh', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'],
      ...['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=3'],
    ]);
    expect(words.at(-2)).toBe('node7');
    expect(words.at(-1)).toMatch(/^exec \/bin\/sh -c '/);
    expect(words.join(' ')).not.toContain(an_order().secret);
  });

  it('takes another command in the place of ssh, to which it says nothing of OpenSSH', () => {
    expect(
      launcher({ ssh_command: ['rsh', '-n'] })
        .command(an_order())
        .slice(0, -1),
    ).toEqual(['rsh', '-n', 'node7']);
    expect(
      launcher({ ssh_command: ['/opt/bin/ssh', '-p', '2222'] })
        .command(an_order())
        .slice(0, 5),
    ).toEqual([...['/opt/bin/ssh', '-p', '2222', '-o', 'BatchMode=yes']]);
  });

  it('asks for a tunnel to the first address, and lets the slave dial its end', () => {
    const words = launcher({ tunnel: true }).command(an_order({ addresses: ['127.0.0.1:4000'] }), 23456);
    const at = words.indexOf('-R');
    expect(words[at + 1]).toBe('127.0.0.1:23456:127.0.0.1:4000');
    expect(words).toContain('ExitOnForwardFailure=yes');
    expect(words.at(-1)).toContain('--connect 127.0.0.1:23456');
    expect(launcher({ tunnel: true }).reach).toBe('local');
    expect(launcher().reach).toBe('network');
  });

  it('tunnels what is encrypted, and IPv6, too', () => {
    const words = launcher({ tunnel: true }).command(an_order({ addresses: ['tls://[::1]:4000'] }), 23456);
    expect(words).toContain('127.0.0.1:23456:[::1]:4000');
    expect(words.at(-1)).toContain('--connect tls://127.0.0.1:23456');
  });

  it.skipIf(!existsSync('/bin/csh'))('is understood by csh, whose words end with the line', () => {
    const order = an_order({ cwd: '/no such dir', slave_command: ['node'] });
    const { status, stderr } = spawnSync('/bin/csh', ['-fc', launcher().command(order).at(-1) as string], {
      encoding: 'utf8',
    });
    expect(stderr).toContain('parjob: this machine has no directory /no such dir');
    expect(status).toBe(85);
  });
});

describe('what an ssh slave reads first', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is the secret and its environment, in one line', () => {
    vi.stubEnv('LICENCE', 'line 1\nline 2');
    vi.stubEnv('OTHER', 'not this');
    const line = stdin_line(an_order(), { env: { MODE: 'a' }, forward_env: ['LICENCE', 'MISSING_HERE'] });
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      secret: an_order().secret,
      env: { LICENCE: 'line 1\nline 2', MODE: 'a' },
    });
  });

  it('says which variables are to be unset', () => {
    const line = stdin_line(an_order(), { env: { MODE: undefined }, forward_env: [] });
    expect(JSON.parse(line).env).toEqual({ MODE: null });
  });

  it('takes env over forward_env', () => {
    vi.stubEnv('MODE', 'of the master');
    expect(JSON.parse(stdin_line(an_order(), { env: { MODE: 'a' }, forward_env: ['MODE'] })).env).toEqual({
      MODE: 'a',
    });
  });
});
