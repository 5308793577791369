import { describe, expect, it } from 'vitest';
import { JobTask } from '../../src/master/queued_task.js';
import { Unread } from '../../src/master/unread.js';
import { DEFAULT_POLICY } from '../../src/sched/records.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import { rejection } from '../kit/fake_slave.js';

const definition = { fn_id: 0, module: '', export_name: 'f', problem: undefined, check: undefined };

function done_task(bytes: number): JobTask {
  const policy = { ...DEFAULT_POLICY, timeout: 0, retry_if: undefined, cancel: () => false };
  const task = new JobTask(0, 0, definition, new PayloadStore().store(encode_value([], 'args')), policy);
  task.state = 'done';
  task.settle('result', bytes);
  return task;
}

describe('Unread', () => {
  it('gives outcomes in the order in which they came, and counts their bytes', () => {
    const unread = new Unread();
    const [a, b] = [done_task(10), done_task(20)];
    unread.push(a);
    unread.push(b);
    expect(unread.bytes).toBe(30);
    expect(unread.take()).toBe(a);
    expect(unread.bytes).toBe(20);
    expect(unread.take()).toBe(b);
    expect(unread.take()).toBeUndefined();
    expect(unread.bytes).toBe(0);
  });

  it('lets a reader wait for the next', async () => {
    const unread = new Unread();
    const next = unread.next();
    unread.push(done_task(1));
    unread.wake();
    expect(await next).toBe(true);
  });

  it('does not take a wake for an outcome', async () => {
    const unread = new Unread();
    let is_over = false;
    const next = unread.next().finally(() => {
      is_over = true;
    });
    unread.wake();
    await null;
    await null;
    expect(is_over).toBe(false);
    unread.finish();
    expect(await next).toBe(false);
  });

  it('ends the wait when the run is finished, but what is there comes first', async () => {
    const unread = new Unread();
    unread.push(done_task(1));
    unread.finish();
    expect(unread.is_finished).toBe(true);
    expect(await unread.next()).toBe(true);
    unread.take();
    expect(await unread.next()).toBe(false);
  });

  it('throws the first failure of the run, but what is there comes first', async () => {
    const unread = new Unread();
    unread.push(done_task(1));
    unread.fail(new Error('no slaves'));
    unread.fail(new Error('stopped'));
    expect(await unread.next()).toBe(true);
    unread.take();
    expect((await rejection(unread.next())).message).toBe('no slaves');
  });

  it('begins anew with each run, and keeps what nobody has taken', async () => {
    const unread = new Unread();
    unread.push(done_task(1));
    unread.fail(new Error('no slaves'));
    unread.open();
    expect(unread.is_finished).toBe(false);
    expect(await unread.next()).toBe(true);
    unread.take();
    unread.finish();
    expect(await unread.next()).toBe(false);
  });
});
