import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type LaunchError, NetworkError, type NoMoreSlavesError, RemoteError } from '../../src/errors.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, fake_slaves, rejection, unit_folder, unit_job } from '../kit/fake_slave.js';

const { echo } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'parjob_test_log');
});

describe('start', () => {
  it('resolves when every slave is ready', async () => {
    const job = unit_job(3);
    await job.start();
    expect(job.map((slave) => slave.state)).toEqual(Array(3).fill('connected'));
    expect(job.map((slave) => slave.name)).toEqual(['unit.slave0', 'unit.slave1', 'unit.slave2']);
  });

  it('starts more slaves than are started at the same time', async () => {
    const job = unit_job(40);
    await job.start();
    expect(job.every((slave) => slave.state === 'connected')).toBe(true);
  });

  it('may be called again, and starts only those that do not run', async () => {
    const slaves = fake_slaves(2);
    const job = unit_job(slaves.slice(0, 1));
    await job.start();
    job.push(slaves[1] as FakeSlave);
    await job.start();
    expect(slaves.map((slave) => slave.launcher.processes.length)).toEqual([1, 1]);
  });

  it('resolves at once for a job without slaves', async () => {
    await expect(unit_job(0).start()).resolves.toBeUndefined();
  });

  it('rejects with what the first slave failed of, when that is given up', async () => {
    const job = unit_job([new FakeSlave({ exit_code: 81 })]);
    const error = await rejection<LaunchError>(job.start());
    expect(error).toMatchObject({
      code: 'PARJOB_ERR_LAUNCH',
      cause_kind: 'cannot_reach',
      slave: 'unit.slave0',
      exit_code: 81,
    });
    expect(job[0]).toMatchObject({ state: 'dead', last_error: error });
  });

  it('rejects when the master cannot listen where it is told to', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const job = unit_job(1, { port });
    const error = await rejection<LaunchError>(job.start());
    expect(error).toMatchObject({ cause_kind: 'cannot_start', cause: expect.any(NetworkError) });
    expect(error.message).toContain(`cannot listen on 127.0.0.1, port ${port}`);
    // what was in the way is gone: now it can
    await new Promise((resolve) => taken.close(resolve));
    await job.start();
    expect(job[0]?.state).toBe('connected');
  });

  it('says in which log each slave writes, and where it runs', async () => {
    const log_dir = unit_folder();
    const job = unit_job(1, { log_dir });
    expect(job[0]).toMatchObject({
      log_file: undefined,
      pid: undefined,
      host: 'fake',
      last_error: undefined,
    });
    await job.start();
    expect(job[0]).toMatchObject({ log_file: `${log_dir}/unit.slave0`, host: 'fake.host' });
    expect(job[0]?.pid).toBeGreaterThan(1_000_000);
    expect(`${job[0]}`).toBe('unit.slave0');
  });
});

describe('a slave that does not start', () => {
  it.each([
    ['its process cannot be made', 'throw' as const, 'cannot_start'],
    [
      'its command is not there',
      { error: Object.assign(new Error('ENOENT'), { code: 'ENOENT' }) },
      'command_not_found',
    ],
    ['its command is not there, says the shell', { exit_code: 127 }, 'command_not_found'],
    ['its node is too old', { exit_code: 84 }, 'wrong_node_version'],
    ['it crashes', { signal: 'SIGSEGV' }, 'exited'],
  ])('ends the run with the cause: %s', async (_what, plan, cause_kind) => {
    const job = unit_job([new FakeSlave(plan), new FakeSlave(plan)]);
    job.queue_task(echo(1));
    const error = await rejection<NoMoreSlavesError>(job.run_all_tasks());
    expect(error).toMatchObject({ code: 'PARJOB_ERR_NO_SLAVES', cause: { cause_kind } });
    expect(error.slaves.map(({ slave }) => slave)).toEqual(['unit.slave0', 'unit.slave1']);
    expect(error.message).toContain('1 task waits and no slave is left, nor can one be had.');
    expect(error.message).toContain('(so did 1 more)');
  });

  it('within start_timeout is given up for that', async () => {
    const job = unit_job([new FakeSlave('hang')], { start_timeout: 5 });
    const error = await rejection<LaunchError>(job.start());
    expect(error.cause_kind).toBe('timed_out');
    expect(error.message).toContain('it was not ready within 5 ms (start_timeout)');
  });

  it('leaves the tasks for a run with other slaves', async () => {
    const job = unit_job<unknown>([new FakeSlave({ exit_code: 1 })]);
    job.queue_task(echo(7));
    await rejection(job.run_all_tasks());
    job.splice(0, 1, new FakeSlave());
    expect(await job.run_all_tasks()).toEqual([7]);
  });
});

describe('start-up commands', () => {
  it('run on each slave in their order, before its first task', async () => {
    const log: unknown[] = [];
    Object.assign(globalThis, { parjob_test_log: log });
    const job = unit_job<unknown>(1);
    job.slave_startup_commands.push("await null; parjob_test_log.push('first')");
    job.slave_startup_commands.push(() => {
      (globalThis as unknown as { parjob_test_log: unknown[] }).parjob_test_log.push('second');
    });
    job.on('slave_connected', () => log.push('ready'));
    job.on('task_done', () => log.push('task'));
    job.queue_task(echo(1));
    await job.run_all_tasks();
    expect(log).toEqual(['first', 'second', 'ready', 'task']);
  });

  it('concern slaves that start later', async () => {
    const log: unknown[] = [];
    Object.assign(globalThis, { parjob_test_log: log });
    const job = unit_job(1);
    await job.start();
    job.slave_startup_commands.push('parjob_test_log.push(1)');
    job.push(new FakeSlave());
    await job.start();
    expect(log).toEqual([1]);
  });

  it('that fail make the slave useless, and are its cause', async () => {
    const job = unit_job(2);
    job.slave_startup_commands.push('1 + 1', "throw new RangeError('no such disk')");
    const error = await rejection<LaunchError>(job.start());
    expect(error).toMatchObject({ cause_kind: 'startup_command_failed', cause: expect.any(RemoteError) });
    expect(error.message).toContain('start-up command 2 threw RangeError: no such disk; mend that command');
    expect(error.cause).toMatchObject({ what: 'start-up command 2', slave: 'unit.slave0' });
  });

  it('that are no commands make the start fail', async () => {
    const job = unit_job(1);
    job.slave_startup_commands.push(3 as never);
    expect((await rejection(job.start())).message).toContain(
      'a command must be code as a string, or a function',
    );
  });

  it('may talk with the master', async () => {
    const job = unit_job(1);
    job.slave_startup_commands.push("await master.send_data('hello')");
    await job.start();
    expect(await job[0]?.get_data()).toBe('hello');
  });
});
