import { describe, expect, it } from 'vitest';
import { LaunchError, NetworkError, NoMoreSlavesError, RemoteError } from '../../src/errors.js';
import { no_slaves_error, sameness } from '../../src/master/no_slaves.js';

function failed(slave: string, exit_code: number): LaunchError {
  return new LaunchError(`${slave} exited with code ${exit_code}`, {
    slave,
    cause_kind: 'exited',
    exit_code,
  });
}

function startup(slave: string, message: string): LaunchError {
  const cause = new RemoteError(new Error(message), { slave, what: 'start-up command 1' });
  return new LaunchError(`${slave}: ${message}`, { slave, cause_kind: 'startup_command_failed' }, { cause });
}

describe('the error for tasks without slaves', () => {
  it('of a job that has none says how to get some', () => {
    const error = no_slaves_error(3, []);
    expect(error).toBeInstanceOf(NoMoreSlavesError);
    expect(error.message).toBe(
      '3 tasks wait and the job has no slaves: push some first, such as job.push(...local_slaves())',
    );
    expect(error.slaves).toEqual([]);
  });

  it('tells what happened to each, and the same thing only once', () => {
    const fates = [
      { slave: 'x.slave0', error: failed('x.slave0', 1) },
      { slave: 'x.slave1', error: failed('x.slave1', 1) },
      { slave: 'x.slave2', error: new NetworkError('x.slave2 was lost') },
    ];
    const error = no_slaves_error(1, fates);
    expect(error.message).toBe(
      '1 task waits and no slave is left, nor can one be had. ' +
        'x.slave0 exited with code 1 (so did 1 more)\nx.slave2 was lost',
    );
    expect(error.slaves).toBe(fates);
    expect(error.cause).toBeUndefined();
  });

  it('has the cause that is common to all', () => {
    const fates = ['x.slave0', 'x.slave1'].map((slave) => ({ slave, error: failed(slave, 1) }));
    expect(no_slaves_error(1, fates).cause).toBe(fates[0]?.error);
  });
});

describe('the sameness of errors', () => {
  it('of launches is that of their cause, whatever the slave is called', () => {
    expect(sameness(failed('a', 1))).toBe(sameness(failed('b', 1)));
    expect(sameness(failed('a', 1))).not.toBe(sameness(failed('a', 2)));
    expect(sameness(startup('a', 'no such module'))).toBe(sameness(startup('b', 'no such module')));
    expect(sameness(startup('a', 'no such module'))).not.toBe(sameness(startup('a', 'no licence')));
  });

  it('of others is that of their text', () => {
    expect(sameness(new NetworkError('x'))).toBe(sameness(new Error('x')));
    expect(sameness(new NetworkError('x'))).not.toBe(sameness(new NetworkError('y')));
  });
});
