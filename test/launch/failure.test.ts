import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchCause } from '../../src/errors.js';
import { SLAVE_SCRIPT } from '../../src/launch/command.js';
import { describe_end, exit_error, launch_error } from '../../src/launch/failure.js';
import type { ProcessEnd } from '../../src/launch/launcher.js';
import { log_tail } from '../../src/launch/log_tail.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parjob-failure-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function log(text: string): string {
  const file = join(folder, 'job.slave0');
  writeFileSync(file, text);
  return file;
}

function end(parts: Partial<ProcessEnd>): ProcessEnd {
  return { exit_code: undefined, signal: undefined, error: undefined, ...parts };
}

function launch(text = 'last words\n') {
  return { slave: 'job.slave0', command: ['node', 'slave.js'], log_file: log(text), log_start: 0 };
}

describe('the end of a process in words', () => {
  it.each([
    [{ exit_code: 3 }, 'exited with code 3'],
    [{ signal: 'SIGTERM' }, 'was ended by SIGTERM'],
    [{ signal: 'SIGKILL' }, 'was ended by SIGKILL (killed by someone, or by the kernel for want of memory)'],
    [{ error: new Error('spawn node ENOENT') }, 'could not be started (spawn node ENOENT)'],
  ])('%o: %s', (parts, words) => {
    expect(describe_end(end(parts), log(''), 0)).toBe(words);
  });

  it('names a full heap, and the remedy', () => {
    const words = describe_end(end({ signal: 'SIGABRT' }), log('JavaScript heap out of memory\n'), 0);
    expect(words).toContain('ran out of memory');
    expect(words).toContain('--max-old-space-size');
  });

  it('does not take the words of an earlier process for those of this one', () => {
    const before = 'JavaScript heap out of memory\n';
    const aborted = end({ signal: 'SIGABRT' });
    expect(describe_end(aborted, log(`${before}assertion failed`), before.length)).toBe(
      'was ended by SIGABRT',
    );
    expect(log_tail(log(`${before}assertion failed`), before.length)).toBe('assertion failed');
  });

  it('does not take any abort for a full heap', () => {
    expect(describe_end(end({ signal: 'SIGABRT' }), log('assertion failed'), 0)).toBe('was ended by SIGABRT');
  });
});

describe('the error for a launch that failed', () => {
  const causes: LaunchCause[] = [
    'command_not_found',
    'cannot_start',
    'exited',
    'wrong_node_version',
    'version_differs',
    'cannot_reach',
    'bad_secret',
    'timed_out',
    'startup_command_failed',
  ];

  it.each(causes)('%s says what to do', (cause_kind) => {
    const { message } = launch_error(launch(), cause_kind, 'it failed');
    expect(message).toMatch(/^slave job\.slave0 did not start: it failed; \S.{15,}/);
  });

  it('has the command, the log file, and the last lines of that', () => {
    const given = launch('one\ntwo\n');
    const error = launch_error(given, 'exited', 'it failed', undefined, end({ exit_code: 5 }));
    expect(error.message.split('\n').slice(1)).toEqual([
      '  command: node slave.js',
      `  log: ${given.log_file}`,
      '    | one',
      '    | two',
    ]);
    expect(error).toMatchObject({
      code: 'PARJOB_ERR_LAUNCH',
      slave: 'job.slave0',
      cause_kind: 'exited',
      command: ['node', 'slave.js'],
      exit_code: 5,
      log_tail: 'one\ntwo',
    });
    expect('cause' in error).toBe(false);
  });

  it('keeps what caused it', () => {
    const cause = new Error('EMFILE');
    expect(launch_error(launch(), 'cannot_start', cause.message, cause).cause).toBe(cause);
  });
});

describe('the error for a process that ended before it was ready', () => {
  it('has the cause that its exit code tells', () => {
    expect(exit_error(launch(), end({ exit_code: 81 }))).toMatchObject({
      cause_kind: 'cannot_reach',
      exit_code: 81,
      message: expect.stringContaining('its process exited with code 81; give the Job'),
    });
    expect(exit_error(launch(), end({ signal: 'SIGSEGV' }))).toMatchObject({
      cause_kind: 'exited',
      signal: 'SIGSEGV',
    });
  });

  it.each([
    ['ENOENT', 'command_not_found'],
    ['EACCES', 'command_not_found'],
    ['EAGAIN', 'cannot_start'],
  ])('says of %s: %s', (code, cause_kind) => {
    const error = Object.assign(new Error(`spawn node ${code}`), { code });
    expect(exit_error(launch(), end({ error }))).toMatchObject({ cause_kind, cause: error });
  });
});

describe('what to do', () => {
  it('is on this machine when the command is missing here', () => {
    const error = Object.assign(new Error('spawn mpirun ENOENT'), { code: 'ENOENT' });
    const missing = { ...launch(''), command: ['mpirun', '-n', '2'] };
    expect(exit_error(missing, end({ error })).message).toContain('start the master where mpirun is in PATH');
    const reason = { cause: 'command_not_found', text: 'could not be submitted' } as const;
    const qsub = exit_error({ ...launch(''), command: ['qsub'] }, end({ reason })).message;
    expect(qsub).toContain('start the master where qsub is in PATH');
    expect(qsub).not.toContain('slave_command');
  });

  it('names slave_command when node is missing here or there', () => {
    const error = Object.assign(new Error('spawn nodejs ENOENT'), { code: 'ENOENT' });
    const local = { ...launch(''), command: ['nodejs', SLAVE_SCRIPT] };
    expect(exit_error(local, end({ error })).message).toContain("Job's option slave_command");
    expect(exit_error(launch(''), end({ exit_code: 127 })).message).toContain("Job's option slave_command");
  });

  it('names log_dir when the log cannot be written, and no command when none was run', () => {
    const error = Object.assign(new Error('ENOENT: open'), { code: 'ENOENT', path: '/nowhere/x.slave0' });
    const { message } = launch_error({ ...launch(''), command: [] }, 'cannot_start', error.message, error);
    expect(message).toContain("Job's option log_dir");
    expect(message).not.toContain('command:');
  });

  it('says that a bundle must leave parjob out, when the script of slaves is not where it should be', () => {
    const missing = launch("Error: Cannot find module '/app/bin/slave.js'");
    expect(exit_error(missing, end({ exit_code: 1 })).message).toContain('install parjob on that machine');
    const { existsSync } = fs;
    fs.existsSync = () => false;
    syncBuiltinESMExports();
    try {
      expect(exit_error(missing, end({ exit_code: 1 })).message).toContain('leave parjob out');
    } finally {
      fs.existsSync = existsSync;
      syncBuiltinESMExports();
    }
  });

  it('promises no last words when there are none', () => {
    expect(exit_error(launch(''), end({ exit_code: 1 })).message).toContain('it printed nothing');
    expect(exit_error(launch(), end({ exit_code: 1 })).message).toContain('its last words are below');
  });
});
