import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LossKind } from '../../src/sched/events.js';
import type { ModelSlave } from '../kit/model_slave.js';
import { SchedModel } from '../kit/sched_model.js';

/** One thing that happens: its name, whom or how many it concerns, and how. */
type Step = readonly [name: keyof typeof ACTIONS, a: number, b: number];
type Action = (model: SchedModel, a: number, b: number) => void;

const CAUSES = ['not found', 'not found', 'no route', 'bad secret'];
const HOSTS = ['a', 'b', 'c'];
const LOSSES: readonly LossKind[] = ['died', 'lost', 'evicted', 'timed_out', 'too_large', 'cancelled'];

/** How each happens to a model, if it can happen now. */
const ACTIONS = {
  queue: (model, a) => model.queue(1 + a, 10 ** (a % 4)),
  queue_much: (model, a) => model.queue(12 * a),
  queue_urgent: (model) => model.queue_urgent(),
  cancel: (model, a) => {
    const task = pick([...model.unsettled], a);
    if (task !== undefined) model.cancel(task);
  },
  open_run: (model) => !model.is_run_open && model.open_run(),
  close_run: (model) => model.close_run(),
  reader: (model, a) => model.set_reader_behind(a % 2 === 0),
  open_source: (model) => {
    model.open_source();
    // as Job does when a run is going on
    if (!model.is_run_open) model.open_run();
  },
  close_source: (model) => model.sources > 0 && model.close_source(),
  add_slave: (model) => model.slaves.size < 6 && model.add_slave(),
  remove_slave: of_slave(
    (slave) => !slave.is_leaving,
    (model, slave) => model.remove_slave(slave.slave_id),
  ),
  launch: (model) => model.tell({ kind: 'slaves_wanted' }),
  launched: of_slave(is_starting, (model, { slave_id }) => model.launched(slave_id)),
  ready: of_slave(is_starting, (model, { slave_id }, b) => model.ready(slave_id, b % 3 > 0, HOSTS[b % 3])),
  all_ready: (model) => {
    for (const slave of model.slaves.values())
      if (is_starting(slave)) model.ready(slave.slave_id, true, HOSTS[slave.slave_id % 2]);
  },
  pulse: of_slave(is_ready, (model, { slave_id }) => model.pulse(slave_id)),
  gone: of_slave(
    (slave) => slave.process !== 'none',
    (model, slave, b) => {
      const running = slave.tasks[0]?.task_id ?? 'no_task';
      model.gone(slave.slave_id, ([undefined, 'no_task', running] as const)[b % 3], CAUSES[b % 4]);
    },
  ),
  /** Of what it ran, for any reason. */
  lost: of_slave(is_ready, (model, { slave_id, tasks }, b) => {
    model.gone(slave_id, tasks[0]?.task_id ?? 'no_task', 'lost', LOSSES[b]);
  }),
  lost_in_silence: of_slave(is_ready, (model, { slave_id }, b) => {
    model.gone(slave_id, undefined, 'lost', LOSSES[b]);
  }),
  /** Its pulse carries the order to kill out; otherwise its task has ended just before. */
  killed: of_slave(
    (slave) => slave.is_killed,
    (model, { slave_id, held }, b) => {
      if (b % 2 === 0) model.report(slave_id);
      else model.gone(slave_id, held[0]?.task.task_id, 'killed', 'cancelled');
    },
  ),
  swollen: of_slave(is_ready, (model, { slave_id }) => model.swollen(slave_id)),
  wake: (model) => {
    const { wake_at } = model.core;
    if (wake_at < Infinity) model.pass(Math.max(0, wake_at - model.now));
  },
  cancel_running: of_slave(has_tasks, (model, { tasks }) => {
    const [head] = tasks;
    if (head !== undefined && model.unsettled.has(head)) model.cancel(head);
  }),
  hear: of_slave(is_ready, (model, { slave_id }) => model.heard(slave_id)),
  report: of_slave(has_tasks, (model, { slave_id, held }, b) => {
    model.report(slave_id, 1 + (b % held.length), 3 ** (b * 2), b % 3 === 0 ? 'task_failed' : 'task_done');
  }),
  report_all: of_slave(has_tasks, (model, { slave_id, held }, b) => {
    model.report(slave_id, held.length, 10 ** b);
  }),
  give_back: of_slave(
    (slave) => slave.asked !== undefined,
    (model, { slave_id }, b) => model.give_back(slave_id, b),
  ),
  send_command: of_slave(
    (slave) => is_ready(slave) && !slave.is_stopping,
    (model, { slave_id }) => model.send_command(slave_id),
  ),
  end_command: of_slave(
    (slave) => slave.commands > 0,
    (model, { slave_id }) => model.end_command(slave_id),
  ),
  pass: (model, a) => model.pass([1, 10, 100, 250, 1000, 10_000, 60_000][a % 7] as number),
} satisfies Record<string, Action>;

function of_slave(
  concerns: (slave: ModelSlave) => boolean,
  act: (model: SchedModel, slave: ModelSlave, b: number) => unknown,
): Action {
  return (model, a, b) => {
    const slave = pick([...model.slaves.values()].filter(concerns), a);
    if (slave !== undefined) act(model, slave, b);
  };
}

function is_starting(slave: ModelSlave): boolean {
  return slave.process === 'starting' && !slave.is_stopping;
}

function is_ready(slave: ModelSlave): boolean {
  return slave.process === 'ready';
}

function has_tasks(slave: ModelSlave): boolean {
  return is_ready(slave) && slave.held.length > 0;
}

function pick<T>(choices: readonly T[], a: number): T | undefined {
  return choices[a % choices.length];
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...(Object.keys(ACTIONS) as Step[0][]),
      ...(['queue', 'queue', 'report', 'report', 'ready', 'all_ready', 'open_run', 'give_back'] as const),
      ...(['wake', 'wake', 'lost'] as const),
    ),
    fc.nat(6),
    fc.nat(5),
  ),
  { maxLength: 80, size: 'max' },
);
const options = fc.record({
  slaves: fc.nat(4),
  prefetch: fc.constantFrom(undefined, 1, 2, 7),
  attempts: fc.integer({ min: 1, max: 3 }),
  retries: fc.constantFrom(0, 0, 2),
  losses: fc.constantFrom(1, 3),
  max_tasks_per_slave: fc.constantFrom(Infinity, Infinity, 1, 5),
  idle_timeout: fc.constantFrom(Infinity, 500, 30_000),
  cancel_grace: fc.constantFrom(0, 5000),
  max_slaves: fc.constantFrom(undefined, undefined, 2, 5),
});

function play(model: SchedModel, sequence: readonly Step[]): void {
  for (const [name, a, b] of sequence) ACTIONS[name](model, a, b);
}

/** One pending thing of each slave comes to a good end, but `busy` ends no task. False when nothing was pending. */
function go_on(model: SchedModel, busy?: ModelSlave): boolean {
  let went_on = false;
  for (const slave of [...model.slaves.values()]) {
    const { slave_id } = slave;
    if (slave.is_stopping || slave.is_abandoned) model.gone(slave_id, 'no_task');
    else if (slave.process === 'starting') model.ready(slave_id);
    else if (slave.asked !== undefined) model.give_back(slave_id);
    else if (slave.commands > 0) model.end_command(slave_id);
    else if (slave.held.length > 0 && slave !== busy) model.report(slave_id, slave.held.length);
    else continue;
    went_on = true;
  }
  return went_on;
}

/** Nothing goes wrong any more: all that was begun comes to its end. */
function settle_down(model: SchedModel): void {
  for (let turns = 0; turns < 1000; turns++) {
    if (go_on(model)) continue;
    const { wake_at } = model.core;
    if (wake_at === Infinity || !model.is_waited_for) return;
    for (const { slave_id } of model.slaves.values()) model.heard(slave_id);
    model.pass(Math.max(0, wake_at - model.now));
  }
  throw new Error('the scheduler does not come to rest');
}

it('loses no task and settles none twice, and every run ends, whatever happens in whatever order', () => {
  fc.assert(
    fc.property(options, steps, (given, sequence) => {
      const model = new SchedModel(given);
      play(model, sequence);
      while (model.sources > 0) model.close_source();
      model.set_reader_behind(false);
      settle_down(model);
      const { no_slaves } = model;
      if (!model.is_run_open) model.open_run();
      settle_down(model);
      expect(model.is_run_open).toBe(false);
      if (model.slaves.size > 0) {
        expect(model.no_slaves, 'says that no slave is left, and one is').toBe(no_slaves);
        expect([...model.unsettled]).toEqual([]);
      }
      expect([...model.unsettled].filter((task) => task.index === undefined)).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});

it('lets no task wait for long behind one that takes for ever, while another slave is idle', () => {
  fc.assert(
    fc.property(options, steps, fc.nat(5), (given, sequence, a) => {
      const model = new SchedModel({ ...given, slaves: given.slaves + 2 });
      play(model, sequence);
      while (model.sources > 0) model.close_source();
      model.set_reader_behind(false);
      const can_wait = ({ has_pulse, commands, held, is_stopping, is_abandoned }: ModelSlave) =>
        has_pulse && commands === 0 && held.length > 0 && !is_stopping && !is_abandoned;
      const busy = pick([...model.slaves.values()].filter(can_wait), a);
      fc.pre(busy !== undefined);
      fc.pre([...model.slaves.values()].some((other) => other !== busy && !other.is_leaving));
      // what it has started before its last has ended
      if (busy.started > 1) model.report(busy.slave_id, busy.started - 1);
      const [head] = busy.tasks;
      model.open_run();
      const others = () => [...model.unsettled].filter((task) => task !== head);
      for (let turn = 0; turn < 1000 && others().length > 0; turn++) {
        if (go_on(model, busy)) continue;
        for (const { slave_id } of model.slaves.values()) model.heard(slave_id);
        model.pass(1000);
      }
      expect(others()).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

it('ends every slave when the job is stopped, whatever has happened before and whatever happens then', () => {
  fc.assert(
    fc.property(options, steps, fc.nat(20), (given, sequence, left) => {
      const model = new SchedModel(given);
      play(model, sequence.slice(left));
      model.stop_job();
      for (const task of [...model.unsettled]) if (task.index === undefined) model.cancel(task);
      const is_late = ([name]: Step) => name === 'gone' || name === 'report' || name === 'pass';
      play(model, sequence.slice(0, left).filter(is_late));
      settle_down(model);
      for (const { slave_id, process } of model.slaves.values()) {
        expect(process).toBe('none');
        expect(model.core.slave(slave_id)?.state).toBe('stopped');
      }
    }),
    { numRuns: 1000 },
  );
});
