/**
 * Schedule: which fault strikes when. It follows from the seed alone: a strike is due when so many outcomes are there,
 * not at a time, so that the same seed strikes at the same places of the work on a slow machine.
 */
import type { Fault } from './faults/fault.js';
import type { Random } from './random.js';

export interface PlannedStrike {
  /** Due when so many outcomes have been handed over. */
  after: number;
  fault: Fault;
  /** What the fault draws from. */
  random: Random;
}

/** `strikes` strikes spread over `outcomes` outcomes. */
export function plan_strikes(
  random: Random,
  faults: readonly Fault[],
  strikes: number,
  outcomes: number,
): PlannedStrike[] {
  if (faults.length === 0) return [];
  return Array.from({ length: strikes }, (_, number) => {
    const own = random.fork(`strike ${number}`);
    // the first ones come before everything runs
    const after = Math.floor(((number + own.fraction()) * outcomes * 0.95) / strikes);
    return { after, fault: own.pick_weighted(faults), random: own };
  });
}

/** One more strike, due now. */
export function plan_next(random: Random, faults: readonly Fault[], after: number): PlannedStrike {
  const own = random.fork(`strike after ${after}`);
  return { after, fault: own.pick_weighted(faults), random: own };
}
