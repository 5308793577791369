import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Claims } from '../../src/slave/claims.js';
import type { OwnProcess, PulseEvents, PulseThread } from '../../src/slave/own_process.js';
import type { PulseData } from '../../src/slave/pulse_data.js';
import { first_dial } from '../../src/slave/redial.js';
import { type SlaveArguments, SlaveProcess } from '../../src/slave/slave_process.js';
import { Watch } from '../../src/slave/watch.js';
import { type Identity, NO_SLAVE_ID } from '../../src/wire/hello.js';
import { order, type Welcome } from '../../src/wire/messages.js';
import { BareMaster } from '../kit/bare_master.js';
import { is_waiting, let_go } from '../kit/gates.js';
import { RawServer } from '../kit/raw_client.js';
import { wait_until } from '../kit/wait_until.js';

const TASKS = new URL('../tasks/basic.js', import.meta.url);

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A process that does not end, and says how often it would have. */
class FakeOwnProcess implements OwnProcess {
  readonly events = new EventEmitter();
  readonly exits: number[] = [];
  ends = 0;
  ends_of_children = 0;
  /** What pulses were started with, and what they can tell. */
  readonly pulses: { data: PulseData; events: PulseEvents }[] = [];
  watch_times = 0;

  start_pulse(data: PulseData, events: PulseEvents): PulseThread {
    this.pulses.push({ data, events });
    return { watch_time: () => this.watch_times++ };
  }

  get pulse(): { data: PulseData; events: PulseEvents } {
    return this.pulses[0] as { data: PulseData; events: PulseEvents };
  }

  exit(exit_code: number): void {
    this.exits.push(exit_code);
    this.events.emit('exit', exit_code);
  }

  end(): void {
    this.ends++;
  }

  end_children(): void {
    this.ends_of_children++;
  }

  async has_ended(): Promise<void> {
    await wait_until(() => this.ends > 0, 'the end of the process');
  }
}

interface Serving {
  master: BareMaster;
  own: FakeOwnProcess;
}

/** A slave that has proved itself. Addresses that are given come after that of its master. */
async function connected(args: Partial<SlaveArguments> = {}): Promise<Serving> {
  const master = new BareMaster();
  const own = new FakeOwnProcess();
  await master.listen();
  const all: SlaveArguments = {
    name: 'slave',
    slave_id: 5,
    launch: 0,
    owns_group: false,
    reads_stdin: false,
    is_batch: false,
    ends_at: undefined,
    secret: master.secret,
    ...args,
    addresses: [master.address, ...(args.addresses ?? [])],
  };
  const { slave_id, launch } = all;
  const identity: Identity = { slave_id, launch, role: 'main', is_resuming: false };
  const dialled = await first_dial(all.addresses, all.secret, identity);
  new SlaveProcess(all, identity, dialled, own);
  await master.heard('ready');
  // one that was never welcomed would write in the log of these tests that its master is gone
  onTestFinished(async () => {
    if (own.pulses.length > 0) return;
    master.welcome();
    await wait_until(() => own.pulses.length > 0, 'the pulse');
  });
  return { master, own };
}

/** A slave that has been welcomed. */
async function serving(welcome: Partial<Welcome> = {}, args: Partial<SlaveArguments> = {}): Promise<Serving> {
  const slave = await connected(args);
  slave.master.welcome(welcome);
  await wait_until(() => slave.own.pulses.length > 0, 'the pulse');
  return slave;
}

/** Starts a task that waits for `let_go(name)`. Resolves to its number when it runs. */
async function start_waiting(slave: Serving, name: string): Promise<number> {
  const task_id = slave.master.run(TASKS, 'wait_for', [name]);
  await is_waiting(name);
  return task_id;
}

/** Resolves when the slave has done all that it was told. */
async function round_trip({ master }: Serving): Promise<void> {
  const ends = () => master.reports.filter(({ kind }) => kind === 'cmd_done').length;
  const before = ends();
  master.say((writer) => order.run_cmd(writer, before, false, '', []));
  await wait_until(() => ends() > before, 'an answer');
}

/** What came, but for what `round_trip` made. */
function reported({ master }: Serving): string[] {
  return master.reports.map(({ kind }) => kind).filter((kind) => kind !== 'ready' && kind !== 'cmd_done');
}

/** Others connect, one after the other. Meanwhile the slave would have, if it dialled. */
async function others_connect({ master }: Serving): Promise<void> {
  const other: Identity = { slave_id: 6, launch: 0, role: 'pulse', is_resuming: false };
  for (let i = 0; i < 5; i++) {
    const before = master.identities.length;
    const { link } = await first_dial([master.address], master.secret, other);
    await wait_until(() => master.identities.length > before, 'another slave');
    link.destroy();
  }
}

describe('a slave that has proved itself', () => {
  it('says which process it is, and where', async () => {
    const { master } = await connected();
    expect((await master.heard('ready')).facts).toEqual({
      pid: process.pid,
      hostname: hostname(),
      node_version: process.version,
    });
  });

  it.each([
    [60_000, 1, 60_000],
    [-60_000, 0, 0],
  ])('says how long it has when its batch system ends it in %d ms', async (left, low, high) => {
    const { master } = await connected({ ends_at: Date.now() + left });
    const { time_left } = (await master.heard('ready')).facts;
    expect(time_left).toBeGreaterThanOrEqual(low);
    expect(time_left).toBeLessThanOrEqual(high);
  });

  it('starts its pulse when it is welcomed, with what the master wants of it', async () => {
    const { own, master } = await connected({ launch: 2, owns_group: true, reads_stdin: true });
    expect(own.pulses).toEqual([]);
    const wishes = {
      heartbeat_interval: 3000,
      kill_slave_memory: 2 ** 30,
      reconnect_timeout: 7000,
      lease: 9,
    };
    master.welcome({ launch: 2, ...wishes });
    await wait_until(() => own.pulses.length > 0, 'the pulse');
    expect(own.pulse.data).toMatchObject({
      ...wishes,
      addresses: [master.address],
      secret: master.secret,
      slave_id: 5,
      launch: 2,
      owns_group: true,
      reads_stdin: true,
    });
  });

  it('is from then on who the master says, if it came by itself', async () => {
    const slave = await serving({ slave_id: 9, launch: 4 }, { slave_id: NO_SLAVE_ID });
    expect(slave.own.pulse.data).toMatchObject({ slave_id: 9, launch: 4 });
    slave.master.cut();
    await wait_until(() => slave.master.identities.length === 2, 'another connection');
    expect(slave.master.identities[1]).toEqual({ slave_id: 9, launch: 4, role: 'main', is_resuming: true });
  });

  it('lets its pulse see which tasks have started, and which runs', async () => {
    const slave = await serving();
    await start_waiting(slave, 'seen');
    const { data } = slave.own.pulse;
    const [watch, claims] = [new Watch(data.watch), new Claims(data.claims)];
    expect(watch.is_running(0)).toBe(true);
    expect(claims.take_back(0, 2)).toBe(1);
    slave.master.run(TASKS, 'echo', ['taken back']);
    await let_go('seen');
    await slave.master.ended(1);
    await round_trip(slave);
    expect(reported(slave)).toEqual(['task_done']);
    expect(watch.running_seq).toBeUndefined();
  });

  it('has its pulse watch the time from the first task on that has a limit', async () => {
    const slave = await serving();
    slave.master.run(TASKS, 'echo', [1]);
    await slave.master.ended(1);
    expect(slave.own.watch_times).toBe(0);
    slave.master.run(TASKS, 'echo', [2], 60_000);
    slave.master.run(TASKS, 'echo', [3], 60_000);
    await slave.master.ended(3);
    expect(slave.own.watch_times).toBe(1);
  });

  it('ends when its pulse has failed: nobody would say any more that it lives', async () => {
    const { own } = await serving();
    own.pulse.events.on_error(new Error('out of memory'));
    expect(own.ends).toBe(1);
  });
});

describe('a connection that breaks', () => {
  it('is made anew, and the result of the task that ran meanwhile comes once', async () => {
    const slave = await serving();
    const task_id = await start_waiting(slave, 'broken');
    slave.master.cut();
    await let_go('broken', 'result');
    expect(await slave.master.ended(1)).toEqual([[task_id, 'result']]);
    await round_trip(slave);
    expect(reported(slave)).toEqual(['task_done']);
    expect(slave.master.identities).toEqual([
      { slave_id: 5, launch: 0, role: 'main', is_resuming: false },
      { slave_id: 5, launch: 0, role: 'main', is_resuming: true },
    ]);
    expect(slave.own).toMatchObject({ exits: [], ends: 0, pulses: [expect.anything()] });
  });

  it('is one too that the pulse finds silent, and is dialled once', async () => {
    const slave = await serving();
    const { link } = slave.master.main as NonNullable<BareMaster['main']>;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (let i = 0; i < 2; i++) slave.own.pulse.events.on_break_link();
    await wait_until(() => slave.master.identities.length > 1, 'another connection');
    await round_trip(slave);
    expect(link.is_closed).toBe(true);
    vi.advanceTimersByTime(10_000);
    await others_connect(slave);
    expect(slave.master.identities.filter(({ role }) => role === 'main')).toHaveLength(2);
  });

  it('is tried for reconnect_timeout and two seconds: the master waits no longer', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    const { master, own } = await serving({ reconnect_timeout: 1000 });
    const { port } = master.address;
    const cutting = new RawServer((socket) => socket.destroy());
    onTestFinished(() => cutting.close());
    master.stop_listening();
    await cutting.listen(port);
    const cut_at = performance.now();
    master.cut();
    await wait_until(
      () => {
        vi.advanceTimersByTime(20);
        return own.ends > 0;
      },
      'the end',
      600_000,
    );
    expect(cutting.sockets.length).toBeGreaterThan(2);
    expect(performance.now() - cut_at).toBeGreaterThanOrEqual(3000);
  });

  it('has all that time anew when the master was reached since the last', async () => {
    const slave = await serving({ reconnect_timeout: 1000 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    for (let connections = 2; connections < 5; connections++) {
      slave.master.cut();
      await wait_until(
        () => {
          vi.advanceTimersByTime(10);
          return slave.master.identities.length === connections || slave.own.ends > 0;
        },
        'another connection',
        300_000,
      );
      expect(slave.own.ends).toBe(0);
      await round_trip(slave);
      vi.advanceTimersByTime(60_000);
    }
  });

  it('by bytes that are no message ends the slave: it would not understand them later either', async () => {
    const { master, own } = await serving();
    master.main?.link.send([Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')]);
    await own.has_ended();
    expect(master.identities).toHaveLength(1);
  });
});

describe('a slave whose master is dead', () => {
  it('ends at once with its tasks, when it has no lease', async () => {
    const slave = await serving();
    await start_waiting(slave, 'in vain');
    slave.master.die();
    await slave.own.has_ended();
    await let_go('in vain');
  });

  it('ends soon, though something at another address takes its time', async () => {
    const mute = new RawServer(() => {});
    const address = { host: '127.0.0.1', port: await mute.listen() };
    onTestFinished(() => mute.close());
    const { master, own } = await serving({}, { addresses: [address] });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const died_at = performance.now();
    master.die();
    await wait_until(
      () => {
        vi.advanceTimersByTime(20);
        return own.ends > 0;
      },
      'the end',
      600_000,
    );
    expect(mute.sockets.length).toBeGreaterThan(0);
    expect(performance.now() - died_at).toBeLessThan(10_000);
  });

  it('ends when the master has given it up, and another one is there', async () => {
    const slave = await serving();
    const next = new BareMaster(slave.master);
    slave.master.die();
    await next.listen();
    await slave.own.has_ended();
    expect(next.reports).toEqual([]);
  });

  it('with a lease ends the task that runs, begins no other, and gives the next master what it came to', async () => {
    const slave = await serving({ lease: 600_000 });
    slave.master.run(TASKS, 'wait_for', ['outlives']);
    slave.master.run(TASKS, 'echo', ['never begun']);
    await is_waiting('outlives');
    const next = new BareMaster(slave.master);
    slave.master.die();
    await next.listen();
    await wait_until(() => next.identities.length > 0, 'the next master');
    expect(next.reports).toEqual([]);
    await let_go('outlives', new Set([1]));
    await next.heard('ready');
    expect(next.reports).toMatchObject([
      { kind: 'left_over', index: 0, attempt: 1, is_done: true, has_timed_out: false, value: new Set([1]) },
      { kind: 'ready', facts: { pid: process.pid } },
    ]);

    // it serves the new master as it did the old one, and tasks are counted from 0 again
    next.welcome({ launch: 1 });
    const task_id = next.run(TASKS, 'echo', ['served']);
    expect(await next.ended(1)).toEqual([[task_id, 'served']]);
    expect(slave.own).toMatchObject({ exits: [], ends: 0, pulses: [expect.anything()] });
  });

  it('with a lease keeps what ended before it knew of the death, and how', async () => {
    const slave = await serving({ lease: 600_000 });
    slave.master.run(TASKS, 'echo', ['done']);
    slave.master.run(TASKS, 'fail', ['failed']);
    await slave.master.ended(2);
    const next = new BareMaster(slave.master);
    slave.master.die();
    await next.listen();
    await next.heard('ready');
    expect(next.reports.slice(0, -1)).toMatchObject([
      { kind: 'left_over', index: 0, is_done: true, value: 'done' },
      { kind: 'left_over', index: 1, is_done: false, value: expect.objectContaining({ message: 'failed' }) },
    ]);
    // without a lease any more
    next.welcome();
  });

  it('with a lease tells of a result that could not be sent as it did before: it failed', async () => {
    const slave = await serving({ lease: 600_000 });
    await start_waiting(slave, 'unfit');
    await let_go('unfit', { on_done: () => {} });
    slave.master.run(TASKS, 'large', [2 ** 20]);
    await slave.master.ended(2);
    const next = new BareMaster(slave.master);
    slave.master.die();
    await next.listen();
    await next.heard('ready');
    const error = (text: string) => expect.objectContaining({ message: expect.stringContaining(text) });
    expect(next.reports.slice(0, -1)).toMatchObject([
      { kind: 'left_over', index: 0, is_done: false, value: error('result.on_done is a function') },
      { kind: 'left_over', index: 1, is_done: false, value: error('max_frame_bytes is 1048576') },
    ]);
    next.welcome();
  });

  it('with a lease gives the next master more than fits one frame', async () => {
    const slave = await serving({ lease: 600_000 });
    for (let i = 0; i < 3; i++) slave.master.run(TASKS, 'large', [500_000]);
    await slave.master.ended(3);
    const next = new BareMaster(slave.master);
    slave.master.die();
    await next.listen();
    await next.heard('ready');
    expect(next.reports.map(({ kind }) => kind)).toEqual(['left_over', 'left_over', 'left_over', 'ready']);
    next.welcome();
  });

  it('with a lease ends when that is over', async () => {
    const slave = await serving({ lease: 2000, reconnect_timeout: 1 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const died_at = performance.now();
    slave.master.die();
    await wait_until(
      () => {
        vi.advanceTimersByTime(20);
        return slave.own.ends > 0;
      },
      'the end',
      600_000,
    );
    expect(performance.now() - died_at).toBeGreaterThanOrEqual(2000);
  });
});

describe('a slave that is told to stop', () => {
  it.each([false, true])('exits in good order, and that is no death; a task runs: %s', async (has_task) => {
    const slave = await serving();
    if (has_task) await start_waiting(slave, 'stopped');
    slave.master.say((writer) => order.stop(writer));
    await wait_until(() => slave.own.exits.length > 0, 'the exit');
    slave.master.cut();
    await others_connect(slave);
    expect(slave.master.identities.filter(({ role }) => role === 'main')).toHaveLength(1);
    expect(reported(slave)).toEqual([]);
    expect(slave.own).toMatchObject({ exits: [0], ends: 0 });
    if (has_task) await let_go('stopped');
  });
});

describe('a process that exits by itself', () => {
  it('says so, and in which task', async () => {
    const slave = await serving();
    const task_id = await start_waiting(slave, 'exits');
    slave.own.exit(3);
    expect(await slave.master.heard('exiting')).toEqual({
      kind: 'exiting',
      exit_code: 3,
      task_id,
      is_evicted: false,
    });
    await let_go('exits');
  });

  it('says that no task ran, if none did', async () => {
    const slave = await serving();
    slave.own.exit(0);
    expect((await slave.master.heard('exiting')).task_id).toBeUndefined();
  });

  it('may do so before it is welcomed', async () => {
    const { master, own } = await connected();
    own.exit(7);
    expect(await master.heard('exiting')).toMatchObject({ exit_code: 7, task_id: undefined });
  });
});

describe('a stray error', () => {
  it('of a promise is told, and the task that runs has its result', async () => {
    const slave = await serving();
    const task_id = await start_waiting(slave, 'stray');
    slave.own.events.emit('unhandledRejection', new TypeError('nobody handled it'));
    expect((await slave.master.heard('stray_error')).error).toMatchObject({
      name: 'TypeError',
      message: 'nobody handled it',
    });
    await let_go('stray', 'result');
    expect(await slave.master.ended(1)).toEqual([[task_id, 'result']]);
    expect(slave.own).toMatchObject({ exits: [], ends: 0 });
  });

  it('that was thrown fails the task that runs with it, and ends the process: nobody knows what else it broke', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const slave = await serving();
    const task_id = await start_waiting(slave, 'thrown');
    const error = new RangeError('thrown in a timer');
    slave.own.events.emit('uncaughtException', error);
    await slave.master.heard('exiting');
    const facts = { name: 'RangeError', message: 'thrown in a timer' };
    expect(slave.master.reports.slice(1)).toMatchObject([
      { kind: 'stray_error', error: expect.objectContaining(facts) },
      { kind: 'task_failed', task_id, has_timed_out: false, value: expect.objectContaining(facts) },
      // the task has its outcome, so no death is charged to it
      { kind: 'exiting', exit_code: 1, task_id: undefined, is_evicted: false },
    ]);
    expect(slave.own).toMatchObject({ exits: [1], ends_of_children: 1 });
    expect(printed).toHaveBeenCalledWith(error);
    await let_go('thrown');
    await round_trip(slave);
    expect(reported(slave)).toEqual(['stray_error', 'task_failed', 'exiting']);
  });

  it('that was thrown before the welcome ends the process as well', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { master, own } = await connected();
    own.events.emit('uncaughtException', new Error('too early'));
    expect(await master.heard('exiting')).toMatchObject({ exit_code: 1 });
    expect(own.exits).toEqual([1]);
  });
});

describe('signals', () => {
  it.each(['SIGTERM', 'SIGUSR2', 'SIGXCPU'])(
    '%s of a batch system evicts the slave, once',
    async (signal) => {
      const slave = await serving({}, { is_batch: true });
      const task_id = await start_waiting(slave, signal);
      for (let i = 0; i < 2; i++) slave.own.events.emit(signal);
      expect(await slave.master.heard('exiting')).toEqual({
        kind: 'exiting',
        exit_code: 143,
        task_id,
        is_evicted: true,
      });
      expect(slave.own.exits).toEqual([143]);
      await let_go(signal);
      await round_trip(slave);
      expect(reported(slave).filter((kind) => kind === 'exiting')).toHaveLength(1);
    },
  );

  it('of a batch system are nothing new to a slave that stops', async () => {
    const slave = await serving({}, { is_batch: true });
    slave.master.say((writer) => order.stop(writer));
    await wait_until(() => slave.own.exits.length > 0, 'the exit');
    slave.own.events.emit('SIGTERM');
    expect(slave.own.exits).toEqual([0]);
  });

  it('are left to node where there is no batch system, but for Ctrl-C, which is meant for the master', async () => {
    const heard = (own: FakeOwnProcess) =>
      own.events.eventNames().filter((name) => /^SIG/.test(String(name)));
    const { own } = await serving();
    expect(heard(own)).toEqual(['SIGINT']);
    const batch = await serving({}, { is_batch: true });
    expect(heard(batch.own)).toEqual(['SIGINT', 'SIGUSR1', 'SIGTERM', 'SIGUSR2', 'SIGXCPU']);
    for (const signal of ['SIGINT', 'SIGUSR1']) batch.own.events.emit(signal);
    await round_trip(batch);
    expect(batch.own).toMatchObject({ exits: [], ends: 0 });
  });
});
