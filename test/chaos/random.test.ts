/** Random numbers follow from the seed, and storms from them. */
import { describe, expect, it } from 'vitest';
import { FAULTS, faults_named } from './faults/all.js';
import { Random } from './random.js';
import { plan_strikes } from './schedule.js';
import { fate_of, kinds_for, spec_of } from './workload.js';

function draw(random: Random, count = 20): number[] {
  return Array.from({ length: count }, () => random.integer(0, 1_000_000));
}

describe('a random source', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    expect(draw(new Random(5))).toEqual(draw(new Random(5)));
    expect(draw(new Random(5))).not.toEqual(draw(new Random(6)));
  });

  it('forks streams that do not depend on what was drawn before', () => {
    const random = new Random(5);
    const early = draw(random.fork('a'));
    draw(random);
    expect(draw(random.fork('a'))).toEqual(early);
    expect(draw(random.fork('b'))).not.toEqual(early);
  });

  it('keeps to bounds and weights', () => {
    const random = new Random(1);
    const dice = Array.from({ length: 6000 }, () => random.integer(1, 6));
    for (let side = 1; side <= 6; side++)
      expect(dice.filter((n) => n === side).length / 1000).toBeCloseTo(1, 0);
    const heavy = { weight: 9 };
    const picks = Array.from({ length: 1000 }, () => random.pick_weighted([heavy, { weight: 1 }]));
    expect(picks.filter((pick) => pick === heavy).length).toBeGreaterThan(850);
  });
});

describe('a storm', () => {
  it('is planned the same way each time', () => {
    const plan = () => plan_strikes(new Random(3), FAULTS, 40, 400);
    const shape = plan().map(({ after, fault, random }) => [after, fault.name, draw(random, 3)]);
    expect(plan().map(({ after, fault, random }) => [after, fault.name, draw(random, 3)])).toEqual(shape);
    const times = plan().map(({ after }) => after);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(400);
  });

  it('has the same tasks each time, of every kind that it may use', () => {
    const kinds = kinds_for({ timeouts: false });
    const specs = Array.from({ length: 5000 }, (_, i) => spec_of(3, i, kinds));
    expect(specs[77]).toEqual(spec_of(3, 77, kinds));
    expect(new Set(specs.map(({ kind }) => kind))).toEqual(new Set(kinds.map(({ name }) => name)));
    expect(specs.filter(({ kind }) => fate_of(kind) === 'hangs')).toEqual([]);
  });

  it('knows its faults by name', () => {
    expect(faults_named(['half_open']).map(({ name }) => name)).toEqual(['half_open']);
    expect(() => faults_named(['earthquake'])).toThrow(/there is no fault earthquake; there are kill_slave/);
  });
});
