import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, UsageError } from '../../src/errors.js';
import { Communicator } from '../../src/net/communicator.js';
import { any_tree } from '../kit/any_value.js';
import { counted, joined } from '../kit/communicators.js';
import { difference } from '../kit/difference.js';
import { turn } from '../kit/wait_until.js';
import { type Watched, watch } from '../kit/watch.js';

const MIB = 1024 * 1024;

describe('a conversation', () => {
  it('keeps the order of what is sent, whoever waits first', async () => {
    const any_steps = fc.array(fc.constantFrom('send', 'get'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(any_steps, any_steps, async (one_way, other_way) => {
        const ends = joined();
        for (const [steps, from, to] of [
          [one_way, ends[0], ends[1]],
          [other_way, ends[1], ends[0]],
        ] as const) {
          let sent = 0;
          const answers: Promise<unknown>[] = [];
          for (const step of steps) {
            if (step === 'send') await from.send(sent++);
            else answers.push(to.get());
          }
          while (sent < answers.length) await from.send(sent++);
          while (answers.length < sent) answers.push(to.get());
          expect(await Promise.all(answers)).toEqual(Array.from({ length: sent }, (_, i) => i));
          expect(to.take()).toBeUndefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('carries every value that can be sent', async () => {
    await fc.assert(
      fc.asyncProperty(any_tree, async (value) => {
        const [a, b] = joined();
        await a.send(value);
        expect(difference(value, await b.get())).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('gives what has arrived without waiting, undefined as a value too, and counts it as taken', () => {
    const [end, wire] = counted();
    expect(end.take()).toBeUndefined();
    end.on_data('first', 6 * MIB);
    end.on_data(undefined, 6 * MIB);
    expect(end.take()?.value).toBe('first');
    expect(end.take()).toHaveProperty('value', undefined);
    expect(end.take()).toBeUndefined();
    expect(wire.taken).toEqual([6 * MIB, 6 * MIB]);
  });

  it('says what cannot be sent, and sends nothing of it', async () => {
    const [end, wire] = counted();
    await expect(end.send({ on_done: () => 1 })).rejects.toThrow('data.on_done is a function');
    await expect(end.send([Symbol('s')])).rejects.toBeInstanceOf(UsageError);
    expect(wire.sent).toEqual([]);
  });

  it('never holds much more than its window in the inbox of a slow taker, and loses nothing', async () => {
    const [a, b] = joined();
    const datum = new Uint8Array(MIB);
    let [sent, taken, most] = [0, 0, 0];
    const sending = (async () => {
      for (; sent < 60; sent++) {
        await a.send(datum);
        most = Math.max(most, sent - taken);
      }
    })();
    for (; taken < 60; taken++) {
      for (let i = 0; i < 3; i++) await turn();
      expect(await b.get()).toHaveLength(MIB);
    }
    await sending;
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(17);
  });
});

describe('the window', () => {
  it('lets a send wait when it is full, and go on in order when the other end has taken enough', async () => {
    const [end, wire] = counted();
    const small = await Promise.all([end.send(new Uint8Array(8 * MIB)), end.send(new Uint8Array(7 * MIB))]);
    expect(small).toEqual([undefined, undefined]);
    const waiting = [5, 1, 1].map((size) => watch(end.send(new Uint8Array(size * MIB))));
    await turn();
    expect(waiting.map(({ state }) => state)).toEqual(['waits', 'waits', 'waits']);
    expect(wire.sent).toHaveLength(5);
    expect(end.is_full).toBe(true);
    end.on_data_taken(wire.sent[0] as number);
    await turn();
    expect(waiting.map(({ state }) => state)).toEqual(['resolved', 'resolved', 'resolved']);
    expect(end.is_full).toBe(false);
  });

  it('counts every message for something, so that a flood of small ones is stopped too', async () => {
    const [end, wire] = counted();
    let waits: Watched | undefined;
    for (let i = 0; i < 400_000 && waits === undefined; i += 5000) {
      for (let j = 0; j < 4999; j++) void end.send(0);
      const last = watch(end.send(0));
      await turn();
      if (last.state === 'waits') waits = last;
    }
    expect(waits?.state).toBe('waits');
    expect(wire.sent.length).toBeLessThan(400_000);
  });

  it('is reported open again by the taker before a sender could wait for ever', async () => {
    const [end, wire] = counted();
    for (let i = 0; i < 16; i++) end.on_data(i, MIB);
    for (let i = 0; i < 16; i++) expect(await end.get()).toBe(i);
    expect(wire.taken.length).toBeGreaterThan(1);
    expect(wire.taken.length).toBeLessThan(16);
    // what is not yet reported can never fill a window
    expect(16 * MIB - wire.taken.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(8 * MIB);
  });

  it('counts as taken what arrives while someone waits for it', async () => {
    const [end, wire] = counted();
    const answer = end.get();
    end.on_data('large', 12 * MIB);
    expect(await answer).toBe('large');
    expect(wire.taken).toEqual([12 * MIB]);
  });

  it('is not used up by data that the wire refuses', async () => {
    let refuses = true;
    const end = new Communicator({
      data: () => {
        if (refuses) throw new UsageError('the data takes too many bytes');
      },
      data_taken: () => {},
    });
    for (let i = 0; i < 3; i++)
      await expect(end.send(new Uint8Array(10 * MIB))).rejects.toBeInstanceOf(UsageError);
    refuses = false;
    const small = watch(end.send('small'));
    await turn();
    expect(small.state).toBe('resolved');
  });
});
describe('a failure at the other end', () => {
  const [first, second] = [new Error('first'), new Error('second')];

  it('is thrown by the next call, whichever it is, once', async () => {
    const calls = [
      (end: Communicator) => end.send(1),
      (end: Communicator) => end.get(),
      async (end: Communicator) => end.raise_failure(),
    ];
    for (const call of calls) {
      const [end] = counted();
      end.fail(first);
      end.fail(second);
      await expect(call(end)).rejects.toBe(first);
      await expect(call(end)).rejects.toBe(second);
      expect(() => end.raise_failure()).not.toThrow();
    }
  });

  it('is told to all who wait for data, and to nobody after them', async () => {
    const [end] = counted();
    const waiting = [watch(end.get()), watch(end.get())];
    end.fail(first);
    await turn();
    expect(waiting).toEqual([
      { state: 'rejected', outcome: first },
      { state: 'rejected', outcome: first },
    ]);
    expect(() => end.raise_failure()).not.toThrow();
    end.on_data('later', 1);
    expect(await end.get()).toBe('later');
  });

  it('is told to those who wait for room in the window', async () => {
    const [end] = counted();
    const waiting = watch(end.send(new Uint8Array(20 * MIB)));
    end.fail(first);
    await turn();
    expect(waiting).toEqual({ state: 'rejected', outcome: first });
  });

  it('comes after the data that arrived before it', async () => {
    const [end] = counted();
    end.on_data('before', 1);
    end.fail(first);
    expect(await end.get()).toBe('before');
    await expect(end.get()).rejects.toBe(first);
  });
});

describe('a wait with a signal', () => {
  it('ends with the reason of the signal, and leaves the datum to the next who asks', async () => {
    const [end] = counted();
    const controller = new AbortController();
    const [first, second] = [watch(end.get({ signal: controller.signal })), watch(end.get())];
    controller.abort(new Error('enough'));
    end.on_data('datum', 1);
    await turn();
    expect(first).toMatchObject({ state: 'rejected', outcome: { message: 'enough' } });
    expect(second).toEqual({ state: 'resolved', outcome: 'datum' });
  });

  it('does not begin when the signal is aborted already, unless there is data', async () => {
    const [end] = counted();
    const signal = AbortSignal.abort(new Error('before'));
    await expect(end.get({ signal })).rejects.toThrow('before');
    end.on_data('there', 1);
    expect(await end.get({ signal })).toBe('there');
  });

  it('leaves no listener on the signal', async () => {
    const [end] = counted();
    const { signal } = new AbortController();
    const waiting = end.get({ signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    end.on_data(1, 1);
    await waiting;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    const failing = expect(end.get({ signal })).rejects.toBeInstanceOf(NetworkError);
    end.close();
    await failing;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('the end of the connection', () => {
  it('is told to all who wait, for data and for room', async () => {
    const [end] = counted();
    const reason = new NetworkError('gone');
    const waiting = [watch(end.get()), watch(end.send(new Uint8Array(20 * MIB))), watch(end.send(1))];
    end.close(reason);
    await turn();
    for (const watched of waiting) expect(watched).toEqual({ state: 'rejected', outcome: reason });
  });

  it('leaves what has arrived to be taken, then every call throws', async () => {
    const [end, wire] = counted();
    end.on_data('one', 10 * MIB);
    end.on_data('two', 10 * MIB);
    end.close();
    expect([await end.get(), await end.get()]).toEqual(['one', 'two']);
    for (let i = 0; i < 2; i++) {
      await expect(end.get()).rejects.toBeInstanceOf(NetworkError);
      await expect(end.send(1)).rejects.toThrow('the connection is closed');
      expect(() => end.raise_failure()).toThrow(NetworkError);
    }
    expect(wire.sent).toEqual([]);
    expect(wire.taken).toEqual([]);
  });

  it('comes after a failure that nobody has been told of', async () => {
    const [end] = counted();
    const failure = new Error('the command threw');
    end.fail(failure);
    end.close();
    await expect(end.get()).rejects.toBe(failure);
    await expect(end.get()).rejects.toBeInstanceOf(NetworkError);
  });
});
