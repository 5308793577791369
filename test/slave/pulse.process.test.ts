/** What the pulse does to a real process, whose main thread may be blocked. */
import { describe, expect, it } from 'vitest';
import type { LinkRole } from '../../src/wire/hello.js';
import { order } from '../../src/wire/messages.js';
import { is_alive, wait_gone } from '../kit/processes.js';
import { RealSlave } from '../kit/real_slave.js';
import { wait_until } from '../kit/wait_until.js';

const TASKS = new URL('../tasks/process.js', import.meta.url);
const BLOCKING = new URL('../tasks/blocking.js', import.meta.url);

/** Has a task block the main thread. Resolves when it does. */
async function block({ master }: RealSlave, timeout = 0): Promise<void> {
  master.run(BLOCKING, 'block', [], timeout);
  await master.heard('progress');
}

/** Has the slave start a program that starts another one. Resolves to the pids of both. */
async function start_descendants({ master }: RealSlave): Promise<number[]> {
  const code = `
    const { spawn } = await import('node:child_process');
    const shell = spawn('sh', ['-c', 'sleep 600 & echo $! ; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = await (await import('node:events')).once(shell.stdout, 'data');
    await master.send_data([shell.pid, Number(said)]);`;
  master.say((writer) => order.run_cmd(writer, 0, false, code, []));
  return (await master.heard('data')).value as number[];
}

describe('a process whose main thread is blocked', () => {
  it('says that it lives, and is ended by a kill order with all that its tasks have started', async () => {
    const slave = await RealSlave.serving({ heartbeat_interval: 500 });
    const { master } = slave;
    const descendants = await start_descendants(slave);
    expect(descendants.map(is_alive)).toEqual([true, true]);
    master.run(TASKS, 'echo', ['ended']);
    await master.ended(1);
    await block(slave);
    const beats = () => master.pulse_reports.filter((message) => message.kind === 'heartbeat');
    await wait_until(() => (beats().at(-1)?.vitals.stalled ?? 0) > 1000, 'heartbeats', 30_000);
    // that one has ended
    master.say_pulse({ kind: 'kill', seq: 0 });
    master.say_pulse({ kind: 'take_back', from: 9, to: 9 });
    await master.pulse_heard('taken_back');
    expect([slave.pid, ...descendants].map(is_alive)).toEqual([true, true, true]);
    master.say_pulse({ kind: 'kill', seq: 1 });
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await wait_gone(descendants);
    expect(await master.pulse_heard('killed')).toEqual({ kind: 'killed', seq: 1, why: 'cancelled' });
  });

  it('is ended when the time of its task is over', async () => {
    const slave = await RealSlave.serving({ cancel_grace: 50 });
    await block(slave, 50);
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await slave.master.pulse_heard('killed')).toEqual({ kind: 'killed', seq: 0, why: 'timed_out' });
    expect(slave.master.reports.map(({ kind }) => kind)).toEqual(['ready', 'progress']);
  });

  it('ends when it is told to stop', async () => {
    const slave = await RealSlave.serving();
    await block(slave);
    slave.master.say((writer) => order.stop(writer));
    slave.master.say_pulse({ kind: 'stop' });
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('ends when its master is dead, with all that its tasks have started', async () => {
    const slave = await RealSlave.serving();
    const descendants = await start_descendants(slave);
    await block(slave);
    slave.master.die();
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await wait_gone(descendants);
  });

  it('ends when the order comes by stdin, as over ssh', async () => {
    const slave = await RealSlave.serving({}, [], true);
    await block(slave);
    slave.child.stdin?.write('kill\n');
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

it('a process that takes more than kill_slave_memory is ended, and says so', async () => {
  const slave = await RealSlave.serving({ kill_slave_memory: 1 });
  expect(await slave.ended).toEqual({ code: null, signal: 'SIGKILL' });
  const { master } = slave;
  expect(await master.pulse_heard('killed')).toEqual({ kind: 'killed', seq: undefined, why: 'too_large' });
  const { vitals } = await master.pulse_heard('heartbeat');
  expect(vitals.rss).toBeGreaterThan(20e6);
  expect(vitals.peak).toBeGreaterThan(20e6);
});

it('three heartbeats that nobody answers: both threads make their connections anew', async () => {
  const slave = await RealSlave.serving({ heartbeat_interval: 100 });
  const { master } = slave;
  master.answers_heartbeats = false;
  const is_back = (role: LinkRole) => master.identities.some((id) => id.role === role && id.is_resuming);
  await wait_until(() => is_back('main') && is_back('pulse'), 'both connections', 30_000);
  master.answers_heartbeats = true;
  master.run(TASKS, 'echo', ['still there']);
  expect((await master.ended(1))[0]?.[1]).toBe('still there');
});
