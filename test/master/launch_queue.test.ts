import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deferred } from '../../src/base/deferred.js';
import type { Launcher } from '../../src/launch/launcher.js';
import type { Pace } from '../../src/launch/pace.js';
import { LaunchQueue } from '../../src/master/launch_queue.js';
import type { Session } from '../../src/master/session.js';
import { turn, wait_until } from '../kit/wait_until.js';

const NO_LIMIT: Pace = { at_once: Infinity, until: 'ready' };

function launcher(kind = 'a', pace = NO_LIMIT): Launcher {
  return { kind, host: 'here', reach: 'local', pace, start: () => [] };
}

/** A slave of that launcher. */
function session(of: Launcher): Session {
  return { slave: { launcher: of } } as unknown as Session;
}

/** What is started, and when it is over: as the test says. */
class Starts {
  readonly all: { launcher: Launcher; sessions: readonly Session[]; over: Deferred<void> }[] = [];
  readonly queue = new LaunchQueue((launcher, sessions) => {
    const over = new Deferred<void>();
    this.all.push({ launcher, sessions, over });
    return over.promise;
  });

  async started(count: number): Promise<void> {
    await wait_until(() => this.all.length >= count, `start ${count}`);
    for (let i = 0; i < 5; i++) await turn();
    expect(this.all).toHaveLength(count);
  }
}

describe('slaves that are to be started', () => {
  it('in one turn, by one launcher, are started together, in their order', async () => {
    const starts = new Starts();
    const one = launcher();
    const sessions = Array.from({ length: 5 }, () => session(one));
    for (const each of sessions) starts.queue.add(each);
    expect(starts.all).toEqual([]);
    await starts.started(1);
    expect(starts.all[0]?.sessions).toEqual(sessions);
    starts.queue.add(session(one));
    await starts.started(2);
  });

  it('by different launchers are started apart, and at once if the pace allows it', async () => {
    const starts = new Starts();
    for (const each of [launcher(), launcher(), launcher('b')]) starts.queue.add(session(each));
    await starts.started(3);
  });

  it('wait until others of their kind are over, when more are not to be started at once', async () => {
    const starts = new Starts();
    const pace: Pace = { at_once: 2, until: 'ready' };
    for (let i = 0; i < 4; i++) starts.queue.add(session(launcher('ssh', pace)));
    starts.queue.add(session(launcher('local')));
    await starts.started(3);
    starts.all[0]?.over.resolve();
    await starts.started(4);
    starts.all[1]?.over.resolve();
    await starts.started(5);
    for (const { over } of starts.all) over.resolve();
  });
});

describe('a pace of so many in a second', () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({
        toFake: ['setInterval', 'setTimeout', 'clearInterval', 'clearTimeout', 'Date'],
      }),
  );
  afterEach(() => void vi.useRealTimers());

  it('is kept, however fast launches are over', async () => {
    const starts = new Starts();
    const pace: Pace = { at_once: 8, until: 'accepted', per_second: 2 };
    for (let i = 0; i < 5; i++) starts.queue.add(session(launcher('slurm', pace)));
    const settle = async () => {
      for (let i = 0; i < 20; i++) {
        await turn();
        for (const { over } of starts.all) over.resolve();
      }
    };
    // the queue itself is loaded first
    for (let i = 0; i < 500 && starts.all.length === 0; i++) await settle();
    await settle();
    expect(starts.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    await settle();
    expect(starts.all).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(1000);
    await settle();
    expect(starts.all).toHaveLength(5);
  });
});
