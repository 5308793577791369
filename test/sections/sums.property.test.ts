/** The plan of a run that adds up outputs, under random events: each section is in the result exactly once. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Plan } from '../../src/sections/plan.js';
import type { PlanEvent, PlanOrder, RunOutcome } from '../../src/sections/plan_events.js';

const HOSTS = ['a', 'b'];
const SLOTS = 2;

interface Running {
  id: string;
  attempt: number;
  host: string;
}

/** Hosts with sums, and a master that collects them, as the plan orders. */
class World {
  readonly plan: Plan;
  readonly slots = new Map<number, string>();
  readonly running = new Map<number, Running>();
  /** Sections in each sum that counts. */
  readonly sums = new Map<string, { host: string; sections: string[] }>();
  readonly open = new Map<number, string>();
  readonly closed = new Set<string>();
  /** Sections in the result. */
  readonly result: string[] = [];
  readonly pieces = new Set<string>();
  collecting: string | undefined;
  outcome: RunOutcome | undefined;

  constructor(sections: number, in_sum: number, has_pieces: boolean) {
    const options = {
      attempts: 3,
      njobs: Infinity,
      tolerated: 1,
      redo: true,
      collects: 3,
      has_outputs: true,
    };
    const seeds = Array.from({ length: sections }, (_, i) => ({ id: String(i) }));
    this.plan = new Plan({ ...options, sections_in_sum: in_sum, has_pieces }, seeds);
    this.take(this.plan.begin());
  }

  tell(event: PlanEvent): void {
    this.take(this.plan.handle(event));
    this.check();
  }

  take(orders: readonly PlanOrder[]): void {
    for (const order of orders) {
      if (order.kind === 'run_section') {
        const { id, attempt, host } = order;
        this.running.set(order.slot, { id, attempt, host });
      } else if (order.kind === 'abort_section') this.running.delete(order.slot);
      else if (order.kind === 'collect_section') this.pieces.add(order.id);
      else if (order.kind === 'close_sum') this.close(order.sum);
      else if (order.kind === 'drop_sum') {
        expect(order.sum).not.toBe(this.collecting);
        this.close(order.sum);
        expect(this.sums.delete(order.sum)).toBe(true);
      } else if (order.kind === 'collect_sum') {
        expect(this.collecting).toBeUndefined();
        expect(this.closed).toContain(order.sum);
        expect(this.sums.get(order.sum)?.host).toBe(order.host);
        this.collecting = order.sum;
      } else if (order.kind === 'end_run') this.outcome = order.outcome;
    }
  }

  close(sum: string): void {
    this.closed.add(sum);
    for (const [slot, open] of this.open) if (open === sum) this.open.delete(slot);
  }

  /** Whoever has finished is in one sum or in the result, once; nobody else is in any. */
  check(): void {
    const counted = [...this.result, ...[...this.sums.values()].flatMap(({ sections }) => sections)];
    const finished = this.plan.sections.filter(({ state }) => state === 'finished' || state === 'collected');
    // what lost its sum while its pieces are collected is run again when that has ended
    const in_one = finished.filter(({ id }) => !this.pieces.has(id) || counted.includes(id));
    expect(counted.toSorted()).toEqual(in_one.map(({ id }) => id).toSorted());
  }

  finish(slot: number, running: Running): void {
    const { id, attempt, host } = running;
    const open = this.open.get(slot);
    const before = open === undefined ? undefined : this.sums.get(open);
    const sum = before?.host === host ? (open as string) : `${host}/${id}.${attempt}`;
    expect(this.closed).not.toContain(sum);
    this.sums.set(sum, { host, sections: [...(this.sums.get(sum)?.sections ?? []), id] });
    this.open.set(slot, sum);
    this.tell({ kind: 'section_finished', id, attempt, sum });
  }

  lose(slot: number): void {
    this.running.delete(slot);
    this.slots.delete(slot);
  }

  /** Does one thing that could happen, chosen by `n`. */
  act(n: number): void {
    const slot = Math.floor(n / 16) % SLOTS;
    // a slot may come again on another host
    const host = HOSTS[(slot + Math.floor(n / (16 * SLOTS))) % HOSTS.length] as string;
    const running = this.running.get(slot);
    const [piece] = this.pieces;
    const { collecting } = this;
    switch (n % 16) {
      case 0:
      case 1:
        if (this.slots.has(slot)) return;
        this.slots.set(slot, host);
        this.tell({ kind: 'slot_up', slot, host });
        return this.tell({ kind: 'host_good', host });
      case 2:
        this.lose(slot);
        return this.tell({ kind: 'slot_gone', slot });
      case 3:
        for (const [other, name] of this.slots) if (name === host) this.lose(other);
        return this.tell({ kind: 'host_gone', host });
      case 4:
      case 5:
      case 6:
      case 7:
        if (running === undefined) return;
        this.running.delete(slot);
        return this.finish(slot, running);
      case 8:
        if (running === undefined) return;
        this.running.delete(slot);
        return this.tell({
          kind: 'section_failed',
          ...running,
          why: n % 32 < 16 ? 'program' : 'lost',
          text: '',
        });
      case 9:
      case 10: {
        if (collecting === undefined) return;
        this.collecting = undefined;
        this.result.push(...(this.sums.get(collecting)?.sections ?? expect.fail('it was dropped')));
        this.sums.delete(collecting);
        return this.tell({ kind: 'sum_collected', sum: collecting });
      }
      case 11:
        if (collecting === undefined) return;
        this.collecting = undefined;
        return this.tell({
          kind: 'sum_failed',
          sum: collecting,
          is_lost: n % 64 < 32,
          is_bad: n % 64 === 11,
          text: 'it cannot be read',
        });
      case 12:
      case 13:
        if (piece === undefined) return;
        this.pieces.delete(piece);
        return this.tell({ kind: 'section_collected', id: piece });
      case 14:
        if (piece === undefined) return;
        this.pieces.delete(piece);
        return this.tell({ kind: 'collect_failed', id: piece, is_lost: true, text: 'it is not there' });
      default:
        if (n % 32 === 15) return this.tell({ kind: 'no_room', text: 'the disk is full' });
        return this.tell({ kind: 'section_set', id: String(n % this.plan.sections.length), state: 'todo' });
    }
  }

  /** Everything comes up and goes well from here on. */
  let_it_end(): void {
    // a slot on each host, so that all outputs can be had
    for (let slot = 0; this.outcome === undefined && slot < SLOTS; slot++) this.act(16 * slot + 2);
    for (let turn = 0; this.outcome === undefined && turn < 2000; turn++) {
      for (let slot = 0; slot < SLOTS; slot++) for (const what of [0, 4, 9, 12]) this.act(16 * slot + what);
      if (this.outcome === undefined) this.tell({ kind: 'no_more_hosts', text: '' });
    }
  }
}

it('has each section in the result exactly once, whatever happens, and ends when things go well again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.array(fc.nat(16 * SLOTS * HOSTS.length - 1), { minLength: 20, maxLength: 200, size: 'max' }),
      (sections, in_sum, has_pieces, acts) => {
        const world = new World(sections, in_sum, has_pieces);
        for (const n of acts) {
          if (world.outcome !== undefined) break;
          world.act(n);
        }
        world.let_it_end();
        expect(world.outcome).toBeDefined();
        // a disk that was full, and no section has finished since
        if (world.outcome?.is_complete !== true) {
          expect(world.outcome?.reason).toBe('the disk is full');
          return;
        }
        const states = new Map(world.plan.sections.map(({ id, state }) => [id, state]));
        const collected = [...states].filter(([, state]) => state === 'collected').map(([id]) => id);
        expect(world.result.toSorted()).toEqual(collected.toSorted());
        expect([...states.values()].every((state) => state === 'collected' || state === 'failed')).toBe(true);
        expect(world.sums.size).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});
