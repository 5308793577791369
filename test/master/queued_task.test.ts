import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SlaveDiedError } from '../../src/errors.js';
import { JobTask } from '../../src/master/queued_task.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import { rejection } from '../kit/fake_slave.js';
import { turn } from '../kit/wait_until.js';

function task(index: number | undefined = 4): JobTask {
  const definition = {
    fn_id: 0,
    module: 'file:///tasks.js',
    export_name: 'BuildModel',
    problem: undefined,
    check: undefined,
  };
  return new JobTask(17, index, definition, new PayloadStore().store(encode_value(['1fdx'], 'args')));
}

describe('a queued task', () => {
  it('has the name of what it runs, and the size of its arguments', () => {
    expect(task()).toMatchObject({ index: 4, name: 'BuildModel', state: 'queued', attempts: 0, bytes: 6 });
  });

  it('counts the attempts that were begun', () => {
    const queued = task();
    queued.state = 'assigned';
    expect(queued.attempts).toBe(1);
    queued.state = 'queued';
    queued.attempt = 2;
    expect(queued.attempts).toBe(1);
  });

  it('shows what matters of it', () => {
    expect(inspect(task())).toBe("{ index: 4, name: 'BuildModel', state: 'queued', attempts: 0 }");
  });

  it('is called by its index in errors, or run_task', () => {
    expect(task().label).toBe('task 4 (BuildModel)');
    const urgent = new JobTask(1, undefined, task().definition, task().payload as never);
    expect(urgent.label).toBe('run_task(BuildModel)');
  });
});

describe('the result', () => {
  it('resolves when the task is done', async () => {
    const queued = task();
    const { result } = queued;
    queued.state = 'done';
    queued.settle(42, 8);
    expect(await result).toBe(42);
    expect(queued).toMatchObject({ outcome: 42, outcome_bytes: 8, payload: undefined });
  });

  it('may be asked for later, and is always the same promise', async () => {
    const queued = task();
    queued.state = 'done';
    queued.settle(42, 8);
    const { result } = queued;
    expect(queued.result).toBe(result);
    expect(await result).toBe(42);
  });

  it('rejects when the task has failed', async () => {
    const queued = task();
    queued.state = 'failed';
    queued.settle(new Error('no'), 0);
    expect((await rejection(queued.result)).message).toBe('no');
  });

  it('that fails and that nobody awaits disturbs nobody', async () => {
    const rejections: unknown[] = [];
    const listener = (error: unknown) => rejections.push(error);
    process.on('unhandledRejection', listener);
    const [unread, read] = [task(), task()];
    expect(read.result).toBeInstanceOf(Promise);
    for (const queued of [unread, read]) {
      queued.state = 'failed';
      queued.settle(new Error('no'), 0);
    }
    await turn();
    await turn();
    process.off('unhandledRejection', listener);
    expect(rejections).toEqual([]);
  });

  it('is the first that is told', async () => {
    const queued = task();
    queued.state = 'cancelled';
    queued.settle(new Error('cancelled'), 0);
    queued.settle(new Error('stopped'), 0);
    expect((await rejection(queued.result)).message).toBe('cancelled');
  });
});

describe('an outcome', () => {
  it('is fulfilled with the value, or rejected with the reason', () => {
    const done = task(1);
    done.state = 'done';
    done.settle('value', 0);
    expect(done.as_outcome()).toEqual({ task: done, index: 1, status: 'fulfilled', value: 'value' });
    const failed = task(2);
    const reason = new Error('no');
    failed.state = 'failed';
    failed.settle(reason, 0);
    expect(failed.as_outcome()).toEqual({ task: failed, index: 2, status: 'rejected', reason });
  });
});

describe('the death of a slave that ran it', () => {
  it('is remembered, and with the last one the task is settled', async () => {
    const queued = task();
    queued.add_dead_attempt({ slave: 'job.slave0', reason: 'exited with code 1' }, false);
    expect(queued.outcome).toBeUndefined();
    queued.state = 'failed';
    queued.add_dead_attempt({ slave: 'job.slave1', reason: 'was ended by SIGSEGV' }, true);
    const error = await rejection<SlaveDiedError>(queued.result);
    expect(error).toBeInstanceOf(SlaveDiedError);
    expect(error.attempts.map(({ slave }) => slave)).toEqual(['job.slave0', 'job.slave1']);
    expect(error.index).toBe(4);
  });
});
