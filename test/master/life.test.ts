import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LaunchError, type LossKind, NetworkError } from '../../src/errors.js';
import type { ProcessEnd } from '../../src/launch/launcher.js';
import { Life, NO_END, type SlaveLostError } from '../../src/master/life.js';
import { Channel } from '../../src/net/channel.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { report } from '../../src/wire/messages.js';
import type { KillReason, Vitals } from '../../src/wire/pulse_messages.js';
import { unit_folder } from '../kit/fake_slave.js';
import { SessionBench } from '../kit/session_bench.js';
import { turn } from '../kit/wait_until.js';

const VITALS: Vitals = { rss: 100, peak: 400, cpu: 20, stalled: 0 };

afterEach(() => {
  vi.useRealTimers();
});

/** The life of a slave of which a process has ended so. */
function ended(end: Partial<ProcessEnd>, log_file = '/nowhere/unit.slave3'): Life {
  const life = new Life(0, 'unit.slave3', log_file);
  life.end = { ...NO_END, ...end };
  return life;
}

function log(text: string): string {
  const file = join(unit_folder(), 'unit.slave3');
  writeFileSync(file, text);
  return file;
}

describe('the error that says why a slave is gone', () => {
  it.each<[Partial<ProcessEnd>, string, object]>([
    [{ exit_code: 3 }, 'exited with code 3', { exit_code: 3, signal: undefined }],
    [{ exit_code: 0 }, 'exited with code 0', { exit_code: 0, signal: undefined }],
    [{ signal: 'SIGSEGV' }, 'was ended by SIGSEGV', { exit_code: undefined, signal: 'SIGSEGV' }],
    [
      { signal: 'SIGKILL' },
      'was ended by SIGKILL (killed by someone, or by the kernel for want of memory)',
      { signal: 'SIGKILL' },
    ],
    [{}, 'has ended', { exit_code: undefined, signal: undefined }],
  ])('of a process that ended with %o: %s', (end, reason, facts) => {
    const error = ended(end).lost_error('node7');
    expect(error).toBeInstanceOf(NetworkError);
    expect(error.message).toBe(`unit.slave3 ${reason}`);
    expect(error.evidence).toMatchObject({ why: 'died', slave: 'unit.slave3', reason, ...facts });
  });

  it('of one of whose end nothing is known yet says so much', () => {
    expect(new Life(0, 'unit.slave3', '/nowhere/log').lost_error('node7').message).toBe(
      'unit.slave3 has ended',
    );
  });

  it('has the most memory that was heard of, and nothing when there was no heartbeat', () => {
    const life = ended({ exit_code: 3 });
    expect(life.lost_error('node7').evidence.peak_memory).toBeUndefined();
    life.vitals = VITALS;
    expect(life.lost_error('node7').evidence.peak_memory).toBe(VITALS.peak);
  });

  it('names the machine as the slave does, or as its launcher does when the slave has said nothing', () => {
    const life = ended({ exit_code: 3 });
    expect(life.lost_error('somewhere').evidence.host).toBe('somewhere');
    life.facts = { pid: 1, hostname: 'node7', node_version: 'v22' };
    expect(life.lost_error('somewhere').evidence.host).toBe('node7');
  });

  it('has the last lines of its log', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    const log_file = log(`${lines.join('\n')}\n`);
    expect(ended({ exit_code: 3 }, log_file).lost_error('node7').evidence).toMatchObject({
      log_file,
      log_tail: lines.slice(8).join('\n'),
    });
  });

  it('has no lines of a process that this one has replaced', () => {
    const log_file = log('JavaScript heap out of memory\n');
    const second = new Life(1, 'unit.slave3', log_file);
    second.end = { ...NO_END, signal: 'SIGABRT' };
    expect(second.lost_error('node7').evidence).toMatchObject({
      reason: 'was ended by SIGABRT',
      log_tail: undefined,
    });
    appendFileSync(log_file, 'assertion failed\n');
    expect(second.lost_error('node7').evidence.log_tail).toBe('assertion failed');
  });

  it('has what its launcher wrote before the first process: that is of no other', () => {
    const log_file = log('module load failed\n');
    expect(ended({ exit_code: 1 }, log_file).lost_error('node7').evidence.log_tail).toBe(
      'module load failed',
    );
  });

  it('names a full heap, with the remedy', () => {
    const log_file = log('FATAL ERROR: ... JavaScript heap out of memory\n');
    expect(ended({ signal: 'SIGABRT' }, log_file).lost_error('node7').message).toMatch(
      /^unit\.slave3 ran out of memory: .*--max-old-space-size/,
    );
  });

  it.each<[KillReason, RegExp]>([
    ['cancelled', /task was cancelled and did not end$/],
    ['timed_out', /task took longer than its timeout and did not end$/],
    ['too_large', /took more memory than kill_slave_memory allows$/],
  ])('of one that its pulse ended because it was %s says that, and not only SIGKILL', (why, words) => {
    const life = ended({ signal: 'SIGKILL' });
    life.why = why;
    const { evidence } = life.lost_error('node7');
    expect(evidence).toMatchObject({ why, signal: 'SIGKILL' });
    expect(evidence.reason).toMatch(words);
  });

  it.each<LossKind>(['lost', 'died'])('of one that the driver ended as %s has its reason', (why) => {
    const life = ended({ signal: 'SIGKILL' });
    life.doom = new NetworkError('gave no sign of life for 10000 ms');
    life.why = why;
    expect(life.lost_error('node7').evidence).toMatchObject({
      why,
      reason: 'gave no sign of life for 10000 ms',
      signal: 'SIGKILL',
    });
  });
});

describe('a slave that its batch system ended', () => {
  it('says so, however its process ended', () => {
    const life = ended({ exit_code: 143 });
    life.be_evicted();
    expect(life.lost_error('node7').evidence).toMatchObject({
      why: 'evicted',
      reason: expect.stringContaining('ended by its batch system'),
      exit_code: 143,
    });
  });

  it('is one that ends in the last five seconds of its walltime', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const life = ended({ signal: 'SIGKILL' });
    life.ends_at = performance.now() + 60_000;
    vi.advanceTimersByTime(55_000);
    expect(life.lost_error('node7').evidence).toMatchObject({
      why: 'died',
      reason: expect.stringContaining('SIGKILL'),
    });
    vi.advanceTimersByTime(1);
    expect(life.lost_error('node7').evidence).toMatchObject({ why: 'evicted' });
  });

  it('is not one that was killed for its task, though its walltime is over too', () => {
    const life = ended({ signal: 'SIGKILL' });
    life.ends_at = performance.now() - 1;
    life.why = 'too_large';
    expect(life.lost_error('node7').evidence).toMatchObject({
      why: 'too_large',
      reason: expect.stringContaining('kill_slave_memory'),
    });
  });
});

describe('what a process has said', () => {
  function channel(): [Channel, MemoryLink] {
    const [near, far] = MemoryLink.pair();
    const options = { max_frame_bytes: 1024, on_frame: () => {}, is_resumable: false };
    return [new Channel(near, options, Buffer.alloc(0)), far];
  }

  it('is all read when none of its connections is open any more', () => {
    const life = ended({ exit_code: 0 });
    expect(life.is_read).toBe(true);
    [life.main] = channel();
    expect(life.is_read).toBe(false);
    life.is_link_closed = true;
    expect(life.is_read).toBe(true);
    life.is_pulse_closed = false;
    expect(life.is_read).toBe(false);
  });

  it('is read no more when it is let go of, and that is no break of a connection', async () => {
    const life = ended({ exit_code: 0 });
    const [main, far_main] = channel();
    const [pulse, far_pulse] = channel();
    const breaks: unknown[] = [];
    Object.assign(life, { main, pulse, is_pulse_closed: false });
    for (const each of [main, pulse]) each.on_close = (error) => breaks.push(error);
    life.close_links();
    expect(life.is_read).toBe(true);
    for (let i = 0; i < 5; i++) await turn();
    expect([far_main.is_closed, far_pulse.is_closed]).toEqual([true, true]);
    expect(breaks).toEqual([]);
  });
});

describe('from launch to end', () => {
  /** A slave that is ready, has a pulse and a log. */
  async function serving(): Promise<{ bench: SessionBench; log_file: string; end(end: object): void }> {
    const log_dir = unit_folder();
    const bench = new SessionBench([], { log_dir });
    const far = await bench.make_ready();
    const far_pulse = bench.connect_pulse();
    const end = (end: Partial<ProcessEnd>) => {
      far.destroy();
      far_pulse.destroy();
      bench.process.end(end);
    };
    return { bench, log_file: join(log_dir, 'unit.slave3'), end };
  }

  async function lost(bench: SessionBench): Promise<[SlaveLostError['evidence'], unknown]> {
    const [error, ended_with] = (await bench.wait_told('lost')) as [SlaveLostError, unknown];
    return [error.evidence, ended_with];
  }

  it('all that is known of a crash is told', async () => {
    const { bench, log_file, end } = await serving();
    bench.say_pulse({ kind: 'heartbeat', vitals: VITALS });
    await bench.wait_told('vitals');
    writeFileSync(log_file, 'about to crash\n');
    end({ signal: 'SIGSEGV' });
    expect(await lost(bench)).toEqual([
      {
        why: 'died',
        slave: 'unit.slave3',
        host: 'node7',
        peak_memory: 400,
        reason: 'was ended by SIGSEGV',
        exit_code: undefined,
        signal: 'SIGSEGV',
        log_file,
        log_tail: 'about to crash',
      },
      undefined,
    ]);
  });

  it.each<[KillReason, number | undefined, unknown]>([
    ['cancelled', 7, { seq: 7 }],
    ['timed_out', 0, { seq: 0 }],
    ['too_large', 3, { seq: 3 }],
    ['too_large', undefined, 'no_task'],
  ])(
    'its pulse says that it is killed, %s, while task %s runs: both are told',
    async (why, seq, with_what) => {
      const { bench, end } = await serving();
      bench.say_pulse({ kind: 'heartbeat', vitals: VITALS });
      bench.say_pulse({ kind: 'killed', seq, why });
      await bench.wait_told('vitals');
      end({ signal: 'SIGKILL' });
      const [evidence, ended_with] = await lost(bench);
      expect(evidence).toMatchObject({ why, signal: 'SIGKILL', peak_memory: 400 });
      expect(evidence.reason).not.toContain('SIGKILL');
      expect(ended_with).toEqual(with_what);
    },
  );

  it('it says that it exits, in which task, and that is told with the exit code', async () => {
    const { bench, end } = await serving();
    bench.say((writer) => report.exiting(writer, 3, 41));
    await turn();
    end({ exit_code: 3 });
    const [evidence, ended_with] = await lost(bench);
    expect(evidence).toMatchObject({ why: 'died', reason: 'exited with code 3', exit_code: 3 });
    expect(ended_with).toEqual({ task_id: 41 });
  });

  it('it says that its batch system ends it: it was evicted', async () => {
    const { bench, end } = await serving();
    bench.say((writer) => report.exiting(writer, 143, 41, true));
    await turn();
    end({ exit_code: 143 });
    expect((await lost(bench))[0]).toMatchObject({ why: 'evicted', exit_code: 143 });
  });

  it('its batch system says that it ended it: it was evicted, in its words', async () => {
    const { bench, end } = await serving();
    end({ signal: 'SIGKILL', evicted: 'was ended at its time limit' });
    expect((await lost(bench))[0]).toMatchObject({ why: 'evicted', reason: 'was ended at its time limit' });
  });

  it('it had said how long it has, and ends when that is over: it was evicted', async () => {
    const bench = new SessionBench();
    bench.launch();
    const far = bench.connect();
    bench.say((writer) =>
      report.ready(writer, { pid: 99, hostname: 'node7', node_version: 'v22', time_left: 1000 }),
    );
    await bench.wait_told('ready');
    far.destroy();
    bench.process.end({ signal: 'SIGKILL' });
    expect((await lost(bench))[0].why).toBe('evicted');
  });

  it('it falls silent: the driver has it ended, and that is no death of its own', async () => {
    const { bench } = await serving();
    bench.session.abandon(new NetworkError('gave no sign of life for 10000 ms'), 'lost');
    expect(bench.process.kills).toBeGreaterThan(0);
    expect((await lost(bench))[0]).toMatchObject({
      why: 'lost',
      reason: 'gave no sign of life for 10000 ms',
    });
  });

  it('it ends before it is ready: that is no loss but a launch that failed, with command, end and log', async () => {
    const log_dir = unit_folder();
    const bench = new SessionBench([], { log_dir });
    bench.launch();
    writeFileSync(join(log_dir, 'unit.slave3'), 'no such library\n');
    bench.process.end({ exit_code: 127 });
    const [error] = (await bench.wait_told('launch_failed')) as [LaunchError];
    expect(error).toMatchObject({
      slave: 'unit.slave3',
      command: ['silent', 'slave'],
      exit_code: 127,
      log_tail: 'no such library',
    });
    expect(bench.names).not.toContain('lost');
  });

  it('the next process has an end and a log of its own', async () => {
    const { bench, log_file, end } = await serving();
    writeFileSync(log_file, 'the first\n');
    bench.say_pulse({ kind: 'killed', seq: 7, why: 'too_large' });
    await turn();
    end({ signal: 'SIGKILL' });
    await lost(bench);
    bench.told.length = 0;
    const far = await bench.make_ready(1);
    appendFileSync(log_file, 'the second\n');
    far.destroy();
    bench.process.end({ exit_code: 5 });
    expect(await lost(bench)).toEqual([
      expect.objectContaining({ why: 'died', exit_code: 5, log_tail: 'the second', peak_memory: undefined }),
      undefined,
    ]);
  });
});
