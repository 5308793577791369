import { describe, expect, it } from 'vitest';
import { Claims } from '../../src/slave/claims.js';
import { held, kinds, ready_model, type SchedModel } from '../kit/sched_model.js';

/** Slave 0 holds `count` tasks, of which the first is long; it was sent them while more were expected. */
function model_with_a_long_task(count: number, prefetch?: number): SchedModel {
  const model = ready_model(1, { prefetch });
  // the first tasks are short, so the slave is sent many
  model.open_source();
  model.queue(600);
  model.open_run();
  while (model.core.waiting > 0) model.report(0, model.slave(0).held.length, 1);
  model.report(0, model.slave(0).held.length - 1, 1);
  model.report(0, 1, 1);
  model.queue(count);
  expect(model.slave(0).held.length).toBe(count);
  model.close_source();
  return model;
}

/** Slave 0 holds nine tasks and a command, slave 1 two tasks. */
function model_with_two_busy_slaves(): SchedModel {
  const model = model_with_a_long_task(9);
  model.send_command(0);
  model.open_source();
  model.ready(model.add_slave());
  model.queue(2);
  model.close_source();
  expect(held(model).map((tasks) => tasks.length)).toEqual([9, 2]);
  return model;
}

describe('tasks that wait behind a long one', () => {
  it('are taken back for idle slaves, half of them at a time', () => {
    const model = model_with_a_long_task(9);
    model.ready(model.add_slave());
    expect(model.slave(0).asked).toBeUndefined();
    expect(model.pass(10)).toEqual([{ kind: 'take_back', slave_id: 0, from: 605, to: 609 }]);
    model.give_back(0);
    expect(held(model)).toEqual([[600, 601, 602, 603, 604], [605]]);
  });

  it('are not asked for again before the slave has answered', () => {
    const model = model_with_a_long_task(9);
    model.ready(model.add_slave());
    model.pass(10);
    expect(model.pass(10)).toEqual([]);
    model.ready(model.add_slave());
    expect(model.pass(10)).toEqual([]);
  });

  it('are left where they are when they will start soon', () => {
    const model = model_with_a_long_task(9);
    model.ready(model.add_slave());
    expect(model.pass(9)).toEqual([]);
    model.report(0, 1, 1);
    expect(model.pass(9)).toEqual([]);
    expect(model.core.wake_at).toBeLessThanOrEqual(model.now + 10);
  });

  it('are taken back at once when the measured times say that they would wait long', () => {
    const model = ready_model(1, { prefetch: 7 });
    model.open_source();
    model.queue(2);
    model.open_run();
    expect(held(model)).toEqual([[0, 1]]);
    model.report(0, 1, 20_000_000);
    model.queue(1);
    model.close_source();
    expect(held(model)).toEqual([[1, 2]]);
    expect(model.ready(model.add_slave())).toContainEqual(
      expect.objectContaining({ kind: 'take_back', slave_id: 0 }),
    );
    const urgent = model.queue_urgent();
    expect(model.slave(1).tasks).toEqual([urgent]);
    model.give_back(0);
    model.report(1);
    expect(held(model)).toEqual([[1], [2]]);
  });

  it('are left there when the slave cannot give back', () => {
    const model = model_with_a_long_task(9);
    model.gone(0, 'no_task');
    model.pass(1000);
    model.ready(0, false);
    model.open_source();
    model.report(0, 1, 1);
    model.ready(model.add_slave());
    expect(kinds(model.pass(1000))).not.toContain('take_back');
  });

  it('are left there when they have started after all', () => {
    const model = model_with_a_long_task(3);
    model.ready(model.add_slave());
    model.pass(10);
    expect(model.give_back(0, 3)).toEqual([]);
    expect(held(model)).toEqual([[600, 601, 602], []]);
    model.report(0, 3);
    expect(model.runs_finished).toBe(1);
  });

  it('are taken back again and again, until one is left', () => {
    const model = model_with_a_long_task(9);
    model.ready(model.add_slave());
    for (let turn = 0; turn < 20; turn++) {
      model.pass(1000);
      if (model.slave(0).asked !== undefined) model.give_back(0);
      model.report(1, model.slave(1).held.length);
      for (const slave_id of [0, 1]) model.heard(slave_id);
    }
    expect(held(model)).toEqual([[600], []]);
  });

  it('are taken back as Claims can give them: without a hole before what is asked for', () => {
    const model = model_with_a_long_task(9);
    const claims = new Claims();
    for (let seq = 0; seq <= 600; seq++) claims.claim(seq);
    model.ready(model.add_slave());
    const given: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      model.pass(1000);
      for (const slave_id of [0, 1]) model.heard(slave_id);
      const { asked } = model.slave(0);
      if (asked === undefined) break;
      given.push(asked.to - claims.take_back(asked.from, asked.to));
      model.give_back(0);
      while (model.slave(1).held.length > 0) model.report(1, model.slave(1).held.length);
    }
    expect(given).toEqual([4, 2, 1, 1]);
  });

  it('go to the idle slave also while more tasks may come from a source', () => {
    const model = model_with_a_long_task(9);
    model.open_source();
    model.ready(model.add_slave());
    model.pass(10);
    model.give_back(0);
    expect(held(model)[1]).not.toEqual([]);
  });
});

describe('the slave that is asked', () => {
  it('is the one that holds most', () => {
    const model = model_with_two_busy_slaves();
    model.end_command(0);
    model.ready(model.add_slave());
    expect(model.pass(10)).toEqual([expect.objectContaining({ kind: 'take_back', slave_id: 0 })]);
  });

  it('may run a command, which does not keep idle slaves from tasks', () => {
    const model = model_with_two_busy_slaves();
    model.ready(model.add_slave());
    expect(kinds(model.pass(10))).toContain('take_back');
  });

  it('gets no tasks until it has answered', () => {
    const model = model_with_a_long_task(3);
    model.ready(model.add_slave());
    model.pass(10);
    model.report(0);
    model.queue(1);
    expect(held(model)).toEqual([[601, 602], [603]]);
    model.queue(1);
    model.give_back(0, 1);
    expect(model.core.waiting + model.slave(0).held.length + model.slave(1).held.length).toBe(4);
  });

  it('may die before it answers', () => {
    const model = model_with_a_long_task(3);
    model.ready(model.add_slave());
    model.pass(10);
    model.gone(0, 'no_task');
    expect(held(model)[1]).toEqual([600]);
    model.pass(1000);
    model.ready(0);
    expect(held(model)[0]).toEqual([601]);
  });
});
