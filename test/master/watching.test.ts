import { afterEach, describe, expect, it, vi } from 'vitest';
import { Log } from '../../src/base/log.js';
import type { JobTask } from '../../src/master/queued_task.js';
import { set_watch, type TaskTracing, type Watch, Watching } from '../../src/master/watching.js';

const TASK = {} as JobTask;

/** Those who are asked for come with this; what cannot be done is told to `warned`. */
function watching(tracing: TaskTracing | undefined, fails = false) {
  const warned: unknown[] = [];
  const close = vi.fn(async () => {});
  set_watch(
    async (): Promise<Watch> =>
      async (_job, { trace_tasks }) => {
        if (fails) throw new Error('nobody came');
        if (tracing !== undefined) trace_tasks(tracing);
        return { close };
      },
  );
  const logger = { error: (facts: unknown) => void warned.push(facts) } as never;
  const log = new Log({ logger, level: 'error', bindings: {} });
  return { warned, close, watching: new Watching({}, { spans: true }, 'unit', '/nowhere', log) };
}

afterEach(() => set_watch(() => import('../../src/watch/watch.js').then(({ watch }) => watch as never)));

describe('those who look on', () => {
  it('are not waited for when nobody was asked for', async () => {
    const nobody = new Watching({}, { spans: false }, 'unit', '/nowhere', new Log({ level: 'silent' }));
    expect(nobody.is_settled).toBe(true);
    await nobody.begin();
    await nobody.close();
  });

  it('begin once, and are closed', async () => {
    const { watching: both, close } = watching(undefined);
    expect(both.is_settled).toBe(false);
    await Promise.all([both.begin(), both.begin()]);
    expect(both.is_settled).toBe(true);
    await both.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('hold nobody up when they cannot come', async () => {
    const { watching: none, warned } = watching(undefined, true);
    await none.begin();
    expect(none.is_settled).toBe(true);
    expect(warned).toEqual([{ watcher: 'watch', reason: 'nobody came' }]);
    await none.close();
  });
});

describe('the trace of a task', () => {
  it('is what they say', async () => {
    const carrier = { traceparent: '00-1-2-01' };
    const wanted = vi.fn();
    const { watching: traced } = watching({ wanted, context_of: () => carrier });
    expect(traced.context_of(TASK)).toBeUndefined();
    await traced.begin();
    traced.wanted(TASK);
    expect(wanted).toHaveBeenCalledWith(TASK);
    expect(traced.context_of(TASK)).toBe(carrier);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no trace');
      },
    ],
    ['is no text', () => ({ traceparent: 7 }) as never],
    ['cannot be sent', () => ({ traceparent: '\ud800' })],
    ['has a name that cannot be sent', () => JSON.parse('{ "__proto__": "x" }')],
  ])('is none from then on when what they say %s', async (_what, context_of) => {
    const { watching: traced, warned } = watching({ wanted: () => {}, context_of });
    await traced.begin();
    expect(traced.context_of(TASK)).toBeUndefined();
    expect(traced.context_of(TASK)).toBeUndefined();
    expect(warned).toEqual([{ watcher: 'spans', reason: expect.any(String) }]);
  });
});
