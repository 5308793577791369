import { describe, expect, it } from 'vitest';
import {
  numbers_with,
  query_tasks,
  ranks_of,
  SORT_KEYS,
  type TaskQuery,
} from '../../src/watch/dashboard/task_query.js';
import { TaskRing, type TaskRow } from '../../src/watch/task_ring.js';

/** Numbers that look random, the same each time. */
function* draws(): Generator<number, never> {
  for (let x = 12345; ; ) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    yield x >>> 8;
  }
}

function ring_of(size: number, capacity = size): TaskRing {
  const ring = new TaskRing(capacity);
  const draw = draws();
  for (let i = 0; i < size; i++) {
    const number = draw.next().value;
    ring.add({
      index: size - i,
      name: number % 3,
      slave: (number >> 3) % 5,
      attempt: 1 + (number % 2),
      outcome: number % 50 === 0 ? 1 : 0,
      start: i * 2,
      run_ms: Math.fround((number % 10_007) / 16),
    });
  }
  return ring;
}

const NAMES = ['tree', 'align', 'score'];
const SLAVES = ['s.slave10', 's.slave2', 's.slave1', 's.slave0', 's.slave3'];
const RANKS = { names: ranks_of(NAMES), slaves: ranks_of(SLAVES) };
const ALL: TaskQuery = { offset: 0, limit: 50, sort: 'serial', descending: false };

/** What the query should find, the plain way. */
function expected(ring: TaskRing, query: TaskQuery): TaskRow[] {
  const rows: TaskRow[] = [];
  for (let serial = ring.added - ring.size; serial < ring.added; serial++)
    rows.push(ring.row(serial) as TaskRow);
  const key = (row: TaskRow) => {
    if (query.sort === 'name') return RANKS.names[row.name] as number;
    if (query.sort === 'slave') return RANKS.slaves[row.slave] as number;
    return row[query.sort];
  };
  const kept = rows.filter(
    (row) =>
      (query.outcome === undefined || row.outcome === query.outcome) &&
      query.names?.has(row.name) !== false &&
      query.slaves?.has(row.slave) !== false &&
      (query.index === undefined || row.index === query.index),
  );
  kept.sort((a, b) => (query.descending ? -1 : 1) * (key(a) - key(b) || a.serial - b.serial));
  return kept;
}

describe('query_tasks', () => {
  it.each(SORT_KEYS)('sorts by %s, both ways, on any page', async (sort) => {
    const ring = ring_of(80_000, 70_000);
    for (const descending of [false, true]) {
      const all = expected(ring, { ...ALL, sort, descending });
      for (const offset of [0, 65_520, 69_980]) {
        const page = await query_tasks(ring, { ...ALL, sort, descending, offset }, RANKS);
        expect(page.matched).toBe(70_000);
        expect(page.rows).toEqual(all.slice(offset, offset + 50));
      }
    }
  });

  it('filters by outcome, name, slave and index', async () => {
    const ring = ring_of(20_000);
    const queries: Partial<TaskQuery>[] = [
      { outcome: 1 },
      { names: numbers_with(NAMES, 'AL') },
      { slaves: numbers_with(SLAVES, 'slave1') },
      { index: 77 },
      { outcome: 1, names: new Set([2]), sort: 'run_ms', descending: true },
      { names: new Set() },
    ];
    for (const query of queries) {
      const all = expected(ring, { ...ALL, ...query });
      const page = await query_tasks(ring, { ...ALL, ...query }, RANKS);
      expect(page).toEqual({ matched: all.length, rows: all.slice(0, 50) });
    }
  });

  it('lets others run while it goes through a million', async () => {
    const ring = ring_of(2 ** 20);
    let turns = 0;
    let is_done = false;
    const count = () => {
      turns++;
      if (!is_done) setImmediate(count);
    };
    setImmediate(count);
    const page = await query_tasks(ring, { ...ALL, sort: 'run_ms', descending: true, limit: 10 ** 9 }, RANKS);
    is_done = true;
    expect(page.rows.length).toBe(500);
    expect(turns).toBeGreaterThanOrEqual(30);
  });
});
