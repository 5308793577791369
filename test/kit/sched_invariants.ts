/** What must hold between any two events of the scheduler: in itself, and against the model around it. */
import { MAX_PREFETCH } from '../../src/sched/prefetch.js';
import type { SlaveRecord, TaskRecord, TaskTrouble } from '../../src/sched/records.js';
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
  const of_queue = model.unsettled_of_queue;
  must(core.unsettled === of_queue, () => `counts ${core.unsettled} unsettled tasks of ${of_queue}`);
  const waiting = model.waiting.size;
  must(core.waiting === waiting, () => `counts ${core.waiting} waiting tasks of ${waiting}`);
  let has_hope = false;
  for (const slave of model.slaves.values()) {
    check_slave(model, slave);
    has_hope ||= is_hope(core.slave(slave.slave_id) as SlaveRecord<TaskRecord>);
  }
  if (waiting > 0) check_idle(model);
  // one that may have more slaves gets them when there is a task
  const may_grow = (model.options.max_slaves ?? 0) > model.slaves.size;
  must(
    has_hope || may_grow || model.is_stopped || !model.is_waited_for,
    'does not say that tasks wait and nobody will come',
  );
}

function is_hope({ state, failures, stop_reason }: SlaveRecord<TaskRecord>): boolean {
  if (state === 'created') return failures > 0;
  return state !== 'dead' && (state !== 'stopped' || stop_reason === 'rest');
}

/** A slave that was told to kill itself has so long, ms. */
const KILL_TIME = 2000;
/** So many of those that wait at the head are certainly looked at. */
const IN_VIEW = 16;

/** No slave idles while a task could start there. */
function check_idle(model: SchedModel): void {
  let idle: ModelSlave[] | undefined;
  for (const slave of model.slaves.values()) {
    const is_worn = slave.is_swollen || slave.ended >= model.options.max_tasks_per_slave;
    if (slave.is_idle && !is_worn && !model.benched.has(slave.host)) (idle ??= []).push(slave);
  }
  if (idle === undefined) return;
  for (const task of model.waiting) {
    if (task.index !== undefined && !model.is_queue_open) continue;
    if (task.is_suspect && model.waiting.size > IN_VIEW) continue;
    for (const slave of idle) {
      const may_start = !task.is_suspect || may_retry(model, task, slave, idle.length - 1);
      must(!may_start, () => `lets slave ${slave.slave_id} idle while task ${task.task_id} could start`);
    }
  }
}

/** Whether the suspect `task` may run on `slave`, besides which `others` are idle. */
export function may_retry(model: SchedModel, task: TaskRecord, slave: ModelSlave, others: number): boolean {
  const { host, slave_id, since } = task.trouble as TaskTrouble;
  if (host?.name !== slave.host) return true;
  for (const other of model.slaves.values()) {
    const record = model.core.slave(other.slave_id);
    if (other.host === slave.host || model.benched.has(other.host) || record?.is_serving !== true) continue;
    if (model.now < since + 60_000) return false;
  }
  return slave_id !== slave.slave_id || others === 0;
}

/** Longest silence of a slave: one whose pulse has not come cannot be heard. */
export function patience({ options }: SchedModel, slave: ModelSlave): number {
  const { heartbeat_timeout, start_timeout } = options;
  return slave.has_pulse ? heartbeat_timeout : Math.max(heartbeat_timeout, start_timeout);
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
  const is_worn = process === 'ready' && (slave.is_swollen || slave.ended >= options.max_tasks_per_slave);
  if (is_worn && held.length === 0 && commands === 0)
    assert(state === 'stopping', 'at work, which is to be replaced');
  if (process === 'ready' && !slave.is_stopping && !slave.is_abandoned) {
    assert(core.wake_at <= slave.heard_at + patience(model, slave), 'whose silence nobody would notice');
    slave.watch_head(model.now);
    const kill_at = slave.is_killed ? slave.killed_at + KILL_TIME : slave.doomed_at + options.cancel_grace;
    assert(core.wake_at <= kill_at, 'whose cancelled task may go on for ever');
  }
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
  if (state === 'started' && slave.is_launched && !slave.is_abandoned)
    assert(core.wake_at <= record.launch_at + options.start_timeout, 'whose start nobody looks after');
}
