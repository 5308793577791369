/** explain: what every slave and the queue are waiting for, in words. */
import type { SlaveState } from '../sched/slave_state.js';

/** A slave, as far as it is explained. */
export interface SlaveStory {
  name: string;
  host: string;
  state: SlaveState;
  /** What it waits for in a queue, in words that follow its name. */
  waits_for: string | undefined;
  tasks: number;
  /** Time that it has had its first task, ms. */
  busy_ms: number;
  last_error: Error | undefined;
  is_leaving: boolean;
  is_worn: boolean;
  is_benched: boolean;
  is_disconnected: boolean;
  relaunch_in_ms: number | undefined;
}

export interface QueueStory {
  waiting: number;
  /** Those of them that need no run: of run_task. */
  urgent_waiting: number;
  running: number;
  is_run_open: boolean;
  is_reader_behind: boolean;
  max_slaves: number | undefined;
}

const MOST_LINES = 100;

export function explain(queue: QueueStory, slaves: readonly SlaveStory[]): string {
  const lines = [explain_queue(queue, slaves)];
  for (const slave of slaves.slice(0, MOST_LINES)) lines.push(`${slave.name} ${explain_slave(slave)}`);
  if (slaves.length > MOST_LINES) lines.push(`... and ${slaves.length - MOST_LINES} more slaves`);
  return lines.join('\n');
}

function explain_queue(queue: QueueStory, slaves: readonly SlaveStory[]): string {
  const { waiting, urgent_waiting, running, is_run_open, is_reader_behind, max_slaves } = queue;
  const counts = `${waiting} ${waiting === 1 ? 'task waits' : 'tasks wait'}, ${running} ${running === 1 ? 'is' : 'are'} on slaves`;
  if (waiting === 0) return counts;
  if (!is_run_open && urgent_waiting < waiting)
    return `${counts}: no run has been asked for (run_all_tasks, yield_tasks_unordered)`;
  if (is_reader_behind)
    return `${counts}: the reader of results is behind (max_result_bytes), so none is sent`;
  if (slaves.length === 0 && max_slaves === undefined) return `${counts}: the job has no slaves`;
  const at_work = slaves.filter(({ state }) => state === 'connected' || state === 'running_task').length;
  if (at_work === 0) return `${counts}: no slave is ready yet`;
  if (max_slaves !== undefined && slaves.length < max_slaves)
    return `${counts}: ${at_work} slaves are at work, and the job may have ${max_slaves}`;
  return `${counts}: all ${at_work} slaves at work are busy`;
}

function explain_slave(slave: SlaveStory): string {
  const { state, host, waits_for, tasks, last_error } = slave;
  const before = last_error === undefined ? '' : `; before, ${first_line(last_error)}`;
  if (waits_for !== undefined) return `${waits_for}${before}`;
  switch (state) {
    case 'created':
      return slave.relaunch_in_ms === undefined
        ? `has not been started${before}`
        : `will be started again in ${seconds(slave.relaunch_in_ms)}: ${last_error === undefined ? 'it was lost' : first_line(last_error)}`;
    case 'started':
      return `was started on ${host} and has not connected yet${before}`;
    case 'connected':
      return `is idle on ${host}${idle_reason(slave)}`;
    case 'running_task':
      return `has ${tasks} tasks on ${host}, the first for ${seconds(slave.busy_ms)}${slave.is_disconnected ? '; its connection is broken' : ''}`;
    case 'running_cmd':
      return `runs a command on ${host}`;
    case 'stopping':
      return 'is ending';
    case 'stopped':
      return 'was stopped';
    case 'dead':
      return `was given up: ${last_error === undefined ? 'it was lost too often' : first_line(last_error)}`;
    default:
      return state satisfies never;
  }
}

function idle_reason({ is_leaving, is_worn, is_benched, is_disconnected }: SlaveStory): string {
  if (is_disconnected) return '; its connection is broken';
  if (is_leaving) return ', and leaves';
  if (is_worn) return ', and is replaced';
  return is_benched ? ': tasks have died on that machine, so it is benched' : '';
}

function first_line(error: Error): string {
  return error.message.split('\n', 1)[0] as string;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
