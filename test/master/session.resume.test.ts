/** What a session does when a link of its slave breaks and is made anew. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import type { SlaveLostError } from '../../src/master/life.js';
import { report } from '../../src/wire/messages.js';
import { encode_value } from '../../src/wire/value.js';
import { SessionBench } from '../kit/session_bench.js';
import { turn, wait_until } from '../kit/wait_until.js';

afterEach(() => {
  vi.useRealTimers();
});

function fake_timeouts(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

describe('a link that breaks', () => {
  it('is told after a moment, and told again when it is back', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    fake_timeouts();
    far.destroy();
    await wait_until(() => vi.getTimerCount() > 0, 'the news');
    vi.advanceTimersByTime(249);
    expect(bench.names).not.toContain('link');
    vi.advanceTimersByTime(1);
    expect(bench.told.at(-1)).toEqual(['link', true]);
    bench.reconnect();
    expect(bench.told.at(-1)).toEqual(['link', false]);
    vi.advanceTimersByTime(10 * 60_000);
    await turns(3);
    expect(bench.names).not.toContain('lost');
    expect(bench.process.kills).toBe(0);
  });

  it('and is back at once is told all the same, in that order', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    far.destroy();
    await turns(2);
    bench.reconnect();
    expect(bench.told.slice(2)).toEqual([
      ['link', true],
      ['link', false],
    ]);
  });

  it('loses nothing that either side said meanwhile, and doubles nothing', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    await bench.wait_order('welcome');
    bench.say((writer) => report.progress(writer, 1, 1, { done: 1 }));
    await bench.wait_told('progress');
    far.destroy();
    await turns(2);
    bench.say((writer) => report.progress(writer, 1, 1, { done: 2 }));
    bench.session.abort_task(8);
    await turns(2);
    bench.reconnect();
    bench.say((writer) => report.progress(writer, 1, 1, { done: 3 }));
    bench.session.abort_task(9);
    await wait_until(() => bench.names.filter((name) => name === 'progress').length === 3, 'all of it');
    await bench.wait_order('abort_task');
    await turns(3);
    expect(bench.told.filter(([name]) => name === 'progress')).toEqual([
      ['progress', 1, { done: 1 }],
      ['progress', 1, { done: 2 }],
      ['progress', 1, { done: 3 }],
    ]);
    expect(bench.orders.slice(1)).toEqual([
      { kind: 'abort_task', task_id: 8 },
      { kind: 'abort_task', task_id: 9 },
    ]);
  });

  it('has its time anew with each break', async () => {
    const bench = new SessionBench([], { reconnect_timeout: 1000 });
    let far = await bench.make_ready();
    fake_timeouts();
    for (let i = 0; i < 3; i++) {
      const timers = vi.getTimerCount();
      far.destroy();
      await wait_until(() => vi.getTimerCount() > timers, 'the news');
      vi.advanceTimersByTime(900);
      far = bench.reconnect();
      await turns(2);
    }
    expect(bench.process.kills).toBe(0);
    expect(bench.names).not.toContain('lost');
  });

  it('and is not back in time is the end of the slave, unless its main thread is known to be busy', async () => {
    const bench = new SessionBench([], { reconnect_timeout: 1000 });
    const far = await bench.make_ready();
    bench.connect_pulse();
    const vitals = { rss: 1, peak: 9, cpu: 1 };
    bench.say_pulse({ kind: 'heartbeat', vitals: { ...vitals, stalled: 1001 } });
    await bench.wait_told('vitals');
    fake_timeouts();
    far.destroy();
    await wait_until(() => vi.getTimerCount() > 0, 'the news');
    vi.advanceTimersByTime(1000);
    expect(bench.process.kills).toBe(0);
    bench.say_pulse({ kind: 'heartbeat', vitals: { ...vitals, stalled: 0 } });
    await wait_until(() => bench.names.filter((name) => name === 'vitals').length === 2, 'the heartbeat');
    vi.advanceTimersByTime(1000);
    expect(bench.process.kills).toBeGreaterThan(0);
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.evidence).toMatchObject({ why: 'lost', peak_memory: 9 });
  });

  it('and whose process ends meanwhile is a death like any other', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    far.destroy();
    await turns(2);
    bench.process.end({ exit_code: 7 });
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.evidence).toMatchObject({ why: 'died', exit_code: 7 });
    expect(bench.names).not.toContain('link');
  });

  it('because the slave said what is no message is not waited for', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    far.send([Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
    await wait_until(() => bench.process.kills > 0, 'the end of its process');
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.evidence.reason).toBeTruthy();
    expect(error).not.toBeInstanceOf(ProtocolError);
  });

  it('while the slave is told to stop is its end', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    bench.session.stop('leave');
    far.destroy();
    await bench.wait_told('ended');
    expect(bench.process.kills).toBeGreaterThan(0);
  });

  it('before the slave is ready is made anew as well, also when nothing was heard over it', async () => {
    const bench = new SessionBench();
    bench.launch();
    const far = bench.connect();
    far.destroy();
    await turns(2);
    bench.reconnect();
    bench.say((writer) => report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22' }));
    await bench.wait_told('ready');
    expect(bench.names).not.toContain('link');
  });
});

describe('the link of a pulse that breaks', () => {
  it('is the loss of nothing, and what was asked over it is asked again', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    const far = bench.connect_pulse();
    bench.session.take_back(4, 9);
    await wait_until(() => bench.pulse_orders.length === 1, 'the order');
    far.destroy();
    await turns(2);
    bench.reconnect_pulse();
    await wait_until(() => bench.pulse_orders.length === 2, 'the order again');
    expect(bench.pulse_orders).toEqual(Array(2).fill({ kind: 'take_back', from: 4, to: 9 }));
    // asked twice, answered twice, told once
    bench.say_pulse({ kind: 'taken_back', from: 6, to: 9 });
    bench.say_pulse({ kind: 'taken_back', from: 6, to: 9 });
    await bench.wait_told('taken_back');
    await turns(3);
    expect(bench.told.filter(([name]) => name === 'taken_back')).toEqual([['taken_back', 6, 9]]);
    expect(bench.names).not.toContain('lost');
  });

  it('asks for nothing that was answered', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    const far = bench.connect_pulse();
    bench.session.take_back(4, 9);
    await wait_until(() => bench.pulse_orders.length === 1, 'the order');
    bench.say_pulse({ kind: 'taken_back', from: 6, to: 9 });
    await bench.wait_told('taken_back');
    far.destroy();
    await turns(2);
    bench.reconnect_pulse();
    bench.say_pulse({ kind: 'heartbeat', vitals: { rss: 1, peak: 1, cpu: 1, stalled: 0 } });
    await wait_until(() => bench.pulse_orders.length === 2, 'an answer to the heartbeat');
    expect(bench.pulse_orders.at(-1)).toEqual({ kind: 'alive' });
  });

  it('while the slave is told to stop: it is told again', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    const far = bench.connect_pulse();
    bench.session.stop('recycle');
    far.destroy();
    await turns(2);
    bench.reconnect_pulse();
    await wait_until(() => bench.pulse_orders.at(-1)?.kind === 'stop', 'the order');
    bench.process.end({ exit_code: 0 });
    fake_timeouts();
    await turns(3);
    vi.advanceTimersByTime(500);
    expect(await bench.wait_told('ended')).toEqual(['recycle']);
  });
});

describe('what a pulse says', () => {
  it('at its end says why the slave is lost, and in which task', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    const pulse = bench.connect_pulse();
    bench.say_pulse({ kind: 'heartbeat', vitals: { rss: 5, peak: 77, cpu: 1, stalled: 0 } });
    bench.say_pulse({ kind: 'killed', seq: 12, why: 'too_large' });
    await bench.wait_told('vitals');
    await turns(2);
    far.destroy();
    pulse.destroy();
    bench.process.end({ signal: 'SIGKILL' });
    const [error, ended_with] = (await bench.wait_told('lost')) as [SlaveLostError, unknown];
    expect(error.evidence).toMatchObject({
      why: 'too_large',
      peak_memory: 77,
      signal: 'SIGKILL',
      reason: 'was ended because it took more memory than kill_slave_memory allows',
    });
    expect(ended_with).toEqual({ seq: 12 });
  });

  it('is answered, so that it knows that the master lives', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.connect_pulse();
    bench.say_pulse({ kind: 'heartbeat', vitals: { rss: 5, peak: 77, cpu: 1, stalled: 0 } });
    await wait_until(() => bench.pulse_orders.length > 0, 'the answer');
    expect(bench.pulse_orders).toEqual([{ kind: 'alive' }]);
  });
});

it('a checkpoint is told with the attempt that made it', async () => {
  const bench = new SessionBench();
  await bench.make_ready();
  bench.say((writer) => report.checkpoint(writer, 7, 2, encode_value({ at: 1 }, 'checkpoint')));
  expect(await bench.wait_told('checkpoint')).toEqual([7, 2, { at: 1 }]);
});
