import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CancelledError, type DeadAttempt, SlaveDiedError, TaskTimeoutError } from '../../src/errors.js';
import { type JobPolicy, JobTask } from '../../src/master/queued_task.js';
import { DEFAULT_POLICY } from '../../src/sched/records.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import { rejection } from '../kit/fake_slave.js';
import { turn } from '../kit/wait_until.js';

const POLICY = { ...DEFAULT_POLICY, timeout: 700, retry_if: undefined, cancel: () => false };

function task(index: number | undefined = 4, policy: JobPolicy = POLICY): JobTask {
  const definition = {
    fn_id: 0,
    module: 'file:///tasks.js',
    export_name: 'BuildModel',
    problem: undefined,
    check: undefined,
  };
  const payload = new PayloadStore().store(encode_value(['1fdx'], 'args'));
  return new JobTask(17, index, definition, payload, policy);
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
    const urgent = new JobTask(1, undefined, task().definition, task().payload as never, POLICY);
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
    expect(queued.settle(new Error('cancelled'), 0)).toBe(true);
    expect(queued.settle(new Error('stopped'), 0)).toBe(false);
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
  function death(slave: string, why: DeadAttempt['why']): DeadAttempt {
    return { why, slave, host: 'here', reason: 'exited with code 1' };
  }

  it('is remembered, and makes the error with which the task is given up', () => {
    const queued = task();
    queued.add_dead_attempt(death('job.slave0', 'timed_out'));
    queued.add_dead_attempt(death('job.slave1', 'died'));
    const error = queued.death_error() as SlaveDiedError;
    expect(error).toBeInstanceOf(SlaveDiedError);
    expect(error.attempts.map(({ slave }) => slave)).toEqual(['job.slave0', 'job.slave1']);
    expect(error.index).toBe(4);
  });

  it('was due to its time limit when the last one was', () => {
    const queued = task();
    queued.add_dead_attempt(death('job.slave0', 'died'));
    queued.add_dead_attempt(death('job.slave1', 'timed_out'));
    const error = queued.death_error() as TaskTimeoutError;
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(error).toMatchObject({ timeout: 700, slave: 'job.slave1', index: 4 });
    expect(error.message).toContain('its slave was killed');
  });
});

describe('cancelling a task', () => {
  it('asks whoever runs it, with the error that it will have', () => {
    const asked: [JobTask, unknown][] = [];
    const cancel = (...words: [JobTask, unknown]) => asked.push(words) > 0;
    const queued = task(4, { ...POLICY, cancel });
    const reason = new Error('enough');
    expect(queued.cancel(reason)).toBe(true);
    expect(asked).toEqual([[queued, expect.any(CancelledError)]]);
    const message = 'task 4 (BuildModel) was cancelled: enough';
    expect(asked[0]?.[1]).toMatchObject({ index: 4, cause: reason, message });
    expect(task().cancel()).toBe(false);
  });

  it('keeps its arguments, which may be on their way to a slave', () => {
    const queued = task();
    queued.state = 'cancelled';
    queued.settle(new Error('cancelled'), 0);
    expect(queued.payload).toBeDefined();
  });
});
