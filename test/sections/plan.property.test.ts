/** The plan under random events: nothing runs twice at once, nothing is charged that should not be, and it ends. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Plan } from '../../src/sections/plan.js';
import type { PlanEvent, PlanOrder, RunOutcome } from '../../src/sections/plan_events.js';

const HOSTS = ['a', 'b', 'c'];
const SLOTS_PER_HOST = 2;

interface Running {
  id: string;
  attempt: number;
  host: string;
}

/** What a plan is told stands for, and what must be true of what it orders. */
class World {
  readonly plan: Plan;
  readonly running = new Map<number, Running>();
  readonly slots = new Map<number, string>();
  readonly collecting = new Set<string>();
  readonly good = new Set<string>();
  readonly bound: ReadonlyMap<string, string>;
  readonly charged = new Map<string, number>();
  readonly options;
  outcome: RunOutcome | undefined;

  constructor(sections: number, attempts: number, njobs: number, tolerated: number, bound: number[]) {
    this.options = { attempts, njobs, tolerated, redo: true, collects: 2, has_outputs: true };
    this.bound = new Map(bound.map((i) => [String(i % sections), HOSTS[i % HOSTS.length] as string]));
    const seeds = Array.from({ length: sections }, (_, i) => ({
      id: String(i),
      bound_to: this.bound.get(String(i)),
    }));
    this.plan = new Plan(this.options, seeds);
    this.take(this.plan.begin());
  }

  tell(event: PlanEvent): void {
    this.take(this.plan.handle(event));
    this.check();
  }

  take(orders: readonly PlanOrder[]): void {
    expect(this.outcome === undefined || orders.length === 0).toBe(true);
    for (const order of orders) {
      if (order.kind === 'run_section') this.start(order);
      else if (order.kind === 'abort_section') {
        expect(this.running.get(order.slot)).toMatchObject({ id: order.id, attempt: order.attempt });
        this.running.delete(order.slot);
      } else if (order.kind === 'collect_section') {
        expect(this.collecting.has(order.id)).toBe(false);
        expect(this.plan.section(order.id)).toMatchObject({ state: 'finished', host: order.host });
        this.collecting.add(order.id);
      } else if (order.kind === 'end_run') this.outcome = order.outcome;
    }
  }

  start({ id, attempt, slot, host }: Extract<PlanOrder, { kind: 'run_section' }>): void {
    expect(this.running.has(slot)).toBe(false);
    expect(this.slots.get(slot)).toBe(host);
    expect(this.good.has(host)).toBe(true);
    expect([...this.running.values()].some((other) => other.id === id)).toBe(false);
    expect(this.bound.get(id) ?? host).toBe(host);
    this.running.set(slot, { id, attempt, host });
  }

  check(): void {
    expect(this.running.size).toBeLessThanOrEqual(this.options.njobs);
    const under_way = this.plan.sections.filter(({ state }) => state === 'sent' || state === 'running');
    expect(under_way.map(({ id }) => id).toSorted()).toEqual(
      [...this.running.values()].map(({ id }) => id).toSorted(),
    );
    for (const { id, failures } of this.plan.sections) {
      expect(failures).toBe(this.charged.get(id) ?? 0);
      expect(failures).toBeLessThanOrEqual(this.options.attempts);
    }
  }

  lose(slot: number): void {
    this.running.delete(slot);
    this.slots.delete(slot);
  }

  /** Does one thing that could happen, chosen by `n`. */
  act(n: number): void {
    const slot = Math.floor(n / 16) % (HOSTS.length * SLOTS_PER_HOST);
    const host = HOSTS[Math.floor(slot / SLOTS_PER_HOST)] as string;
    const running = this.running.get(slot);
    const [collected] = this.collecting;
    switch (n % 16) {
      case 0:
      case 1:
        if (!this.slots.has(slot)) {
          this.slots.set(slot, host);
          this.tell({ kind: 'slot_up', slot, host });
        }
        return;
      case 2:
        this.lose(slot);
        return this.tell({ kind: 'slot_gone', slot });
      case 3:
      case 4:
        this.good.add(host);
        return this.tell({ kind: 'host_good', host });
      case 5:
        this.good.delete(host);
        return this.tell({ kind: 'host_benched', host, reason: 'no scratch' });
      case 6:
        this.good.delete(host);
        for (const [other, name] of this.slots) if (name === host) this.lose(other);
        return this.tell({ kind: 'host_gone', host });
      case 7:
      case 8:
      case 9:
        if (running === undefined) return;
        this.tell({ kind: 'section_started', ...running });
        this.running.delete(slot);
        return this.tell({ kind: 'section_finished', ...running });
      case 10: {
        if (running === undefined) return;
        this.running.delete(slot);
        this.charged.set(running.id, (this.charged.get(running.id) ?? 0) + 1);
        return this.tell({ kind: 'section_failed', ...running, why: 'program', text: 'exited with code 1' });
      }
      case 11:
        if (running === undefined) return;
        this.running.delete(slot);
        return this.tell({ kind: 'section_failed', ...running, why: 'transfer', text: 'no space' });
      case 12:
      case 13:
        if (collected === undefined) return;
        this.collecting.delete(collected);
        return this.tell({ kind: 'section_collected', id: collected });
      case 14:
        if (collected === undefined) return;
        this.collecting.delete(collected);
        return this.tell({ kind: 'collect_failed', id: collected, is_lost: true, text: 'damaged' });
      default:
        // of an attempt that is over
        return this.tell({ kind: 'section_finished', id: '0', attempt: 0 });
    }
  }

  /** Everything comes up and goes well from here on. */
  let_it_end(): void {
    for (let turn = 0; this.outcome === undefined && turn < 10_000; turn++) {
      for (let slot = 0; slot < HOSTS.length * SLOTS_PER_HOST; slot++) {
        this.act(16 * slot);
        this.act(16 * slot + 3);
        this.act(16 * slot + 7);
        this.act(12);
      }
      if (this.outcome === undefined) this.tell({ kind: 'no_more_hosts', text: '' });
    }
  }
}

it('keeps its promises whatever happens, and ends when things go well again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(0, 0.5, 1),
      fc.array(fc.nat(20), { maxLength: 4 }),
      fc.array(fc.nat(95), { maxLength: 120 }),
      (sections, attempts, njobs, tolerated, bound, acts) => {
        const world = new World(sections, attempts, njobs, tolerated, bound);
        for (const n of acts) {
          if (world.outcome !== undefined) break;
          world.act(n);
        }
        world.let_it_end();
        expect(world.outcome).toBeDefined();
        expect(world.running.size).toBe(0);
        const states = world.plan.sections.map(({ state }) => state);
        const failed = states.filter((state) => state === 'failed').length;
        if (world.outcome?.is_complete === true) {
          expect(states.every((state) => state === 'collected' || state === 'failed')).toBe(true);
          expect(failed).toBeLessThanOrEqual(tolerated * sections);
        } else expect(failed).toBeGreaterThan(tolerated * sections);
      },
    ),
    { numRuns: 120 },
  );
});
