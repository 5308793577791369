/** What must hold between any two events of the scheduler: in itself, and against the model around it. */
import { MAX_PREFETCH } from '../../src/sched/prefetch.js';
import type { SlaveState } from '../../src/sched/slave_state.js';
import type { ModelSlave } from './model_slave.js';
import type { SchedModel } from './sched_model.js';

/** `text` follows the words "the scheduler". */
export function must(holds: boolean, text: string | (() => string)): void {
  if (!holds) throw new Error(`the scheduler ${typeof text === 'string' ? text : text()}`);
}

export function check_model(model: SchedModel): void {
  const { core } = model;
  core.check();
  let of_queue = 0;
  for (const task of model.unsettled) if (task.index !== undefined) of_queue++;
  must(core.unsettled === of_queue, () => `counts ${core.unsettled} unsettled tasks of ${of_queue}`);
  const waiting = model.waiting.size;
  must(core.waiting === waiting, () => `counts ${core.waiting} waiting tasks of ${waiting}`);
  for (const slave of model.slaves.values()) check_slave(model, slave);

  let can_start = model.is_queue_open && waiting > 0;
  if (!can_start) for (const task of model.waiting) can_start ||= task.index === undefined;
  const idle = [...model.slaves.values()].find((slave) => slave.is_idle);
  must(!can_start || idle === undefined, () => `lets slave ${idle?.slave_id} idle while a task could start`);

  const has_hope = [...core.slaves].some(
    ({ state, failures }) => !['dead', 'stopped'].includes(state) && (state !== 'created' || failures > 0),
  );
  must(
    has_hope || model.is_stopped || !model.is_waited_for,
    'does not say that tasks wait and nobody will come',
  );
}

const STATES: Record<ModelSlave['process'], readonly SlaveState[]> = {
  none: ['created', 'dead', 'stopped'],
  starting: ['started'],
  ready: ['connected', 'running_task', 'running_cmd'],
};

function check_slave(model: SchedModel, slave: ModelSlave): void {
  const { options, core } = model;
  const { slave_id, process, held, commands } = slave;
  const record = core.slave(slave_id);
  if (record === undefined) throw new Error(`the scheduler has lost slave ${slave_id}`);
  const { state, tasks } = record;
  const assert = (holds: boolean, what: string) =>
    must(holds, () => `has slave ${slave_id}, ${state}, ${what}`);
  assert(
    slave.is_stopping ? state === 'stopping' : STATES[process].includes(state),
    `of another state than ${process}`,
  );
  assert(!slave.is_leaving || process !== 'none', 'still, which was removed and is gone');
  assert(tasks.length === held.length, 'with more tasks than it has, or fewer');
  assert(held.length <= (options.prefetch ?? MAX_PREFETCH), 'with too many tasks');
  for (let i = 0; i < held.length; i++) {
    const task = held[i]?.task;
    assert(tasks.at(i) === task, 'with its tasks in another order');
    assert(held.length === 1 || task?.is_suspect === false, 'with a suspect that is not alone');
  }
  if (state === 'connected') assert(held.length === 0 && commands === 0, 'idle, and it has work');
  if (state === 'running_task') assert(held.length > 0, 'without a task');
  if (state === 'running_cmd') assert(commands > 0, 'without a command');
  if (state === 'created' && record.failures > 0)
    assert(core.wake_at <= record.launch_at, 'that nobody wakes');
  if (state === 'started' && !slave.is_abandoned)
    assert(core.wake_at <= record.launch_at + options.start_timeout, 'whose start nobody looks after');
}
