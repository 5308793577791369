/** What a slave makes of what node and the system tell its process. */
import { describe, expect, it } from 'vitest';
import { order } from '../../src/wire/messages.js';
import { is_alive, wait_gone } from '../kit/processes.js';
import { RealSlave } from '../kit/real_slave.js';
import { wait_until } from '../kit/wait_until.js';

const TASKS = new URL('../tasks/process.js', import.meta.url);

function kinds({ master }: RealSlave): string[] {
  return master.reports.map(({ kind }) => kind).filter((kind) => kind !== 'ready');
}

/** Runs a short task, so that the slave has seen what came before. */
async function still_serves({ master }: RealSlave): Promise<void> {
  const task_id = master.run(TASKS, 'echo', ['here']);
  await wait_until(
    () => master.reports.some((report) => report.kind === 'task_done' && report.task_id === task_id),
    'the result of a task',
    30_000,
  );
}

/** Starts a task that waits, and does not return before it runs. */
async function start_waiting({ master }: RealSlave): Promise<number> {
  const task_id = master.run(TASKS, 'run_child');
  await master.heard('progress');
  return task_id;
}

describe('a stray error', () => {
  it('that is thrown fails the task that runs, and ends the process with code 1', async () => {
    const slave = await RealSlave.serving();
    const task_id = slave.master.run(TASKS, 'throw_in_timer');
    expect(await slave.ended).toEqual({ code: 1, signal: null });
    expect(await slave.master.heard('exiting')).toMatchObject({ exit_code: 1, task_id: undefined });
    expect(kinds(slave)).toEqual(['stray_error', 'task_failed', 'exiting']);
    expect(await slave.master.heard('task_failed')).toMatchObject({
      task_id,
      value: { message: 'thrown in a timer' },
    });
  });

  it('of a promise is told, and the slave goes on', async () => {
    const slave = await RealSlave.serving();
    slave.master.run(TASKS, 'reject_later');
    expect((await slave.master.heard('stray_error')).error).toMatchObject({ message: 'stray' });
    await still_serves(slave);
    expect(is_alive(slave.pid)).toBe(true);
  });

  it('of a log that nobody reads any more costs what tasks print, and nothing else', async () => {
    const slave = await RealSlave.serving();
    slave.child.stdout?.destroy();
    for (let i = 0; i < 3; i++) slave.master.run(TASKS, 'print', ['lost']);
    expect((await slave.master.ended(3)).map(([, value]) => value)).toEqual([4, 4, 4]);
    await still_serves(slave);
    expect(kinds(slave)).not.toContain('stray_error');
  });
});

it('its log says when it came to its master: written in a quiet moment, when no task waits for that', async () => {
  const slave = await RealSlave.serving({ log_level: 'info' });
  await wait_until(() => slave.log.endsWith('\n'), 'a line in the log', 30_000);
  expect(JSON.parse(slave.log)).toMatchObject({
    msg: 'connected to the master',
    slave: 'unit.slave3',
    pid: slave.pid,
    queued_at: expect.any(Number),
  });
});

it('a task that exits says with which code, and is named', async () => {
  const slave = await RealSlave.serving();
  const task_id = slave.master.run(TASKS, 'mark_and_exit', ['/dev/null', 3]);
  expect(await slave.ended).toEqual({ code: 3, signal: null });
  expect(await slave.master.heard('exiting')).toMatchObject({ exit_code: 3, task_id, is_evicted: false });
});

it('an order to stop ends it in good order, though a task waits for something', async () => {
  const slave = await RealSlave.serving();
  await start_waiting(slave);
  slave.master.say((writer) => order.stop(writer));
  expect(await slave.ended).toEqual({ code: 0, signal: null });
  expect(kinds(slave)).toEqual(['progress']);
});

it('a connection that breaks before the welcome is made anew', async () => {
  const slave = await RealSlave.connected();
  slave.master.cut();
  await wait_until(() => slave.master.identities.length === 2, 'another connection', 30_000);
  expect(slave.master.identities[1]).toMatchObject({ role: 'main', is_resuming: true });
  slave.master.welcome();
  await still_serves(slave);
});

describe('SIGTERM', () => {
  it('of a batch system: it was evicted, and says what it ran', async () => {
    const slave = await RealSlave.serving({}, ['--batch']);
    const task_id = await start_waiting(slave);
    slave.child.kill('SIGTERM');
    expect(await slave.ended).toEqual({ code: 143, signal: null });
    expect(await slave.master.heard('exiting')).toMatchObject({ exit_code: 143, task_id, is_evicted: true });
  });

  it('of anyone else ends it as it ends any process', async () => {
    const slave = await RealSlave.serving();
    slave.child.kill('SIGTERM');
    expect(await slave.ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(kinds(slave)).toEqual([]);
  });
});

it('Ctrl-C in the terminal is meant for the master', async () => {
  const slave = await RealSlave.serving();
  slave.child.kill('SIGINT');
  await still_serves(slave);
  expect(is_alive(slave.pid)).toBe(true);
});

it('that ends by itself takes along what its tasks have started, and keeps its exit code', async () => {
  const slave = await RealSlave.serving();
  slave.master.run(TASKS, 'exit_beside_child', [7]);
  const { progress } = await slave.master.heard('progress');
  expect(await slave.ended).toEqual({ code: 7, signal: null });
  await wait_gone([progress.done]);
});
