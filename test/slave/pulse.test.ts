import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Address } from '../../src/net/address.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { Claims } from '../../src/slave/claims.js';
import { Gauge } from '../../src/slave/gauge.js';
import { Pulse, pulse_identity } from '../../src/slave/pulse.js';
import { BREAK_LINK, type PulseData, WATCH_TIME } from '../../src/slave/pulse_data.js';
import { monotonic_ms, Watch } from '../../src/slave/watch.js';
import type { PulseMessage } from '../../src/wire/pulse_messages.js';
import { BareMaster } from '../kit/bare_master.js';
import { free_port, RawServer } from '../kit/raw_client.js';
import { turn, wait_until } from '../kit/wait_until.js';

const NOTHING = Buffer.alloc(0);
const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;
const BEAT = 2000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...TIMERS] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** From now on the time, too, only passes when the test says so. */
function stop_clock(): void {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: [...TIMERS, 'performance'] });
}

/** A Pulse on a link in memory, its master, and what it shares with its main thread. */
class PulseBench {
  readonly master: BareMaster;
  readonly claims = new Claims();
  readonly watch = new Watch();
  readonly gauge = new Gauge();
  /** What the pulse told its main thread. */
  readonly told: unknown[] = [];
  /** How often it ended the process. */
  ends = 0;
  /** The pulse's end. */
  readonly link: MemoryLink;
  readonly #port = new MessageChannel();

  constructor(changes: Partial<PulseData> = {}, master = new BareMaster()) {
    this.master = master;
    const data: PulseData = {
      addresses: [master.address],
      secret: master.secret,
      slave_id: 5,
      launch: 2,
      heartbeat_interval: BEAT,
      kill_slave_memory: Infinity,
      reconnect_timeout: 30_000,
      lease: 0,
      claims: this.claims.buffer,
      watch: this.watch.buffer,
      turns: this.gauge.buffer,
      owns_group: false,
      reads_stdin: false,
      ...changes,
    };
    const { port1, port2 } = this.#port;
    port1.on('message', (message) => this.told.push(message));
    onTestFinished(() => port1.close());
    const [near, far] = MemoryLink.pair();
    this.link = near;
    master.accept(pulse_identity(data), far, NOTHING);
    const dialled = {
      link: near,
      rest: NOTHING,
      address: data.addresses[0] as Address,
      is_unknown: false,
    };
    new Pulse(data, dialled, port2, () => this.ends++);
  }

  watch_time(): void {
    this.#port.port1.postMessage(WATCH_TIME);
  }

  get said(): readonly PulseMessage[] {
    return this.master.pulse_reports;
  }

  said_of<K extends PulseMessage['kind']>(kind: K): Extract<PulseMessage, { kind: K }>[] {
    return this.said.filter(
      (message): message is Extract<PulseMessage, { kind: K }> => message.kind === kind,
    );
  }

  /** Resolves when the pulse has said so many things of that kind. */
  async said_so_often(kind: PulseMessage['kind'], count: number): Promise<void> {
    await wait_until(() => this.said_of(kind).length >= count, `${count} times ${kind}`);
  }

  /** Resolves when the pulse has read all that it was sent. */
  async has_read_all(): Promise<void> {
    const answers = this.said_of('taken_back').length;
    this.master.say_pulse({ kind: 'take_back', from: 0, to: 0 });
    await this.said_so_often('taken_back', answers + 1);
  }
}

/** A bench whose pulse can dial its master again. */
async function listening_bench(changes: Partial<PulseData> = {}): Promise<PulseBench> {
  const master = new BareMaster();
  await master.listen();
  return new PulseBench(changes, master);
}

describe('heartbeats', () => {
  it('are sent at once, and then at each interval', async () => {
    const bench = new PulseBench();
    await bench.said_so_often('heartbeat', 1);
    vi.advanceTimersByTime(BEAT - 1);
    await bench.has_read_all();
    expect(bench.said_of('heartbeat')).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await bench.said_so_often('heartbeat', 2);
  });

  it('carry memory, CPU time, and how long the main thread has been busy', async () => {
    stop_clock();
    const bench = new PulseBench();
    vi.advanceTimersByTime(BEAT);
    await bench.said_so_often('heartbeat', 2);
    const [, { vitals } = {}] = bench.said_of('heartbeat');
    expect(vitals).toEqual({
      rss: expect.any(Number),
      peak: expect.any(Number),
      cpu: expect.any(Number),
      stalled: BEAT,
    });
    expect(vitals?.rss).toBeGreaterThan(20e6);
    bench.gauge.count_turns();
    vi.advanceTimersByTime(BEAT);
    await bench.said_so_often('heartbeat', 3);
    expect(bench.said_of('heartbeat')[2]?.vitals.stalled).toBeLessThan(BEAT);
  });

  it('that are answered tell the master its round trip, and again when that has changed much', async () => {
    stop_clock();
    const bench = new PulseBench();
    const answer_after = async (ms: number) => {
      await bench.has_read_all();
      vi.advanceTimersByTime(ms);
      bench.master.say_pulse({ kind: 'alive' });
      await bench.has_read_all();
      vi.advanceTimersByTime(BEAT - ms);
    };
    for (const ms of [40, 60, 21, 61, 92]) await answer_after(ms);
    expect(bench.said_of('round_trip').map(({ ms }) => ms)).toEqual([40, 61, 92]);
  });

  it('of which the answer is late are counted from the first that was not answered', async () => {
    stop_clock();
    const bench = new PulseBench();
    vi.advanceTimersByTime(BEAT + 5);
    bench.master.say_pulse({ kind: 'alive' });
    bench.master.say_pulse({ kind: 'alive' });
    await bench.has_read_all();
    expect(bench.said_of('round_trip')).toEqual([{ kind: 'round_trip', ms: BEAT + 5 }]);
  });
});

describe('a master that cannot be heard', () => {
  it('for three heartbeats: both connections are made anew', async () => {
    const bench = await listening_bench();
    vi.advanceTimersByTime(2 * BEAT);
    await bench.said_so_often('heartbeat', 3);
    expect(bench.link.is_closed).toBe(false);
    vi.advanceTimersByTime(BEAT);
    expect(bench.link.is_closed).toBe(true);
    await wait_until(() => bench.master.identities.length === 2, 'another connection');
    expect(bench.master.identities[1]).toEqual({ slave_id: 5, launch: 2, role: 'pulse', is_resuming: true });
    await bench.has_read_all();
    await wait_until(() => bench.told.length > 0, 'the word to the main thread');
    expect(bench.told).toEqual([BREAK_LINK]);
    expect(bench.ends).toBe(0);
  });

  it.each<PulseMessage>([{ kind: 'alive' }, { kind: 'take_back', from: 0, to: 0 }])(
    'is another than one that says $kind',
    async (message) => {
      const bench = new PulseBench();
      for (let beats = 1; beats < 10; beats++) {
        await bench.said_so_often('heartbeat', beats);
        bench.master.say_pulse(message);
        await turn();
        await turn();
        vi.advanceTimersByTime(BEAT);
      }
      expect(bench.link.is_closed).toBe(false);
      expect(bench.told).toEqual([]);
    },
  );

  it('is dialled once, however long it takes', async () => {
    const mute = new RawServer(() => {});
    const address = { host: '127.0.0.1', port: await mute.listen() };
    onTestFinished(() => mute.close());
    const bench = new PulseBench({ addresses: [address] });
    vi.advanceTimersByTime(3 * BEAT);
    await wait_until(() => mute.sockets.length === 1 && bench.told.length === 1, 'a dial');
    vi.advanceTimersByTime(5 * BEAT);
    for (let i = 0; i < 10; i++) await turn();
    expect(mute.sockets).toHaveLength(1);
    expect(bench.told).toEqual([BREAK_LINK]);
  });

  it('after it was reached again has three heartbeats anew', async () => {
    const bench = await listening_bench();
    vi.advanceTimersByTime(3 * BEAT);
    await wait_until(
      () => bench.master.identities.length === 2 && bench.told.length === 1,
      'another connection',
    );
    // one was sent with the new connection, and these two
    vi.advanceTimersByTime(2 * BEAT);
    for (let i = 0; i < 10; i++) await turn();
    expect(bench.master.identities).toHaveLength(2);
    expect(bench.told).toEqual([BREAK_LINK]);
    vi.advanceTimersByTime(BEAT);
    await wait_until(() => bench.told.length === 2, 'the next break');
  });
});

describe('a connection that breaks', () => {
  it('is made anew, and a heartbeat says so at once', async () => {
    const bench = await listening_bench();
    await bench.said_so_often('heartbeat', 1);
    bench.link.destroy(new Error('cut'));
    await bench.said_so_often('heartbeat', 2);
    expect(bench.master.identities).toMatchObject([{ is_resuming: false }, { is_resuming: true }]);
    // the main thread has its own to look after
    expect(bench.told).toEqual([]);
  });

  it('has all the time anew when the master was heard since the last', async () => {
    stop_clock();
    const bench = await listening_bench({ reconnect_timeout: 1000, heartbeat_interval: 600_000 });
    for (let connections = 2; connections < 5; connections++) {
      bench.master.cut();
      await wait_until(
        () => {
          vi.advanceTimersByTime(10);
          return bench.master.identities.length === connections || bench.ends > 0;
        },
        'another connection',
        300_000,
      );
      expect(bench.ends).toBe(0);
      await bench.has_read_all();
      vi.advanceTimersByTime(60_000);
    }
  });

  it('ends the process when nobody listens there any more, though a task runs', async () => {
    const bench = await listening_bench();
    bench.watch.start(0);
    bench.master.die();
    await wait_until(() => bench.ends > 0, 'the end');
  });

  it('ends the process soon when its master is dead, though something at another address takes its time', async () => {
    stop_clock();
    const mute = new RawServer(() => {});
    const other = { host: '127.0.0.1', port: await mute.listen() };
    onTestFinished(() => mute.close());
    const home = { host: '127.0.0.1', port: await free_port() };
    const bench = new PulseBench({ addresses: [home, other], heartbeat_interval: 600_000 });
    const died_at = performance.now();
    bench.link.destroy();
    await wait_until(
      () => {
        vi.advanceTimersByTime(20);
        return bench.ends > 0;
      },
      'the end',
      600_000,
    );
    expect(mute.sockets.length).toBeGreaterThan(0);
    expect(performance.now() - died_at).toBeLessThan(10_000);
  });

  it('ends the process when the master has given it up', async () => {
    const successor = new BareMaster();
    await successor.listen();
    const bench = new PulseBench({ addresses: [successor.address], secret: successor.secret });
    bench.link.destroy();
    await wait_until(() => bench.ends > 0, 'the end');
  });

  it('does not, with a lease, before the task that runs has ended and the lease is over', async () => {
    stop_clock();
    const bench = await listening_bench({ lease: 1000, reconnect_timeout: 1000 });
    bench.watch.start(0);
    bench.master.die();
    for (let i = 0; i < 300; i++) {
      vi.advanceTimersByTime(50);
      await turn();
    }
    expect(bench.ends).toBe(0);
    bench.watch.end();
    const ended_at = performance.now();
    await wait_until(
      () => {
        vi.advanceTimersByTime(50);
        return bench.ends > 0;
      },
      'the end',
      60_000,
    );
    // it looked last when the task still ran: half a second before, at the most
    expect(performance.now() - ended_at).toBeGreaterThanOrEqual(500);
  });

  it('is made anew with the next master, when there is a lease', async () => {
    stop_clock();
    const dead = new BareMaster();
    await dead.listen();
    const bench = new PulseBench({ lease: 60_000 }, dead);
    const next = new BareMaster(dead);
    dead.die();
    await next.listen();
    await wait_until(
      () => {
        vi.advanceTimersByTime(50);
        return next.pulse_reports.length > 0;
      },
      'a heartbeat for the next master',
      50_000,
    );
    expect(next.identities).toMatchObject([{ slave_id: 5, launch: 2, role: 'pulse', is_resuming: true }]);
    expect(bench.ends).toBe(0);
    next.die();
    await wait_until(
      () => {
        vi.advanceTimersByTime(5000);
        return bench.ends > 0;
      },
      'the end of the lease',
      1_000_000,
    );
  });
});

describe('an order to give tasks back', () => {
  it('gives back those that have not started, and they do not start any more', async () => {
    const bench = new PulseBench();
    for (const seq of [0, 1]) expect(bench.claims.claim(seq)).toBe(true);
    bench.master.say_pulse({ kind: 'take_back', from: 0, to: 4 });
    await bench.said_so_often('taken_back', 1);
    expect(bench.said_of('taken_back')).toEqual([{ kind: 'taken_back', from: 2, to: 4 }]);
    expect([2, 3, 4].map((seq) => bench.claims.claim(seq))).toEqual([false, false, true]);
  });
});

describe('an order to kill', () => {
  it('for a task that has ended does nothing, nor for one that has not begun', async () => {
    const bench = new PulseBench();
    bench.watch.start(7);
    bench.watch.end();
    bench.master.say_pulse({ kind: 'kill', seq: 7 });
    await bench.has_read_all();
    bench.watch.start(8);
    bench.master.say_pulse({ kind: 'kill', seq: 7 });
    bench.master.say_pulse({ kind: 'kill', seq: 9 });
    await bench.has_read_all();
    vi.advanceTimersByTime(1000);
    expect(bench.ends).toBe(0);
    expect(bench.said_of('killed')).toEqual([]);
  });

  it('for the task that runs ends the process, and the master is told of which task and why', async () => {
    const bench = new PulseBench();
    await bench.said_so_often('heartbeat', 1);
    bench.watch.start(7);
    bench.master.say_pulse({ kind: 'kill', seq: 7 });
    await bench.said_so_often('killed', 1);
    // the newest figures come first: they are the evidence
    expect(bench.said.slice(1)).toEqual([
      { kind: 'heartbeat', vitals: expect.any(Object) },
      { kind: 'killed', seq: 7, why: 'cancelled' },
    ]);
    vi.advanceTimersByTime(50);
    expect(bench.ends).toBe(1);
  });

  it('ends the process when its last words have left, and once', async () => {
    const bench = new PulseBench();
    bench.watch.start(7);
    for (let i = 0; i < 2; i++) bench.master.say_pulse({ kind: 'kill', seq: 7 });
    await wait_until(() => bench.link.unsent_bytes > 0, 'words on their way');
    expect(bench.ends).toBe(0);
    await bench.said_so_often('killed', 1);
    await bench.has_read_all();
    vi.advanceTimersByTime(1000);
    expect(bench.ends).toBe(1);
    expect(bench.said_of('killed')).toHaveLength(1);
  });
});

describe('a task whose time is over', () => {
  /** Lets the pulse look until `condition` holds. */
  async function look_until(condition: () => boolean): Promise<void> {
    await wait_until(() => {
      vi.advanceTimersByTime(100);
      return condition();
    }, 'a look');
  }

  it('and that the main thread cannot tell so is ended with the process', async () => {
    const bench = new PulseBench();
    bench.watch.start(7, monotonic_ms() - 1);
    bench.watch_time();
    await look_until(() => bench.ends === 1);
    expect(bench.said.at(-1)).toEqual({ kind: 'killed', seq: 7, why: 'timed_out' });
  });

  it('is no other than the one that runs now', async () => {
    const bench = new PulseBench();
    bench.watch_time();
    bench.watch.start(7, monotonic_ms() - 1);
    bench.watch.end();
    bench.watch.start(8, monotonic_ms() + 600_000);
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(100);
      await turn();
    }
    expect(bench.ends).toBe(0);
    bench.watch.end();
    bench.watch.start(9, monotonic_ms() - 1);
    await look_until(() => bench.ends === 1);
    expect(bench.said_of('killed')).toEqual([{ kind: 'killed', seq: 9, why: 'timed_out' }]);
  });

  it('is ended too while the master cannot be reached', async () => {
    const mute = new RawServer(() => {});
    const address = { host: '127.0.0.1', port: await mute.listen() };
    onTestFinished(() => mute.close());
    const bench = new PulseBench({ addresses: [address] });
    bench.watch_time();
    bench.link.destroy();
    await wait_until(() => mute.sockets.length === 1, 'a dial');
    expect(bench.ends).toBe(0);
    bench.watch.start(7, monotonic_ms() - 1);
    await look_until(() => bench.ends === 1);
  });
});

describe('kill_slave_memory', () => {
  it('ends a process that takes more, with the task that runs as the one to blame', async () => {
    const bench = new PulseBench({ kill_slave_memory: 1 });
    bench.watch.start(7);
    vi.advanceTimersByTime(100);
    await bench.said_so_often('killed', 1);
    vi.advanceTimersByTime(50);
    expect(bench.ends).toBe(1);
    expect(bench.said_of('killed')).toEqual([{ kind: 'killed', seq: 7, why: 'too_large' }]);
  });

  it('ends it between two tasks as well, and blames none', async () => {
    const bench = new PulseBench({ kill_slave_memory: 1 });
    vi.advanceTimersByTime(100);
    await bench.said_so_often('killed', 1);
    expect(bench.said_of('killed')).toEqual([{ kind: 'killed', seq: undefined, why: 'too_large' }]);
  });

  it.each([2 ** 50, Infinity])('of %d lets a process live that takes less', async (kill_slave_memory) => {
    const bench = new PulseBench({ kill_slave_memory });
    bench.watch.start(7);
    vi.advanceTimersByTime(BEAT);
    await bench.said_so_often('heartbeat', 2);
    expect(bench.said_of('killed')).toEqual([]);
    expect(bench.ends).toBe(0);
  });
});

it('an order to stop leaves the main thread its time, then ends the process', async () => {
  const bench = new PulseBench();
  bench.master.say_pulse({ kind: 'stop' });
  await bench.has_read_all();
  vi.advanceTimersByTime(299);
  expect(bench.ends).toBe(0);
  vi.advanceTimersByTime(1);
  expect(bench.ends).toBe(1);
  expect(bench.said_of('killed')).toEqual([]);
});
