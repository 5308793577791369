import { describe, expect, it } from 'vitest';
import { Plan, type PlanOptions } from '../../src/sections/plan.js';
import type { PlanOrder, SectionSeed } from '../../src/sections/plan_events.js';

const OPTIONS: PlanOptions = {
  attempts: 2,
  njobs: Infinity,
  redo: true,
  collects: 4,
  has_outputs: true,
  tolerated: 0,
};

function plan_of(
  count: number,
  options: Partial<PlanOptions> = {},
  seeds: Partial<SectionSeed>[] = [],
): Plan {
  const ids = Array.from({ length: count }, (_, i) => ({ id: String(i), ...seeds[i] }));
  return new Plan({ ...OPTIONS, ...options }, ids);
}

/** Slots 0, 1, ... on the hosts named, which are good. */
function bring_up(plan: Plan, ...hosts: string[]): PlanOrder[] {
  const orders = hosts.flatMap((host, slot) => plan.handle({ kind: 'slot_up', slot, host }));
  return [...orders, ...[...new Set(hosts)].flatMap((host) => plan.handle({ kind: 'host_good', host }))];
}

/** Orders of that kind, in short. */
function sent(orders: readonly PlanOrder[]): string[] {
  return orders.flatMap((order) =>
    order.kind === 'run_section' ? [`${order.id}.${order.attempt} on ${order.host}`] : [],
  );
}

function end_of(orders: readonly PlanOrder[]) {
  return orders.find((order) => order.kind === 'end_run')?.outcome;
}

function finish(plan: Plan, id: string): readonly PlanOrder[] {
  const { attempt } = plan.section(id) ?? { attempt: 0 };
  plan.handle({ kind: 'section_started', id, attempt });
  return plan.handle({ kind: 'section_finished', id, attempt });
}

function fail(
  plan: Plan,
  id: string,
  why: 'program' | 'transfer' | 'lost' = 'program',
): readonly PlanOrder[] {
  const { attempt } = plan.section(id) ?? { attempt: 0 };
  return plan.handle({ kind: 'section_failed', id, attempt, why, text: 'it failed' });
}

describe('the plan of a run', () => {
  it('gives nothing to a host before its probe went well', () => {
    const plan = plan_of(2);
    expect(sent(plan.handle({ kind: 'slot_up', slot: 0, host: 'a' }))).toEqual([]);
    expect(sent(plan.handle({ kind: 'host_good', host: 'a' }))).toEqual(['0.1 on a']);
    expect(plan.section('0')?.state).toBe('sent');
  });

  it('spreads sections over hosts, in their order, and no more than njobs at once', () => {
    const plan = plan_of(5, { njobs: 3 });
    expect(sent(bring_up(plan, 'a', 'a', 'b', 'b'))).toEqual(['0.1 on a', '1.1 on a', '2.1 on b']);
    expect(sent(finish(plan, '2'))).toEqual(['3.1 on b']);
  });

  it('collects what has finished, and ends when all is collected', () => {
    const plan = plan_of(1);
    bring_up(plan, 'a');
    expect(finish(plan, '0')).toContainEqual({ kind: 'collect_section', id: '0', host: 'a' });
    expect(end_of(plan.handle({ kind: 'section_collected', id: '0' }))).toEqual({ is_complete: true });
  });

  it('collects in the order of the sections, and what comes before its turn only when nothing else is to be collected', () => {
    const collected = (orders: readonly PlanOrder[]) =>
      orders.flatMap((order) => (order.kind === 'collect_section' ? [order.id] : []));
    const is_in = (id: string) => collected(plan.handle({ kind: 'section_collected', id }));
    const plan = plan_of(6, { collects: 2 });
    bring_up(plan, 'a', 'a', 'a', 'b', 'b', 'b');
    // nothing else is there
    expect(collected(finish(plan, '3'))).toEqual(['3']);
    expect(collected(finish(plan, '0'))).toEqual(['0']);
    expect(collected(finish(plan, '5'))).toEqual([]);
    // 0 is collected in its turn, 5 is not the next
    expect(is_in('3')).toEqual([]);
    expect(collected(finish(plan, '1'))).toEqual(['1']);
    expect(is_in('0')).toEqual([]);
    expect(is_in('1')).toEqual(['5']);
    // its turn comes again when it could not be collected
    expect(collected(finish(plan, '2'))).toEqual(['2']);
    const why = { text: 'the line is bad', is_lost: false, is_bad: false };
    expect(collected(plan.handle({ kind: 'collect_failed', id: '2', ...why }))).toEqual(['2']);
    expect(is_in('2')).toEqual([]);
    expect(collected(finish(plan, '4'))).toEqual(['4']);
    is_in('5');
    expect(end_of(plan.handle({ kind: 'section_collected', id: '4' }))).toEqual({ is_complete: true });
  });

  it('collects from a host also while that runs other sections (defect 18)', () => {
    const plan = plan_of(3);
    bring_up(plan, 'a', 'a');
    const orders = finish(plan, '0');
    expect(plan.sections.map(({ state }) => state)).toEqual(['finished', 'sent', 'sent']);
    expect(orders).toContainEqual({ kind: 'collect_section', id: '0', host: 'a' });
  });

  it('tries a section that failed on another host, and probes the one where it did', () => {
    const plan = plan_of(1);
    bring_up(plan, 'a', 'b');
    const orders = fail(plan, '0');
    expect(sent(orders)).toEqual(['0.2 on b']);
    expect(orders).toContainEqual({ kind: 'probe_host', host: 'a' });
    expect(plan.section('0')).toMatchObject({ failures: 1, failed_on: ['a'] });
  });

  it('sends it elsewhere too when its files could not be moved, and charges nobody (defect 7)', () => {
    const plan = plan_of(1);
    bring_up(plan, 'a', 'b', 'c');
    expect(sent(fail(plan, '0', 'transfer'))).toEqual(['0.2 on b']);
    expect(sent(fail(plan, '0', 'transfer'))).toEqual(['0.3 on c']);
    expect(sent(fail(plan, '0', 'transfer'))).toEqual(['0.4 on a']);
    expect(plan.section('0')).toMatchObject({ failures: 0, failed_on: [] });
  });

  it('waits for a host that is coming rather than try again where a section failed', () => {
    const plan = plan_of(1);
    plan.handle({ kind: 'slot_coming', slot: 7 });
    bring_up(plan, 'a');
    expect(sent(fail(plan, '0'))).toEqual([]);
    plan.handle({ kind: 'slot_up', slot: 7, host: 'b' });
    expect(sent(plan.handle({ kind: 'host_good', host: 'b' }))).toEqual(['0.2 on b']);
  });

  it('tries again on the same hosts when there are fewer than attempts, and then ends with the section named (5, defect 3)', () => {
    const plan = plan_of(1, { attempts: 4 });
    bring_up(plan, 'a', 'b');
    expect(sent(fail(plan, '0'))).toEqual(['0.2 on b']);
    expect(sent(fail(plan, '0'))).toEqual(['0.3 on a']);
    expect(sent(fail(plan, '0'))).toEqual(['0.4 on b']);
    expect(end_of(fail(plan, '0'))).toEqual({
      is_complete: false,
      reason: 'section 0 failed: it failed',
    });
  });

  it('does not charge a lost slave, nor a transfer, but does not do so for ever', () => {
    for (const why of ['lost', 'transfer'] as const) {
      const plan = plan_of(1);
      bring_up(plan, 'a', 'b');
      for (let i = 0; i < 4; i++) fail(plan, '0', why);
      expect(plan.section('0')).toMatchObject({ state: 'sent', failures: 0, attempt: 5 });
      expect(end_of(fail(plan, '0', why))?.is_complete).toBe(false);
    }
  });

  it('does not hear what comes late of an older attempt (14, defect 12)', () => {
    const plan = plan_of(1);
    bring_up(plan, 'a', 'b');
    fail(plan, '0', 'lost');
    expect(plan.section('0')).toMatchObject({ state: 'sent', attempt: 2 });
    for (const kind of ['section_started', 'section_finished'] as const)
      expect(plan.handle({ kind, id: '0', attempt: 1 })).toEqual([]);
    plan.handle({ kind: 'section_failed', id: '0', attempt: 1, why: 'program', text: 'late' });
    expect(plan.section('0')).toMatchObject({ state: 'sent', attempt: 2, failures: 0 });
  });

  it('runs again what had finished on a host that is gone, and charges nobody (7)', () => {
    const plan = plan_of(2, { collects: 0 });
    bring_up(plan, 'a', 'b');
    finish(plan, '1');
    expect(plan.section('1')).toMatchObject({ state: 'finished', host: 'b' });
    plan.handle({ kind: 'host_gone', host: 'b' });
    expect(sent(finish(plan, '0'))).toEqual(['1.2 on a']);
    expect(plan.section('1')?.failures).toBe(0);
    expect(end_of(finish(plan, '1'))).toEqual({ is_complete: true });
  });

  it('with redo: false keeps it, and ends with what is missing', () => {
    const plan = plan_of(1, { redo: false });
    bring_up(plan, 'a', 'b');
    plan.handle({ kind: 'slot_gone', slot: 0 });
    const again = plan.section('0');
    expect(again).toMatchObject({ host: 'b', losses: 1 });
    finish(plan, '0');
    plan.handle({ kind: 'collect_failed', id: '0', is_lost: false, text: 'no way' });
    plan.handle({ kind: 'host_gone', host: 'b' });
    plan.handle({ kind: 'collect_failed', id: '0', is_lost: false, text: 'no way' });
    plan.handle({ kind: 'slot_up', slot: 9, host: 'c' });
    plan.handle({ kind: 'host_good', host: 'c' });
    const outcome = end_of(plan.handle({ kind: 'no_more_hosts', text: 'b is gone' }));
    expect(outcome?.reason).toBe('the outputs of section 0 are on host b, which is not there: b is gone');
  });

  it('keeps a section to the host that it is bound to', () => {
    const plan = plan_of(2, {}, [{ bound_to: 'b' }, { bound_to: 'b' }]);
    expect(sent(bring_up(plan, 'a', 'b'))).toEqual(['0.1 on b']);
    expect(sent(fail(plan, '0'))).toEqual(['0.2 on b']);
    expect(sent(finish(plan, '0'))).toEqual(['1.1 on b']);
  });

  it('gives up what is bound to a host that will not come', () => {
    const plan = plan_of(1, {}, [{ bound_to: 'z' }]);
    bring_up(plan, 'a');
    const outcome = end_of(plan.handle({ kind: 'no_more_hosts', text: '' }));
    expect(outcome?.reason).toMatch(/section 0 failed: it may run on host z only/);
  });

  it('does not start what an earlier master has started before its host was looked at, or is gone', () => {
    const seeds = [{ held_by: 'b', attempt: 1, host: 'b' }];
    const looked_at = plan_of(1, {}, seeds);
    expect(sent(bring_up(looked_at, 'a'))).toEqual([]);
    looked_at.handle({ kind: 'slot_up', slot: 5, host: 'b' });
    expect(sent(looked_at.handle({ kind: 'host_good', host: 'b' }))).toEqual(['0.2 on b']);
    const gone = plan_of(1, {}, seeds);
    bring_up(gone, 'a');
    expect(sent(gone.handle({ kind: 'no_more_hosts', text: 'b is gone' }))).toEqual(['0.2 on a']);
  });

  it('ends when no host is left, and says why', () => {
    const plan = plan_of(2);
    plan.handle({ kind: 'slot_coming', slot: 0 });
    expect(end_of(plan.handle({ kind: 'slot_gone', slot: 0 }))).toBeUndefined();
    const outcome = end_of(plan.handle({ kind: 'no_more_hosts', text: 'a: no scratch' }));
    expect(outcome).toEqual({ is_complete: false, reason: 'no host is left: a: no scratch' });
  });

  it('stops at the first section that failed, goes on to the end, or accepts a share', () => {
    const outcome_of = (tolerated: number) => {
      const plan = plan_of(4, { attempts: 1, tolerated, collects: 0 });
      bring_up(plan, 'a');
      const first = end_of(fail(plan, '0'));
      if (first !== undefined) return first;
      finish(plan, '1');
      finish(plan, '2');
      return end_of(fail(plan, '3'));
    };
    expect(outcome_of(0)?.reason).toBe('section 0 failed: it failed');
    expect(outcome_of(0.25)?.reason).toBe('section 0 failed: it failed');
    expect(outcome_of(0.5)).toEqual({ is_complete: true });
    expect(outcome_of(1)).toEqual({ is_complete: true });
  });

  it('ends what runs when it stops, and leaves it to the next run', () => {
    const plan = plan_of(2, { attempts: 1 });
    bring_up(plan, 'a', 'b');
    const orders = fail(plan, '0');
    expect(orders).toContainEqual(expect.objectContaining({ kind: 'abort_section', id: '1' }));
    expect(plan.section('1')?.state).toBe('todo');
  });

  it('begins nothing more when it is stopped, and leaves what runs to the next run, uncharged', () => {
    const plan = plan_of(3);
    bring_up(plan, 'a', 'b');
    finish(plan, '0');
    const orders = plan.stop('enough');
    expect(orders.filter(({ kind }) => kind === 'abort_section')).toHaveLength(2);
    expect(end_of(orders)).toEqual({ is_complete: false, reason: 'enough' });
    expect(plan.sections.map(({ state, failures, losses }) => [state, failures, losses])).toEqual([
      ['finished', 0, 0],
      ['todo', 0, 0],
      ['todo', 0, 0],
    ]);
    expect(plan.handle({ kind: 'section_collected', id: '0' })).toEqual([]);
    expect(fail(plan, '1')).toEqual([]);
    expect(plan.stop('enough')).toEqual([]);
  });

  it('gives a host that is drained nothing new, until it is released', () => {
    const plan = plan_of(3, { collects: 0 });
    plan.handle({ kind: 'host_drained', host: 'a' });
    expect(sent(bring_up(plan, 'a', 'b'))).toEqual(['0.1 on b']);
    expect(sent(plan.handle({ kind: 'host_released', host: 'a' }))).toEqual(['1.1 on a']);
  });

  it('runs a section again, or never, as a person says', () => {
    const plan = plan_of(2, { tolerated: 1, collects: 0, attempts: 1 });
    bring_up(plan, 'a');
    fail(plan, '0');
    expect(plan.section('0')?.state).toBe('failed');
    plan.handle({ kind: 'section_set', id: '0', state: 'todo' });
    expect(plan.section('0')).toMatchObject({ state: 'todo', failures: 0 });
    const orders = plan.handle({ kind: 'section_set', id: '1', state: 'failed' });
    expect(orders).toContainEqual(expect.objectContaining({ kind: 'abort_section', id: '1' }));
    expect(plan.section('1')).toMatchObject({ state: 'failed', error: 'set to failed by hand' });
    expect(sent(orders)).toEqual(['0.2 on a']);
  });

  it('runs again what was found to be lost when it was collected, and not for ever', () => {
    const plan = plan_of(1);
    bring_up(plan, 'a');
    for (let i = 0; i < 5; i++) {
      finish(plan, '0');
      plan.handle({ kind: 'collect_failed', id: '0', is_lost: true, text: 'damaged' });
      expect(plan.section('0')).toMatchObject({ state: 'sent', attempt: i + 2 });
    }
    finish(plan, '0');
    const orders = plan.handle({ kind: 'collect_failed', id: '0', is_lost: true, text: 'damaged' });
    expect(end_of(orders)?.reason).toBe('section 0 failed: damaged');
  });

  it('has nothing to do for a run that is done', () => {
    const plan = plan_of(2, {}, [{ state: 'collected' }, { state: 'collected' }]);
    expect(end_of(plan.begin())).toEqual({ is_complete: true });
  });
});
