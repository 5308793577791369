import { describe, expect, it } from 'vitest';
import { NetworkError, type NoMoreSlavesError, RemoteError, type SlaveDiedError } from '../../src/errors.js';
import { DriverBench } from '../kit/driver_bench.js';
import { FakeSlave, fake_slaves, rejection } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { turn, wait_until } from '../kit/wait_until.js';

describe('a failed launch', () => {
  it('is tried again when its time has come, while others do the work', async () => {
    const [late, good] = [new FakeSlave({ exit_code: 1 }, 'serve'), new FakeSlave()];
    const bench = new DriverBench([late, good]);
    const lost = bench.watch('slave_lost');
    bench.queue('echo', 1);
    bench.open_run();
    expect(await bench.unread.next()).toBe(true);
    expect(bench.unread.take()?.outcome).toBe(1);
    expect(lost).toMatchObject([{ slave: late, error: { cause_kind: 'exited' } }]);
    bench.clock.pass(249);
    expect(late.launcher.processes.length).toBe(1);
    bench.clock.pass(1);
    await bench.wait_state(late, 'connected');
    expect(late.launcher.processes.map(({ order }) => order.launch)).toEqual([0, 1]);
    expect(late.name).toBe('unit.slave0');
  });

  it('three times gives the slave up, and the run with the last', async () => {
    const slaves = [new FakeSlave({ exit_code: 1 }), new FakeSlave({ signal: 'SIGBUS' })];
    const bench = new DriverBench(slaves);
    const dead = bench.watch('slave_dead');
    bench.queue('echo', 1);
    bench.open_run();
    const next = rejection<NoMoreSlavesError>(bench.unread.next());
    for (let failures = 1; failures <= 3; failures++) {
      await wait_until(
        () =>
          slaves.every(
            ({ launcher, state }) => launcher.processes.length === failures && state !== 'started',
          ),
        'the failures',
      );
      bench.clock.pass(1000);
    }
    const error = await next;
    expect(error.slaves).toMatchObject([
      { slave: 'unit.slave0', error: { exit_code: 1 } },
      { slave: 'unit.slave1', error: { signal: 'SIGBUS' } },
    ]);
    expect(error.cause).toBeUndefined();
    expect(error.message).toMatch(/exited with code 1[\s\S]*was ended by SIGBUS/);
    expect(dead.length).toBe(2);
    expect(slaves.map(({ state }) => state)).toEqual(['dead', 'dead']);
  });

  it('of a slave that does not come ready in time has its process ended', async () => {
    const slave = new FakeSlave('hang');
    const bench = new DriverBench([slave], { start_timeout: 30_000 });
    const started = rejection(bench.driver.start_slaves());
    await wait_until(() => slave.launcher.processes.length === 1, 'the launch');
    bench.clock.pass(29_999);
    expect(slave.process.has_ended).toBe(false);
    bench.clock.pass(1);
    expect(slave.process.has_ended).toBe(true);
    expect(await started).toMatchObject({ cause_kind: 'timed_out' });
  });
});

describe('a slave that is lost', () => {
  it('while idle is started again', async () => {
    const slave = new FakeSlave();
    const bench = new DriverBench([slave]);
    await bench.driver.start_slaves();
    const lost = bench.watch('slave_lost');
    slave.process.end({ exit_code: 9 });
    await bench.wait_state(slave, 'created');
    expect(lost).toMatchObject([{ error: { message: 'unit.slave0 exited with code 9' } }]);
    expect(slave.last_error).toBeInstanceOf(NetworkError);
    bench.clock.pass(250);
    await bench.wait_state(slave, 'connected');
  });

  it('after it was removed is forgotten, and disturbs nobody at the next tick', async () => {
    const [slave, other] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const bench = new DriverBench([slave, other], { prefetch: 1 });
    bench.queue('forever');
    bench.queue('wait_for', 'other');
    bench.open_run();
    await slave.busy();
    await other.busy();
    bench.driver.remove_slave(slave);
    slave.process.beat();
    slave.process.end({ signal: 'SIGSEGV' });
    await wait_until(() => slave.state !== 'running_task', 'the loss');
    expect(() => bench.clock.pass(5000)).not.toThrow();
    expect(bench.driver.slave_count).toBe(1);
    await let_go('other');
  });
});

describe('silence', () => {
  it('beyond heartbeat_timeout is the end of a slave', async () => {
    const [silent, alive] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const bench = new DriverBench([silent, alive], { heartbeat_timeout: 5000 });
    await bench.driver.start_slaves();
    await wait_until(() => silent.process.pulse !== undefined && alive.process.pulse !== undefined, 'pulses');
    const heartbeats = bench.watch('heartbeat');
    for (let second = 0; second < 6; second++) {
      const seen = heartbeats.length;
      alive.process.beat();
      await wait_until(() => heartbeats.length > seen, 'a heartbeat');
      await turn();
      bench.clock.pass(1000);
    }
    expect(heartbeats).toContainEqual({ slave: alive, vitals: { rss: 1, peak: 4, cpu: 2, stalled: 3 } });
    await bench.wait_state(silent, 'created');
    expect(silent.process.has_ended).toBe(true);
    expect(silent.last_error?.message).toBe(
      'unit.slave0 gave no sign of life for 5000 ms (heartbeat_timeout)',
    );
    expect(alive.state).toBe('connected');
  });

  it('of a master that was busy itself is held against nobody', async () => {
    const [slave] = fake_slaves(1) as [FakeSlave];
    const bench = new DriverBench([slave], { heartbeat_timeout: 5000 });
    await bench.driver.start_slaves();
    bench.clock.pass(1000);
    bench.clock.stall(60_000);
    expect(slave.process.has_ended).toBe(false);
    expect(slave.state).toBe('connected');
  });
});

describe('tasks behind a long one', () => {
  it('are taken back from a slave that is busy, and run by an idle one', async () => {
    const [busy, idle] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const bench = new DriverBench([busy], {
      prefetch: 8,
      heartbeat_timeout: Infinity,
      start_timeout: Infinity,
    });
    const tasks = Array.from({ length: 200 }, (_, i) =>
      i === 30 ? bench.queue('wait_for', 'long') : bench.queue('echo', i),
    );
    bench.open_run();
    await wait_until(() => busy.launcher.processes[0]?.runner?.running_task_id === 30, 'the long task');
    bench.driver.add_slave(idle);
    await wait_until(() => {
      bench.clock.pass(5);
      return bench.driver.unsettled === 1;
    }, 'the end of all tasks but the long one');
    expect(tasks.filter(({ state }) => state !== 'done')).toEqual([tasks[30]]);
    await let_go('long');
    await wait_until(() => bench.unread.is_finished, 'the end of the run');
    expect(tasks.map(({ outcome }) => outcome)).toEqual(tasks.map((_, i) => (i === 30 ? 'long' : i)));
  });
});

describe('a report that answers no task', () => {
  it('is the end of its slave', async () => {
    const slave = new FakeSlave();
    const bench = new DriverBench([slave]);
    await bench.driver.start_slaves();
    await wait_until(() => slave.process.runner !== undefined, 'the welcome');
    slave.process.runner?.on_orders([
      { kind: 'run_task', task_id: 77, attempt: 1, fn_id: 5, index: undefined, timeout: 0, args: [] },
    ]);
    await bench.wait_state(slave, 'created');
    expect(slave.last_error?.message).toBe('unit.slave0 sent a report that answers none of its tasks');
  });
});

describe('outcomes', () => {
  it('of urgent tasks are no part of a run', async () => {
    const bench = new DriverBench(fake_slaves(1));
    const task = bench.queue_urgent('square', 3);
    expect(await task.result).toBe(9);
    expect(bench.unread.take()).toBeUndefined();
  });

  it('are events, too', async () => {
    const bench = new DriverBench(fake_slaves(1));
    const [done, failed] = [bench.watch('task_done'), bench.watch('task_failed')];
    const [good, bad] = [bench.queue('square', 3), bench.queue('fail', 'no')];
    bench.open_run();
    await wait_until(() => bench.unread.is_finished, 'the end of the run');
    expect(done).toMatchObject([{ task: good, run_ms: expect.any(Number) }]);
    expect(failed).toMatchObject([{ task: bad, error: expect.any(RemoteError) }]);
  });

  it('of a task whose slaves died are told once', async () => {
    const slave = new FakeSlave();
    const bench = new DriverBench([slave], { prefetch: 1 });
    const [retried, failed] = [bench.watch('task_retried'), bench.watch('task_failed')];
    const task = bench.queue('forever');
    bench.open_run();
    for (const launch of [1, 2]) {
      (await slave.busy(launch)).end({ signal: 'SIGSEGV' });
    }
    await wait_until(() => bench.unread.is_finished, 'the end of the run');
    expect(retried).toMatchObject([{ task, slave }]);
    expect(failed).toMatchObject([{ task, error: { code: 'PARJOB_ERR_SLAVE_DIED' } }]);
    expect((task.outcome as SlaveDiedError).attempts.length).toBe(2);
    expect(bench.unread.take()).toBe(task);
  });

  it('of a task that is cancelled is what it was cancelled with', async () => {
    const bench = new DriverBench([]);
    const task = bench.queue('square', 3);
    const reason = new Error('not wanted');
    bench.driver.cancel(task, reason);
    expect(await rejection(task.result)).toBe(reason);
    expect(bench.driver.waiting).toBe(0);
    bench.driver.cancel(task, new Error('again'));
    expect(task.outcome).toBe(reason);
  });
});

it('sweeps now and then while slaves run, and no more when it was stopped', async () => {
  const bench = new DriverBench(fake_slaves(1));
  await bench.driver.start_slaves();
  bench.clock.pass(10_000);
  expect(bench.sweeps).toBeGreaterThanOrEqual(9);
  await bench.driver.stop();
  const { sweeps } = bench;
  bench.clock.pass(10_000);
  expect(bench.sweeps).toBe(sweeps);
});

it('turns away clients that are no slaves of it', async () => {
  const slave = new FakeSlave();
  const bench = new DriverBench([slave]);
  await bench.driver.start_slaves();
  const refused = bench.watch('client_refused');
  const { order } = slave.process;
  const stranger = new FakeSlave();
  const secret = '00'.repeat(32);
  const impostor = stranger.launcher.start_one({ ...order, secret, launch: 0 });
  expect(await impostor.ended).toMatchObject({ exit_code: 81 });
  await wait_until(() => refused.length === 1, 'the refusal');
  // one that knows the secret, and is no slave of this job, or not the one that was launched last
  const unknown = stranger.launcher.start_one({ ...order, slave_id: 99 });
  const old = stranger.launcher.start_one({ ...order, launch: 5 });
  expect(await unknown.ended).toMatchObject({ signal: 'SIGKILL' });
  expect(await old.ended).toMatchObject({ signal: 'SIGKILL' });
  expect(slave.state).toBe('connected');
});
