import { describe, expect, it } from 'vitest';
import { type Plan, plan_of } from './plan.js';
import { failure_of, play_schedules, shrink } from './schedules.js';

describe('a plan', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(plan_of(7, 'restless')).toEqual(plan_of(7, 'restless'));
    expect(plan_of(7, 'restless')).not.toEqual(plan_of(8, 'restless'));
  });

  it('plays the same way each time', () => {
    const stories = [0, 1].map(() => {
      const story: string[] = [];
      failure_of(plan_of(11, 'troubled'), (line) => story.push(line));
      return story;
    });
    expect(stories[0]?.length).toBeGreaterThan(10);
    expect(stories[0]).toEqual(stories[1]);
  });
});

describe('a schedule that fails', () => {
  /** Fails because of what this plan asks of the model, which has no slave of that number. */
  const plan: Plan = {
    ...plan_of(3, 'restless'),
    happenings: [
      { at: 0, kind: 'queue', a: 1, b: 0 },
      { at: 1, kind: 'open_run', a: 0, b: 0 },
      { at: 2, kind: 'no such thing' as 'queue', a: 0, b: 0 },
      { at: 3, kind: 'queue', a: 1, b: 0 },
    ],
  };

  it('is shrunk to what it takes to fail', () => {
    expect(shrink(plan).happenings).toEqual([plan.happenings[2]]);
  });
});

it('plays no schedule when there is none', () => {
  expect(() => play_schedules('restless', 0, 0)).not.toThrow();
});
