import { describe, expect, it } from 'vitest';
import { Hosts } from '../../src/sched/hosts.js';
import { type HostRecord, TaskRecord } from '../../src/sched/records.js';

const tasks = Array.from({ length: 10 }, (_, i) => new TaskRecord(i, i, 10)) as [
  TaskRecord,
  TaskRecord,
  TaskRecord,
];

/** Hosts a, b ... with one slave each. */
function hosts_of(...names: string[]): { hosts: Hosts; records: HostRecord[] } {
  const hosts = new Hosts();
  return { hosts, records: names.map((name) => hosts.join(name)) };
}

/** Three different tasks die on it. */
function bench(hosts: Hosts, host: HostRecord, now: number): boolean[] {
  return tasks.slice(0, 3).map((task) => hosts.note_death(host, task, now));
}

describe('a host', () => {
  it('is benched when three different tasks have died there', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    expect(bench(hosts, a, 1000)).toEqual([false, false, true]);
    expect(a.benched_until).toBe(31_000);
    hosts.check();
  });

  it('is not benched for the same task again and again', () => {
    const { hosts, records } = hosts_of('a', 'b');
    for (let i = 0; i < 5; i++) expect(hosts.note_death(records[0] as HostRecord, tasks[0], 0)).toBe(false);
  });

  it('is not benched when tasks end well there in between', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    for (const task of tasks) {
      expect(hosts.note_death(a, task, 0)).toBe(false);
      expect(hosts.note_success(a)).toBe(false);
    }
    hosts.check();
  });

  it('is not benched for tasks that die wherever they run', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    hosts.note_death(a, tasks[0], 0);
    hosts.note_death(a, tasks[1], 0);
    hosts.clear_of(tasks[0]);
    expect(hosts.note_death(a, tasks[2], 0)).toBe(false);
    hosts.check();
  });

  it('is not benched when it is the only one', () => {
    const { hosts, records } = hosts_of('a');
    expect(bench(hosts, records[0] as HostRecord, 0)).toEqual([false, false, false]);
  });

  it('is not benched when the others have no slaves any more', () => {
    const { hosts, records } = hosts_of('a', 'b');
    hosts.leave(records[1] as HostRecord, 1);
    expect(bench(hosts, records[0] as HostRecord, 0)).toEqual([false, false, false]);
  });
});

describe('a host that is benched', () => {
  it('may be probed when its time is over, and is let back when that ends well', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    bench(hosts, a, 0);
    expect(hosts.next_due_at).toBe(30_000);
    expect(hosts.take_due(29_999)).toEqual([]);
    expect(hosts.take_due(30_000)).toEqual([a]);
    expect(hosts.take_due(30_000)).toEqual([]);
    expect(hosts.next_due_at).toBe(Infinity);
    expect(hosts.note_success(a)).toBe(true);
    expect(a).toMatchObject({ benched_until: 0, is_due: false, probe: undefined });
    expect(a.victims.size).toBe(0);
    hosts.check();
  });

  it('waits twice as long after a probe that died, up to half an hour', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    bench(hosts, a, 0);
    const times: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      times.push(a.bench_time / 1000);
      hosts.take_due(a.benched_until);
      expect(hosts.note_death(a, tasks[0], a.benched_until)).toBe(true);
    }
    expect(times).toEqual([30, 60, 120, 240, 480, 960, 1800, 1800]);
  });

  it('does not wait longer for what it had before it was benched', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    bench(hosts, a, 0);
    expect(hosts.note_death(a, tasks[0], 10)).toBe(false);
    expect(a.benched_until).toBe(30_000);
  });

  it('is let back when no other host has a slave', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a, b] = records as [HostRecord, HostRecord];
    bench(hosts, a, 0);
    expect(hosts.release_if_alone()).toEqual([]);
    hosts.leave(b, 1);
    expect(hosts.release_if_alone()).toEqual([a]);
    hosts.check();
  });

  it('stays on the bench while it has no slave itself', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a, b] = records as [HostRecord, HostRecord];
    bench(hosts, a, 0);
    hosts.leave(a, 0);
    hosts.leave(b, 1);
    expect(hosts.release_if_alone()).toEqual([]);
    hosts.join('a');
    expect(hosts.release_if_alone()).toEqual([a]);
  });

  it('loses its probe with the slave that had it', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a] = records as [HostRecord];
    bench(hosts, a, 0);
    hosts.take_due(30_000);
    a.probe = 7;
    hosts.leave(a, 3);
    expect(a.probe).toBe(7);
    hosts.join('a');
    hosts.leave(a, 7);
    expect(a.probe).toBeUndefined();
  });
});

describe('who else serves', () => {
  it('is who takes tasks on another host that is trusted', () => {
    const { hosts, records } = hosts_of('a', 'b');
    const [a, b] = records as [HostRecord, HostRecord];
    hosts.note_serving(a, 1);
    expect([hosts.is_served_beside(a), hosts.is_served_beside(b)]).toEqual([false, true]);
    hosts.note_serving(b, 1);
    expect([hosts.is_served_beside(a), hosts.is_served_beside(b)]).toEqual([true, true]);
    bench(hosts, b, 0);
    expect([hosts.is_served_beside(a), hosts.is_served_beside(b)]).toEqual([false, true]);
    hosts.note_serving(b, -1);
    hosts.note_success(b);
    expect(hosts.is_served_beside(a)).toBe(false);
    hosts.check();
  });
});
