import { describe, expect, it } from 'vitest';
import { SlaveRecord, type TaskRecord } from '../../src/sched/records.js';
import { SlaveList } from '../../src/sched/slave_list.js';

type Slave = SlaveRecord<TaskRecord>;

const [a, b, c] = [0, 1, 2].map((slave_id) => new SlaveRecord<TaskRecord>(slave_id)) as [Slave, Slave, Slave];

function list_of(...slaves: Slave[]): SlaveList<TaskRecord> {
  const list = new SlaveList<TaskRecord>();
  for (const slave of slaves) list.add_last(slave);
  return list;
}

/** Those in it, from top to bottom; the way back up must be the same. */
function slaves_of(list: SlaveList<TaskRecord>): Slave[] {
  const found: Slave[] = [];
  let last: Slave | undefined;
  for (let slave = list.top; slave !== undefined; slave = slave.below) {
    expect(slave.above).toBe(last);
    expect(slave.list).toBe(list);
    found.push(slave);
    last = slave;
  }
  expect(list.size).toBe(found.length);
  return found;
}

describe('a list of slaves', () => {
  it('has nobody on top when it is made', () => {
    expect(slaves_of(list_of())).toEqual([]);
  });

  it('has the one that was added last on top', () => {
    const list = list_of();
    for (const slave of [a, b, c]) list.add(slave);
    expect(slaves_of(list)).toEqual([c, b, a]);
  });

  it('has a fresh one below all others', () => {
    expect(slaves_of(list_of(a, b, c))).toEqual([a, b, c]);
  });

  it('brings one that is in it to the top, or to the bottom', () => {
    const list = list_of(a, b, c);
    list.add(c);
    list.add(c);
    expect(slaves_of(list)).toEqual([c, a, b]);
    list.add_last(a);
    expect(slaves_of(list)).toEqual([c, b, a]);
    list.add_last(a);
    expect(slaves_of(list)).toEqual([c, b, a]);
  });

  it.each([
    ['the top', a, [b, c]],
    ['the middle', b, [a, c]],
    ['the bottom', c, [a, b]],
  ])('lets go of %s', (_, gone, left) => {
    const list = list_of(a, b, c);
    list.delete(gone);
    list.delete(gone);
    expect(slaves_of(list)).toEqual(left);
    expect(gone).toMatchObject({ list: undefined, above: undefined, below: undefined });
  });

  it('takes a slave out of the list that it was in', () => {
    const [from, to] = [list_of(a, b), list_of(c)];
    to.add(a);
    expect(slaves_of(from)).toEqual([b]);
    expect(slaves_of(to)).toEqual([a, c]);
    from.delete(a);
    expect(slaves_of(to)).toEqual([a, c]);
  });
});
