import { afterEach, describe, expect, it } from 'vitest';
import { RunnerBench } from '../kit/runner_bench.js';
import { turn } from '../kit/wait_until.js';

afterEach(() => {
  for (const name of ['parjob_test_n', 'parjob_test_log']) Reflect.deleteProperty(globalThis, name);
});

describe('a command', () => {
  it('is reported when it has ended', async () => {
    const bench = new RunnerBench({});
    bench.command('1 + 1');
    bench.command('await null');
    expect(await bench.commands_ended(2)).toEqual([
      { kind: 'cmd_done', cmd_id: 0 },
      { kind: 'cmd_done', cmd_id: 1 },
    ]);
  });

  it('that throws is reported with what it threw', async () => {
    const bench = new RunnerBench({});
    bench.command("throw Object.assign(new RangeError('too far'), { by: args[0] })", 3);
    expect(await bench.commands_ended(1)).toMatchObject([
      { kind: 'cmd_failed', cmd_id: 0, error: { name: 'RangeError', message: 'too far', by: 3 } },
    ]);
  });

  it('waits for the tasks before it, and those behind it wait for it', async () => {
    const log: unknown[] = [];
    Object.assign(globalThis, { parjob_test_log: log });
    const bench = new RunnerBench({
      async task(name: string) {
        await turn();
        log.push(name);
      },
    });
    bench.run('task', 'before');
    bench.command("await new Promise((resolve) => setImmediate(resolve)); parjob_test_log.push('command')");
    bench.run('task', 'after');
    bench.command("parjob_test_log.push('last')");
    await bench.commands_ended(2);
    expect(log).toEqual(['before', 'command', 'after', 'last']);
  });

  it('lets the results before it leave before it starts', async () => {
    const bench = new RunnerBench({ task: () => 1 });
    bench.run('task');
    bench.command('await new Promise(() => {})');
    expect(await bench.ended(1)).toMatchObject([{ kind: 'task_done' }]);
  });

  it('leaves names for the next one', async () => {
    const bench = new RunnerBench({});
    bench.command('parjob_test_n = args[0]', 5);
    bench.command('await master.send_data(parjob_test_n + 1)');
    expect(await bench.communicator.get()).toBe(6);
  });
});

describe('messages', () => {
  it('go both ways, in order', async () => {
    const bench = new RunnerBench({});
    bench.command('for (;;) await master.send_data(2 * (await master.get_data()))');
    for (const n of [1, 2, 3]) await bench.communicator.send(n);
    expect([
      await bench.communicator.get(),
      await bench.communicator.get(),
      await bench.communicator.get(),
    ]).toEqual([2, 4, 6]);
  });

  it('too large for a frame are refused where they are sent', async () => {
    const bench = new RunnerBench({}, { max_frame_bytes: 2 ** 20 });
    bench.command('await master.send_data(new Uint8Array(2 ** 20))');
    expect(await bench.commands_ended(1)).toMatchObject([
      { kind: 'cmd_failed', error: { message: expect.stringMatching(/^the data takes \d+ bytes/) } },
    ]);
  });

  it('that the master is slow to take make the slave wait', async () => {
    const bench = new RunnerBench({}, { max_frame_bytes: 2 ** 30 });
    const mebibytes = 40;
    bench.command(
      'for (let i = 0; i < args[0]; i++) await master.send_data(new Uint8Array(2 ** 20));',
      mebibytes,
    );
    while (!bench.reports.some(({ kind }) => kind === 'data')) await turn();
    for (let i = 0; i < 20; i++) await turn();
    const sent = bench.reports.filter(({ kind }) => kind === 'data').length;
    expect(sent).toBeLessThan(20);
    for (let i = 0; i < mebibytes; i++) await bench.communicator.get();
    expect(await bench.commands_ended(1)).toMatchObject([{ kind: 'cmd_done' }]);
  });

  it('that the slave has taken open the window of the master again', async () => {
    const bench = new RunnerBench({}, { max_frame_bytes: 2 ** 30 });
    bench.command('for (let i = 0; i < args[0]; i++) await master.get_data();', 40);
    for (let i = 0; i < 40; i++) await bench.communicator.send(new Uint8Array(2 ** 20));
    expect(await bench.commands_ended(1)).toMatchObject([{ kind: 'cmd_done' }]);
  });
});

it('does not mind orders that are for others', () => {
  const { runner } = new RunnerBench({});
  const times = { heartbeat_interval: 1, cancel_grace: 1, reconnect_timeout: 1, lease: 0 };
  const who = { name: '', slave_id: 0, launch: 0 };
  const welcome = { ...who, max_frame_bytes: 1, log_level: 'info', kill_slave_memory: 1, ...times };
  runner.on_orders([{ kind: 'welcome', welcome }, { kind: 'stop' }]);
  expect(runner.running_task_id).toBeUndefined();
});
