import { describe, expect, it } from 'vitest';
import {
  next_state,
  SLAVE_TRANSITIONS,
  type SlaveState,
  type SlaveTransition,
} from '../../src/sched/slave_state.js';

const STATES = Object.keys(SLAVE_TRANSITIONS) as SlaveState[];

function follow(...transitions: SlaveTransition[]): SlaveState {
  return transitions.reduce<SlaveState>(next_state, 'created');
}

describe('the states of a slave', () => {
  it('lead from its launch over its tasks and commands to its end', () => {
    expect(follow('launch')).toBe('started');
    expect(follow('launch', 'ready')).toBe('connected');
    expect(follow('launch', 'ready', 'assign')).toBe('running_task');
    expect(follow('launch', 'ready', 'assign', 'finish')).toBe('connected');
    expect(follow('launch', 'ready', 'command')).toBe('running_cmd');
    expect(follow('launch', 'ready', 'command', 'assign', 'command', 'finish')).toBe('connected');
    expect(follow('launch', 'ready', 'stop')).toBe('stopping');
    expect(follow('launch', 'ready', 'stop', 'end')).toBe('stopped');
  });

  it('lead back to the start when it is lost, and to dead when it is given up', () => {
    for (const work of [[], ['ready'], ['ready', 'assign'], ['ready', 'command']] as SlaveTransition[][]) {
      expect(follow('launch', ...work, 'lose')).toBe('created');
      expect(follow('launch', ...work, 'give_up')).toBe('dead');
    }
    expect(follow('launch', 'lose', 'launch')).toBe('started');
    expect(follow('launch', 'give_up', 'launch')).toBe('started');
  });

  it('can each be left for an end by a stop', () => {
    for (const state of STATES) expect(['stopping', 'stopped']).toContain(next_state(state, 'stop'));
  });

  it('can each be reached', () => {
    const reached = new Set<SlaveState>(['created']);
    for (const state of reached) {
      for (const next of Object.values(SLAVE_TRANSITIONS[state])) reached.add(next);
    }
    expect([...reached].sort()).toEqual(STATES.toSorted());
  });

  it('do not allow what is not in the table, and say so', () => {
    expect(() => next_state('stopped', 'assign')).toThrow('a slave that is stopped cannot assign');
    expect(() => next_state('created', 'ready')).toThrow('a slave that is created cannot ready');
    expect(() => next_state('dead', 'lose')).toThrow('a slave that is dead cannot lose');
  });
});
