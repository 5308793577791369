import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { connect_command, JoinedLauncher } from '../../src/launch/joined.js';

describe('the command that starts a slave by hand', () => {
  it('comes through a shell as it should, whatever the path of the secret', () => {
    const text = connect_command(['tls://head:40', 'tls://[::1]:40'], "/it's/a $dir/.secret");
    const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' });
    const [node, program, ...rest] = stdout.split('\0').slice(0, -1);
    expect(node).toBe(process.execPath);
    expect(program).toMatch(/\/bin\/parjob\.js$/);
    expect(rest).toEqual([
      ...['slave', '--connect', 'tls://head:40,tls://[::1]:40', '--secret-file', "/it's/a $dir/.secret"],
    ]);
  });
});

describe('the launcher of a slave that has come by itself', () => {
  it('has nothing to start, once', async () => {
    const launcher = new JoinedLauncher('10.0.0.7:4000');
    expect(launcher).toMatchObject({ kind: 'joined', host: '10.0.0.7:4000', reach: 'network' });
    const [process] = launcher.start();
    expect(process).toMatchObject({ pid: undefined, is_unwatched: true });
    process?.kill();
    process?.kill();
    expect(await process?.ended).toEqual({ exit_code: undefined, signal: undefined, error: undefined });
    expect(() => launcher.start()).toThrow('it was started by hand, so it cannot be started again from here');
  });
});
