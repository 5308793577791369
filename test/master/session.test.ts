import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LaunchError } from '../../src/errors.js';
import type { SlaveLostError } from '../../src/master/life.js';
import { JobTask } from '../../src/master/queued_task.js';
import type { AheadOfTasks } from '../../src/master/session.js';
import { DEFAULT_POLICY } from '../../src/sched/records.js';
import { report } from '../../src/wire/messages.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import { SessionBench } from '../kit/session_bench.js';
import { turn, wait_until } from '../kit/wait_until.js';

const NOTHING_AHEAD: AheadOfTasks = { last_checkpoint: () => undefined, trace_context: () => undefined };

afterEach(() => {
  vi.useRealTimers();
});

function fake_timeouts(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

describe('a launch', () => {
  it('has all that the launcher must know', () => {
    const bench = new SessionBench();
    expect(bench.session.has_number).toBe(false);
    bench.launch();
    expect(bench.slave.orders).toEqual([
      {
        name: 'unit.slave3',
        slave_id: 5,
        launch: 0,
        addresses: ['127.0.0.1:4000'],
        secret: '5ec2e7',
        jobname: 'unit',
        secret_file: expect.any(Function),
        log_file: '/nowhere/unit.slave3',
        cwd: process.cwd(),
        slave_command: undefined,
      },
    ]);
    expect(bench.session).toMatchObject({ pid: 4711, facts: undefined, communicator: undefined });
  });

  it('keeps the number of the slave, and counts', async () => {
    const bench = new SessionBench();
    bench.launch();
    bench.process.end({ exit_code: 1 });
    await bench.wait_told('launch_failed');
    bench.session.set_number(() => 77);
    bench.launch();
    expect(bench.slave.orders[1]).toMatchObject({ name: 'unit.slave3', launch: 1 });
  });

  it('has failed when the process ends before it connects', async () => {
    const bench = new SessionBench();
    bench.launch();
    bench.process.end({ exit_code: 81 });
    const [error] = (await bench.wait_told('launch_failed')) as [LaunchError];
    expect(error).toMatchObject({ cause_kind: 'cannot_reach', slave: 'unit.slave3' });
    expect(bench.session.last_error).toBe(error);
  });

  it('has failed when it is abandoned, for the reason that is given', async () => {
    const bench = new SessionBench();
    bench.launch();
    bench.session.abandon(new Error('too slow'));
    bench.session.abandon(new Error('another reason'));
    const [error] = (await bench.wait_told('launch_failed')) as [LaunchError];
    expect(error).toMatchObject({ cause_kind: 'timed_out', cause: { message: 'too slow' } });
    expect(bench.process.kills).toBeGreaterThan(0);
  });

  it('that was called off before it came to it is none', () => {
    const bench = new SessionBench();
    bench.session.stop('leave');
    bench.launch();
    expect(bench.slave.orders).toEqual([]);
    expect(bench.names).toEqual(['ended']);
  });
});

describe('a slave that connects', () => {
  it('is welcomed, and is ready', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    expect(await bench.wait_order('welcome')).toEqual({
      kind: 'welcome',
      welcome: {
        slave_id: 5,
        launch: 0,
        name: 'unit.slave3',
        max_frame_bytes: 2 ** 20,
        heartbeat_interval: 2000,
        log_level: 'info',
        cancel_grace: 5000,
        kill_slave_memory: Infinity,
        reconnect_timeout: 30_000,
        lease: 0,
      },
    });
    expect(bench.names).toEqual(['launched', 'ready']);
    expect(bench.session).toMatchObject({ pid: 99, facts: { hostname: 'node7' }, was_heard: true });
  });

  it('is ready when its start-up commands have ended', async () => {
    const bench = new SessionBench(['first', 'second']);
    bench.launch();
    bench.connect();
    bench.say((writer) => report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22' }));
    await wait_until(() => bench.orders.length === 3, 'the commands');
    expect(bench.orders.slice(1)).toMatchObject([{ code: 'first' }, { code: 'second' }]);
    bench.say((writer) => report.cmd_done(writer, 0));
    await turn();
    await turn();
    expect(bench.names).toEqual(['launched']);
    bench.say((writer) => report.cmd_done(writer, 1));
    await bench.wait_told('ready');
  });

  it('may send its pulse before it is ready, or after', async () => {
    const early = new SessionBench();
    early.launch();
    early.connect_pulse();
    expect(early.names).toEqual(['launched']);
    early.connect();
    early.say((writer) => report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22' }));
    await early.wait_told('pulse');
    expect(early.names).toEqual(['launched', 'ready', 'pulse']);
    const late = new SessionBench();
    await late.make_ready();
    late.connect_pulse();
    expect(late.names).toEqual(['launched', 'ready', 'pulse']);
  });

  it('is turned away when it is of an earlier launch, or there already, or not expected', async () => {
    const bench = new SessionBench();
    expect(await is_refused(bench.connect())).toBe(true);
    await bench.make_ready();
    expect(await is_refused(bench.connect(1))).toBe(true);
    expect(await is_refused(bench.connect())).toBe(true);
    bench.connect_pulse();
    expect(await is_refused(bench.connect_pulse())).toBe(true);
    expect(bench.process.kills).toBe(0);
  });

  it('with its pulse is turned away when it was told to stop', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.session.stop('leave');
    expect(await is_refused(bench.connect_pulse())).toBe(true);
    expect(bench.names).not.toContain('pulse');
  });
});

async function is_refused(link: { is_closed: boolean }): Promise<boolean> {
  for (let i = 0; i < 10 && !link.is_closed; i++) await turn();
  return link.is_closed;
}

describe('what a slave says', () => {
  it('is told to the driver', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.connect_pulse();
    bench.session.was_heard = false;
    bench.say((writer) => {
      report.progress(writer, 7, 1, { done: 1 });
      report.stray_error(writer, encode_value(new Error('stray'), 'error'));
      report.task(writer, true, 7, 1, 500, encode_value('result', 'result'));
      report.task(writer, false, 8, 1, 500, encode_value('reason', 'result'));
    });
    bench.session.take_back(4, 6);
    bench.say_pulse({ kind: 'heartbeat', vitals: { rss: 1, peak: 4, cpu: 2, stalled: 3 } });
    bench.say_pulse({ kind: 'taken_back', from: 4, to: 6 });
    await bench.wait_told('taken_back');
    expect(bench.told.slice(3)).toMatchObject([
      ['progress', 7, { done: 1 }],
      ['stray_error', { message: 'stray' }],
      ['task_reports', [{ kind: 'task_done', value: 'result' }, { kind: 'task_failed' }], expect.any(Number)],
      ['vitals', { rss: 1, peak: 4, cpu: 2, stalled: 3 }],
      ['taken_back', 4, 6],
    ]);
    expect(bench.session.was_heard).toBe(true);
  });

  it('of a command that was sent ends it', async () => {
    const bench = new SessionBench(['start-up']);
    bench.launch();
    bench.connect();
    bench.say((writer) => {
      report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22' });
      report.cmd_done(writer, 0);
    });
    await bench.wait_told('ready');
    bench.session.run_command('1', []);
    expect(bench.session.has_running_commands).toBe(true);
    bench.say((writer) => report.cmd_failed(writer, 1, encode_value(new Error('no'), 'error')));
    await bench.wait_told('command_ended');
    expect(bench.session.has_running_commands).toBe(false);
    expect(() => bench.session.communicator?.raise_failure()).toThrow(
      'Error: no, from unit.slave3 in command 1',
    );
  });
});

describe('tasks', () => {
  function task(task_id: number): JobTask {
    const definition = {
      fn_id: 4,
      module: 'file:///t.js',
      export_name: 'f',
      problem: undefined,
      check: undefined,
    };
    const policy = { ...DEFAULT_POLICY, timeout: 0, retry_if: undefined, cancel: () => true };
    const payload = new PayloadStore().store(encode_value([1], 'args'));
    return new JobTask(task_id, task_id, definition, payload, policy);
  }

  it('are defined once, sent, aborted and taken back', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.connect_pulse();
    bench.session.run_tasks([task(1), task(2)], NOTHING_AHEAD);
    bench.session.abort_task(2);
    bench.session.take_back(1, 2);
    await bench.wait_order('abort_task');
    expect(bench.orders.slice(1)).toMatchObject([
      { kind: 'define_task', fn_id: 4, module: 'file:///t.js', export_name: 'f' },
      { kind: 'run_task', task_id: 1, attempt: 1, fn_id: 4, index: 1, args: [1] },
      { kind: 'run_task', task_id: 2 },
      { kind: 'abort_task', task_id: 2 },
    ]);
    await wait_until(() => bench.pulse_orders.length > 0, 'the order to the pulse');
    expect(bench.pulse_orders).toEqual([{ kind: 'take_back', from: 1, to: 2 }]);
  });

  it('come after what is sent ahead of them', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    const [first, second] = [task(1), task(2)];
    second.attempt = 2;
    bench.session.run_tasks([first, second], {
      last_checkpoint: ({ task_id }) => encode_value(`kept by ${task_id}`, 'checkpoint'),
      trace_context: ({ task_id }) => (task_id === 1 ? { traceparent: 'trace 1' } : undefined),
    });
    bench.session.abort_task(2);
    await bench.wait_order('abort_task');
    expect(bench.orders.slice(2, -1)).toMatchObject([
      { kind: 'trace_context', task_id: 1, carrier: { traceparent: 'trace 1' } },
      { kind: 'run_task', task_id: 1 },
      { kind: 'last_checkpoint', task_id: 2, value: 'kept by 2' },
      { kind: 'run_task', task_id: 2 },
    ]);
  });

  it('go nowhere when the slave is gone', () => {
    const bench = new SessionBench();
    bench.session.run_tasks([task(1)], NOTHING_AHEAD);
    bench.session.abort_task(1);
    bench.session.take_back(0, 1);
    bench.session.kill();
    expect(bench.told).toEqual([]);
  });
});

describe('a slave is lost', () => {
  it('when its process and its link have ended', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    bench.say((writer) => report.exiting(writer, 3, 41));
    bench.process.end({ exit_code: 3 });
    await turn();
    expect(bench.names).not.toContain('lost');
    far.destroy();
    const [error, ended_with] = (await bench.wait_told('lost')) as [SlaveLostError, unknown];
    expect(error.message).toBe('unit.slave3 exited with code 3');
    expect(error.evidence).toMatchObject({ slave: 'unit.slave3', host: 'node7', why: 'died', exit_code: 3 });
    expect(ended_with).toEqual({ task_id: 41 });
    expect(bench.session).toMatchObject({ last_error: error, communicator: undefined });
  });

  it('with no task when it says so', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    bench.say((writer) => report.exiting(writer, 0, undefined));
    await turn();
    await turn();
    far.destroy();
    bench.process.end({ exit_code: 0 });
    expect((await bench.wait_told('lost'))[1]).toBe('no_task');
  });

  it('half a second after its process, when its link stays open', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    fake_timeouts();
    bench.process.end({ signal: 'SIGSEGV' });
    await turn();
    vi.advanceTimersByTime(499);
    await turn();
    await turn();
    expect(bench.names).not.toContain('lost');
    vi.advanceTimersByTime(1);
    await bench.wait_told('lost');
  });

  it('when its process lives on and does not come back in time: that is killed', async () => {
    const bench = new SessionBench([], { reconnect_timeout: 3000 });
    const far = await bench.make_ready();
    fake_timeouts();
    far.destroy();
    await wait_until(() => vi.getTimerCount() > 0, 'the news');
    vi.advanceTimersByTime(2999);
    expect(bench.process.kills).toBe(0);
    vi.advanceTimersByTime(1);
    expect(bench.process.kills).toBeGreaterThan(0);
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.evidence).toMatchObject({ why: 'lost', reason: expect.stringContaining('3000 ms') });
  });

  it('for the reason that the driver gives', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.session.abandon(new Error('gave no sign of life'));
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.message).toBe('unit.slave3 gave no sign of life');
  });

  it('when it sends what is no message, and that is the reason', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    far.send([Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
    fake_timeouts();
    await wait_until(() => vi.getTimerCount() > 0, 'the end of the link');
    vi.advanceTimersByTime(250);
    const [error] = (await bench.wait_told('lost')) as [SlaveLostError];
    expect(error.message).not.toContain('SIGKILL');
    expect(error.message).toMatch(/frame|message|bytes/);
  });

  it('and what it had sent before is told no more', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.connect_pulse();
    bench.say((writer) => report.progress(writer, 7, 1, { done: 1 }));
    bench.say_pulse({ kind: 'taken_back', from: 4, to: 6 });
    bench.session.abandon(new Error('enough'));
    await bench.wait_told('lost');
    await turn();
    expect(bench.names).not.toContain('progress');
    expect(bench.names.at(-1)).toBe('lost');
  });
});

describe('a slave that is told to stop', () => {
  it('hears it over both links, and is killed when it does not listen', async () => {
    const bench = new SessionBench();
    await bench.make_ready();
    bench.connect_pulse();
    fake_timeouts();
    bench.session.stop('leave');
    await bench.wait_order('stop');
    await wait_until(() => bench.pulse_orders.length > 0, 'the order to the pulse');
    expect(bench.pulse_orders).toEqual([{ kind: 'stop' }]);
    vi.advanceTimersByTime(1499);
    expect(bench.process.kills).toBe(0);
    vi.advanceTimersByTime(1);
    expect(bench.process.kills).toBe(1);
    // its link is still open: it is waited for, in case it has something to say
    await turn();
    vi.advanceTimersByTime(500);
    await bench.wait_told('ended');
    expect(bench.names).not.toContain('lost');
  });

  it('is killed at once when it has not connected', async () => {
    const bench = new SessionBench();
    bench.launch();
    bench.session.stop('leave');
    expect(bench.process.kills).toBe(1);
    await bench.wait_told('ended');
    expect(bench.names).not.toContain('launch_failed');
  });

  it('ends what waits for its messages', async () => {
    const bench = new SessionBench();
    const far = await bench.make_ready();
    const data = bench.session.communicator?.get();
    bench.session.stop('leave');
    far.destroy();
    bench.process.end({ exit_code: 0 });
    await expect(data).rejects.toThrow('unit.slave3 was stopped');
  });
});
