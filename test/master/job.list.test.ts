import { describe, expect, it } from 'vitest';
import { Job } from '../../src/master/job.js';
import { tasks_from } from '../../src/task.js';
import { FakeSlave, fake_slaves, rejection, unit_job } from '../kit/fake_slave.js';
import { let_go } from '../kit/gates.js';
import { wait_until } from '../kit/wait_until.js';

const { echo, wait_for } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

describe('a Job is a list of slaves:', () => {
  it('length, index, iteration and includes are those of an array', () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const job = unit_job([a, b]);
    expect(job.length).toBe(2);
    expect(job[1]).toBe(b);
    expect([...job]).toEqual([a, b]);
    expect(job.includes(a)).toBe(true);
    expect(Array.isArray(job)).toBe(true);
  });

  it('its keys are the indexes and nothing else', () => {
    const job = unit_job(3);
    expect(Object.keys(job)).toEqual(['0', '1', '2']);
    const keys: string[] = [];
    for (const key in job) keys.push(key);
    expect(keys).toEqual(['0', '1', '2']);
  });

  it('map, filter, slice and concat give plain arrays', () => {
    const job = unit_job(2);
    for (const list of [
      job.map((slave) => slave.state),
      job.filter(() => true),
      job.slice(1),
      job.concat([]),
    ]) {
      expect(list).toBeInstanceOf(Array);
      expect(list).not.toBeInstanceOf(Job);
    }
    expect(job.map((slave) => slave.state)).toEqual(['created', 'created']);
  });

  it('push, append and unshift add slaves, and give the new length as an array does', () => {
    const job = unit_job(0);
    const [a, b, c, d] = fake_slaves(4) as [FakeSlave, FakeSlave, FakeSlave, FakeSlave];
    expect(job.push(b, c)).toBe(2);
    expect(job.append(d)).toBeUndefined();
    expect(job.unshift(a)).toBe(4);
    expect([...job]).toEqual([a, b, c, d]);
  });

  it('pop, shift and splice remove slaves, and give them back', () => {
    const [a, b, c, d, e] = fake_slaves(5) as [FakeSlave, FakeSlave, FakeSlave, FakeSlave, FakeSlave];
    const job = unit_job([a, b, c, d]);
    expect(job.pop()).toBe(d);
    expect(job.shift()).toBe(a);
    expect(job.splice(0, 1, e)).toEqual([b]);
    expect([...job]).toEqual([e, c]);
    expect(job.splice(1)).toEqual([c]);
    expect([...job]).toEqual([e]);
    expect(unit_job(0).pop()).toBeUndefined();
  });
});

describe('what is no slave', () => {
  it.each([
    ['a number', 3, 'expected an array of slaves, got 3: for n slaves here use new Job(local_slaves(n))'],
    ['a text', 'slaves', "expected an array of slaves, got 'slaves'"],
    ['nothing', null, 'expected an array of slaves, got null'],
    ['an object', { slaves: [] }, 'expected an array of slaves, got { slaves: [] }'],
  ])('%s is no list of slaves for a new Job', (_what, slaves, message) => {
    expect(() => new Job(slaves as never)).toThrow(message);
  });

  it('is refused by the constructor and by every list operation, and the list stays as it was', () => {
    expect(() => new Job(['slave' as never])).toThrow("push: a job is a list of slaves, got 'slave'");
    const [slave] = fake_slaves(1) as [FakeSlave];
    const job = unit_job([slave]);
    expect(() => job.push('slave' as never)).toThrow("push: a job is a list of slaves, got 'slave'");
    expect(() => job.append(3 as never)).toThrow('push: a job is a list of slaves, got 3');
    expect(() => job.unshift(undefined as never)).toThrow('unshift: a job is a list of slaves');
    expect(() => job.splice(0, 1, {} as never)).toThrow('splice: a job is a list of slaves, got {}');
    expect([...job]).toEqual([slave]);
  });

  it('is noticed when it was written to an index', async () => {
    const job = unit_job(1);
    job[1] = 'slave' as never;
    expect((await rejection(job.run_all_tasks())).message).toContain('a job is a list of slaves, got');
    job.pop();
  });
});

describe('a slave that is in the job already', () => {
  it('is refused, and the list stays as it was', () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const job = unit_job([a]);
    for (const again of [() => job.push(a), () => job.unshift(a), () => job.splice(0, 0, a)]) {
      expect(again).toThrow('is in this job already: make another one for another process');
    }
    expect(() => job.push(b, b)).toThrow('is in this job already');
    expect([...job]).toEqual([a]);
  });

  it('stays the one slave that it is when it is written to a second index', async () => {
    const [a] = fake_slaves(1) as [FakeSlave];
    const job = unit_job<unknown>([a]);
    job[1] = a;
    await job.start();
    job.pop();
    job.queue_task(echo(1));
    expect(await job.run_all_tasks()).toEqual([1]);
    expect(a.launcher.processes.length).toBe(1);
  });

  it('may change its place', async () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const job = unit_job<unknown>([a, b]);
    await job.start();
    [job[0], job[1]] = [b, a];
    await job.start();
    job.reverse();
    await job.start();
    expect([...job]).toEqual([a, b]);
    expect(a.launcher.processes.length + b.launcher.processes.length).toBe(2);
  });
});

describe('a slave that is in another job', () => {
  it('is refused, and the list stays as it was', () => {
    const [slave, other] = fake_slaves(2) as [FakeSlave, FakeSlave];
    unit_job([slave]);
    const job = unit_job([other]);
    expect(() => job.push(slave)).toThrow('is in another job: a slave has one master');
    expect([...job]).toEqual([other]);
  });

  it('may come here when it was removed there', () => {
    const [slave] = fake_slaves(1) as [FakeSlave];
    const first = unit_job([slave]);
    first.pop();
    expect([...unit_job([slave])]).toEqual([slave]);
  });

  it('may come here when it ran there and has ended', async () => {
    const [slave] = fake_slaves(1) as [FakeSlave];
    const first = unit_job<unknown>([slave]);
    first.queue_task(echo(1));
    await first.run_all_tasks();
    first.pop();
    const other = unit_job<unknown>(0);
    await wait_until(() => slave.process.has_ended && slave.state === 'created', 'the end of the slave');
    other.push(slave);
    other.queue_task(echo(2));
    expect(await other.run_all_tasks()).toEqual([2]);
  });

  it('may come here when it died there of its last task', async () => {
    const slave = new FakeSlave();
    const first = unit_job([slave]);
    const result = rejection(first.run_task(wait_for('never')));
    await slave.busy();
    first.pop();
    slave.process.end({ signal: 'SIGSEGV' });
    expect(await result).toMatchObject({ code: 'PARJOB_ERR_NO_SLAVES' });
    expect([...unit_job([slave])]).toEqual([slave]);
  });
});

describe('in mid-run', () => {
  it('a slave that is added is started and given tasks', async () => {
    const job = unit_job<unknown>(1, { prefetch: 1 });
    job.queue_task(wait_for('slow'));
    job.queue_task(echo(1));
    const results = job.run_all_tasks();
    const late = new FakeSlave();
    job.push(late);
    job.on('task_done', ({ slave }) => slave === late && void let_go('slow', 'done'));
    expect(await results).toEqual(['done', 1]);
    expect(late.name).toBe('unit.slave1');
  });

  it('a slave that is removed finishes its task and is stopped', async () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const job = unit_job<unknown>([a, b], { prefetch: 1 });
    job.queue_task(wait_for('a'));
    job.queue_task(wait_for('b'));
    const results = job.run_all_tasks();
    await wait_until(() => a.state === 'running_task' && b.state === 'running_task', 'both tasks');
    job.splice(0, 1);
    expect(a.process.has_ended).toBe(false);
    await let_go('a', 1);
    await let_go('b', 2);
    expect(await results).toEqual([1, 2]);
    await wait_until(() => a.process.has_ended, 'the end of the removed slave');
    expect(b.process.has_ended).toBe(false);
  });

  it('a slave written to an index is started, and one cut off by length is stopped', async () => {
    const [a, b] = fake_slaves(2) as [FakeSlave, FakeSlave];
    const job = unit_job<unknown>([]);
    job[0] = a;
    await job.start();
    expect(a.state).toBe('connected');
    job[0] = b;
    await job.start();
    expect(b.state).toBe('connected');
    await wait_until(() => a.process.has_ended, 'the end of the slave that was replaced');
    job.length = 0;
    job.queue_task(echo(1));
    expect((await rejection(job.run_all_tasks())).message).toContain('the job has no slaves');
    await wait_until(() => b.process.has_ended, 'the end of the last slave');
  });

  it('a number is given at the first start, and never again', async () => {
    const [a, b, c] = fake_slaves(3) as [FakeSlave, FakeSlave, FakeSlave];
    const job = unit_job([a, b]);
    expect(a.name).toBe('FakeSlave (not started)');
    await job.start();
    job.shift();
    job.push(c);
    await job.start();
    expect([b.name, c.name]).toEqual(['unit.slave1', 'unit.slave2']);
  });
});
