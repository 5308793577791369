/**
 * A slave that has the secret, and lies. Whatever it says, the run comes to its end: each task has one outcome,
 * be it a wrong one, or the run fails with an error of ours; and the job can be stopped.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ParjobError, tasks_from } from '../../src/index.js';
import { write_pulse_message } from '../../src/wire/pulse_messages.js';
import type { FakeProcess } from '../kit/fake_launcher.js';
import { FakeSlave, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';
import { open } from '../tasks/basic.js';
import { any_pulse_lie, tell_lie } from './lies.js';
import { Random } from './random.js';

const SEED = 20_260_108;
const ROUNDS = Array.from({ length: 40 }, (_, round) => round);
const TASKS = 6;
const MAX_LIES = 3;
/** Of one run, ms: a slave that was lost is launched again after a while. */
const TIME_LIMIT = 10_000;

const { wait_for, square } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

const stray: unknown[] = [];
const take_down = (error: unknown) => stray.push(error);
beforeEach(() => {
  stray.length = 0;
  process.on('unhandledRejection', take_down);
  process.on('uncaughtException', take_down);
});
afterEach(() => {
  process.off('unhandledRejection', take_down);
  process.off('uncaughtException', take_down);
});

function lie({ main, pulse, runner }: FakeProcess, random: Random): void {
  for (let lies = 1 + random.below(MAX_LIES); lies > 0 && main !== undefined; lies--) {
    tell_lie(main.writer, random, runner?.running_task_id ?? 0);
    main.flush();
    if (pulse === undefined || !random.one_in(3)) continue;
    write_pulse_message(pulse.writer, any_pulse_lie(random));
    pulse.flush();
  }
}

it.each(ROUNDS)('a run survives the lies of round %d', async (round) => {
  const random = new Random(SEED, round);
  const slaves = [new FakeSlave('serve'), new FakeSlave('serve')];
  const job = unit_job<unknown>(slaves);
  // the first task ends by a lie, or by what is below
  const gate = `round ${round}`;
  job.queue_task(wait_for(gate));
  for (let i = 1; i < TASKS; i++) job.queue_task(square(i));
  let outcomes = 0;
  let end: unknown;
  const count_outcomes = async () => {
    for await (const _outcome of job.yield_tasks_unordered({ settle: true })) outcomes++;
    return 'all';
  };
  const run = count_outcomes().then(
    (all) => (end = all),
    (error: unknown) => (end = error),
  );
  lie(await Promise.race(slaves.map((slave) => slave.busy())), random);
  const is_over = () => {
    open(gate, 'opened');
    return end !== undefined;
  };
  try {
    await wait_until(is_over, 'the end of the run', TIME_LIMIT);
  } finally {
    await job.stop();
    await run;
  }
  expect(stray).toEqual([]);
  if (end === 'all') expect(outcomes).toBe(TASKS);
  else expect(end).toBeInstanceOf(ParjobError);
});
