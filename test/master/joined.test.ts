/** Slaves that somebody else has started, and that come by themselves. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/master/job.js';
import { JoinedSlave } from '../../src/master/remote/joined_slave.js';
import { tasks_from } from '../../src/task.js';
import { NO_SLAVE_ID } from '../../src/wire/hello.js';
import { an_order } from '../kit/an_order.js';
import { FakeProcess, type Plan } from '../kit/fake_launcher.js';
import { FakeSlave, unit_folder, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

const before = process.cwd();
const joined: FakeProcess[] = [];
let next_pid = 9_000_001;

beforeEach(() => process.chdir(unit_folder()));
afterEach(() => {
  for (const one of joined.splice(0)) one.kill();
  process.chdir(before);
});

function open_job(options: Parameters<typeof unit_job>[1] = {}, slaves: FakeSlave[] = []): Job<unknown> {
  return unit_job<unknown>(slaves, { host: '127.0.0.1', ...options });
}

/** Somebody runs the command that the job has printed. */
async function join(job: Job<unknown>, plan: Plan = 'no_pulse'): Promise<FakeProcess> {
  const words = (await job.connect_command()).split(' ');
  const after = (flag: string) => words[words.indexOf(flag) + 1] as string;
  const secret = readFileSync(after('--secret-file'), 'utf8').trim();
  const addresses = after('--connect').split(',');
  const one = new FakeProcess(next_pid++, an_order({ slave_id: NO_SLAVE_ID, addresses, secret }), plan);
  joined.push(one);
  return one;
}

/** As many are in the list, and ready. */
const have_come = (job: Job<unknown>, count: number) =>
  wait_until(() => job.filter(({ state }) => state === 'connected').length === count, `${count} slaves`);

describe('a slave that comes by itself', () => {
  it('is in the list, with a name and the address that it came from, and does tasks', async () => {
    const job = open_job();
    await join(job);
    await have_come(job, 1);
    const [slave] = job;
    expect(slave).toBeInstanceOf(JoinedSlave);
    expect(slave).toMatchObject({ name: 'unit.slave0', state: 'connected' });
    expect((slave as JoinedSlave).launcher.host).toMatch(/^127\.0\.0\.1:\d+$/);
    job.queue_task(echo(7));
    expect(await job.run_all_tasks()).toEqual([7]);
  });

  it('is put to work at once when a run goes on, beside the others', async () => {
    const slave = new FakeSlave();
    const job = open_job({ prefetch: 1 }, [slave]);
    const gate = 'for one that joins';
    for (const i of [0, 1]) job.queue_task(i === 0 ? wait_for(gate) : echo(i));
    const results = job.run_all_tasks();
    await slave.busy();
    await join(job);
    await have_come(job, 1);
    await wait_until(() => job.length === 2, 'two slaves');
    await let_go(gate, 'first');
    expect(await results).toEqual(['first', 1]);
  });

  it('runs the start-up commands', async () => {
    const job = open_job();
    job.slave_startup_commands.push('globalThis.joined_mark = 41 + 1');
    await join(job);
    await have_come(job, 1);
    expect((globalThis as Record<string, unknown>)['joined_mark']).toBe(42);
  });

  it('may come in company', async () => {
    const job = open_job();
    await Promise.all([join(job), join(job), join(job)]);
    await have_come(job, 3);
    expect(job.map(({ name }) => name).sort()).toEqual(['unit.slave0', 'unit.slave1', 'unit.slave2']);
  });

  it('leaves the list when it dies, and what it ran goes to another', async () => {
    const job = open_job();
    const first = await join(job);
    await have_come(job, 1);
    job.queue_task(wait_for('another joins'));
    const results = job.run_all_tasks();
    await first.runs_a_task();
    first.kill();
    const second = await join(job);
    await second.runs_a_task();
    await wait_until(() => job.length === 1, 'one slave');
    await let_go('another joins', 'its result');
    expect(await results).toEqual(['its result']);
  });

  it('ends with the job', async () => {
    const job = open_job();
    const one = await join(job);
    await have_come(job, 1);
    await job.stop();
    await wait_until(() => one.has_ended, 'its end');
  });

  it('is no place for a fresh process: it leaves the list when its process has served long enough', async () => {
    const job = open_job({ max_tasks_per_slave: 1 });
    const one = await join(job);
    await have_come(job, 1);
    expect(await job.run_task(echo(1))).toBe(1);
    await wait_until(() => one.has_ended, 'its end');
    await wait_until(() => job.length === 0, 'an empty list');
  });

  it('leaves the list when it is idle for long, for nobody could wake it', async () => {
    const job = open_job({ idle_timeout: 50 });
    const one = await join(job);
    await have_come(job, 1);
    await wait_until(() => one.has_ended, 'its end');
    await wait_until(() => job.length === 0, 'an empty list');
  });

  it('leaves the list when a start-up command fails on it', async () => {
    const job = open_job();
    job.slave_startup_commands.push("throw new Error('no licence')");
    const lost: Error[] = [];
    job.on('slave_lost', ({ error }) => lost.push(error));
    await join(job);
    await wait_until(() => lost.length > 0, 'its loss');
    expect(lost[0]).toMatchObject({ cause_kind: 'startup_command_failed' });
    await wait_until(() => job.length === 0, 'an empty list');
  });

  it('is turned away when the job has been stopped', async () => {
    const job = open_job();
    await join(job);
    await have_come(job, 1);
    const command = await job.connect_command();
    await job.stop();
    await expect(job.connect_command()).rejects.toMatchObject({ code: 'PARJOB_ERR_STATE' });
    expect(command).toContain('parjob.js slave --connect 127.0.0.1:');
  });
});
