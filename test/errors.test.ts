import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CancelledError,
  LaunchError,
  NetworkError,
  NoMoreSlavesError,
  ParjobError,
  ProtocolError,
  RemoteError,
  SlaveDiedError,
  StateError,
  UsageError,
} from '../src/errors.js';

const FACTS = { slave: 'model.slave3', what: 'task 41 (BuildModel)', index: 41 };

const tree: [ParjobError, name: string, code: string][] = [
  [new UsageError('x'), 'UsageError', 'PARJOB_ERR_USAGE'],
  [new StateError('x'), 'StateError', 'PARJOB_ERR_STATE'],
  [new ProtocolError('x'), 'ProtocolError', 'PARJOB_ERR_PROTOCOL'],
  [new NetworkError('x'), 'NetworkError', 'PARJOB_ERR_NETWORK'],
  [new LaunchError('x', { slave: 's', cause_kind: 'exited' }), 'LaunchError', 'PARJOB_ERR_LAUNCH'],
  [new RemoteError(new Error('x'), FACTS), 'RemoteError', 'PARJOB_ERR_REMOTE'],
  [new SlaveDiedError('task 1', 1, []), 'SlaveDiedError', 'PARJOB_ERR_SLAVE_DIED'],
  [new NoMoreSlavesError('x', []), 'NoMoreSlavesError', 'PARJOB_ERR_NO_SLAVES'],
];

describe('the tree of errors', () => {
  it.each(tree)('%s is a ParjobError with its own name and code', (error, name, code) => {
    expect(error).toBeInstanceOf(ParjobError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(String(error)).toContain(`${name}: `);
    expect(Object.keys(error)).not.toContain('name');
  });

  it('has no code twice', () => {
    expect(new Set(tree.map(([error]) => error.code)).size).toBe(tree.length);
  });

  it('keeps a cause', () => {
    const cause = new Error('inner');
    expect(new NetworkError('x', { cause }).cause).toBe(cause);
    expect(new LaunchError('x', { slave: 's', cause_kind: 'exited' }, { cause }).cause).toBe(cause);
    expect(new NoMoreSlavesError('x', [], { cause }).cause).toBe(cause);
  });
});

describe('a LaunchError', () => {
  it('has the facts as fields', () => {
    const facts = {
      slave: 'x.slave1',
      cause_kind: 'exited' as const,
      command: ['node', 'slave.js'],
      exit_code: 3,
      signal: undefined,
      log_file: '/tmp/x.slave1',
      log_tail: 'last words',
    };
    expect(new LaunchError('it ended', facts)).toMatchObject({ message: 'it ended', ...facts });
  });
});

describe('a RemoteError', () => {
  it('of an Error says its name, its message, the slave and the task', () => {
    const thrown = Object.assign(new RangeError('too big'), { code: 'E_BIG', limit: 3 });
    const error = new RemoteError(thrown, FACTS);
    expect(error.message).toBe('RangeError: too big, from model.slave3 in task 41 (BuildModel)');
    expect(error).toMatchObject({
      ...FACTS,
      remote_name: 'RangeError',
      remote_message: 'too big',
      remote_stack: thrown.stack,
      fields: { code: 'E_BIG', limit: 3 },
    });
    expect(error.cause).toBe(thrown);
    expect(error.code).toBe('PARJOB_ERR_REMOTE');
    expect(error.stack).toContain(`on model.slave3: ${thrown.stack}`);
  });

  it.each([
    ['out of memory', 'string: out of memory'],
    [42, 'number: 42'],
    [null, 'null: null'],
    [undefined, 'undefined: undefined'],
    [{ reason: 'bad input' }, "object: { reason: 'bad input' }"],
    [12n, 'bigint: 12'],
  ])('of the thrown value %s says what it was', (thrown, text) => {
    const error = new RemoteError(thrown, { slave: 's', what: 'command 2' });
    expect(error.message).toBe(`${text}, from s in command 2`);
    expect(error.cause).toBe(thrown);
    expect(error.remote_stack).toBeUndefined();
    expect(error.fields).toEqual({});
    expect(error.index).toBeUndefined();
  });

  it('can be made of any value that a slave may send', () => {
    const circle: Record<string, unknown> = { name: 'circle' };
    circle['self'] = circle;
    expect(new RemoteError(circle, FACTS).cause).toBe(circle);
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }),
        (thrown) => {
          expect(new RemoteError(thrown, FACTS)).toBeInstanceOf(RemoteError);
        },
      ),
    );
  });

  it('can be made of an object that has no text, for a field of it is in the way', () => {
    const thrown = { toString: 'no function', amount: 1n };
    expect(new RemoteError(thrown, FACTS).cause).toBe(thrown);
  });
});

describe('a SlaveDiedError', () => {
  it('tells of every attempt, with the log that it left', () => {
    const attempts = [
      {
        why: 'died',
        slave: 'x.slave1',
        host: 'node7',
        run_ms: 9999.4,
        peak_memory: 3 * 2 ** 20 + 1,
        reason: 'was ended by SIGKILL',
        log_file: '/tmp/x.slave1',
        log_tail: 'line 1\nline 2',
      },
      {
        why: 'too_large',
        slave: 'x.slave2',
        host: 'node7',
        run_ms: 83_600,
        reason: 'exited with code 3',
        exit_code: 3,
        log_file: '/tmp/x.slave2',
        log_tail: '',
      },
      { why: 'lost', slave: 'x.slave4', host: 'node9', reason: 'was lost' },
    ] as const;
    const error = new SlaveDiedError('task 7 (Fold)', 7, attempts);
    expect(error.message.split('\n')).toEqual([
      'task 7 (Fold) was given up: each of its 3 attempts ended with the death of the slave that ran it.',
      '  attempt 1: x.slave1 was ended by SIGKILL (on node7, after 9999 ms, peak memory 4 MiB, log: /tmp/x.slave1)',
      '    | line 1',
      '    | line 2',
      '  attempt 2: x.slave2 exited with code 3 (on node7, after 84 s, log: /tmp/x.slave2)',
      '  attempt 3: x.slave4 was lost (on node9)',
      'Look in the log files named above; the other tasks are not affected.',
    ]);
    expect(error).toMatchObject({ attempts, index: 7 });
  });
});

describe('a NoMoreSlavesError', () => {
  it('keeps what happened to each slave', () => {
    const slaves = [{ slave: 'x.slave1', error: new NetworkError('gone') }];
    expect(new NoMoreSlavesError('no slave is left', slaves)).toMatchObject({
      message: 'no slave is left',
      slaves,
    });
  });
});

describe('a CancelledError', () => {
  it.each([
    ['bored', 'task 3 was cancelled: bored'],
    [new Error('no time'), 'task 3 was cancelled: no time'],
    [undefined, 'task 3 was cancelled'],
    [{ because: 1 }, 'task 3 was cancelled'],
  ])('says why: %s', (reason, message) => {
    const error = new CancelledError('task 3', 3, reason);
    expect([error.message, error.cause]).toEqual([message, reason]);
  });
});

describe('an error that nobody caught', () => {
  it('is printed without the results of the run, and without what its message says', () => {
    const thrown = new TypeError('bad x');
    const remote = Object.assign(new RemoteError(thrown, FACTS), { finished: [{ value: 'a result' }] });
    const facts = { slave: 's', cause_kind: 'exited', command: ['a word'], log_tail: 'last words' } as const;
    const launch = new LaunchError('it ended', facts);
    const no_slaves = new NoMoreSlavesError('none is left', [{ slave: 's', error: new Error('its end') }]);
    // as node prints it
    const printed = [remote, launch, no_slaves].map((error) => inspect(error, { depth: 5 })).join('\n');
    for (const word of ['a result', 'a word', 'last words', 'its end', 'remote_']) {
      expect(printed).not.toContain(word);
    }
    expect(printed).toContain("code: 'PARJOB_ERR_REMOTE'");
    expect(printed).toContain('bad x');
    expect(remote.finished).toEqual([{ value: 'a result' }]);
    expect(launch.log_tail).toBe('last words');
  });
});
