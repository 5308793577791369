import { describe, expect, it } from 'vitest';
import { Deferred } from '../../src/base/deferred.js';

describe('a deferred', () => {
  it('resolves its promise from outside', async () => {
    const deferred = new Deferred<number>();
    deferred.resolve(41);
    expect(await deferred.promise).toBe(41);
  });

  it('takes on the outcome of a promise', async () => {
    const deferred = new Deferred<number>();
    deferred.resolve(Promise.resolve(42));
    expect(await deferred.promise).toBe(42);
  });

  it('rejects its promise with the very reason', async () => {
    const deferred = new Deferred<number>();
    const reason = new Error('no');
    deferred.reject(reason);
    await expect(deferred.promise).rejects.toBe(reason);
  });

  it('keeps its first outcome', async () => {
    const deferred = new Deferred<number>();
    deferred.resolve(1);
    deferred.reject(new Error('too late'));
    deferred.resolve(2);
    expect(await deferred.promise).toBe(1);
  });
});
