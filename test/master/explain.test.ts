import { describe, expect, it } from 'vitest';
import { explain, type QueueStory, type SlaveStory } from '../../src/master/explain.js';
import type { SlaveState } from '../../src/sched/slave_state.js';

const SLAVE: SlaveStory = {
  name: 'job.slave3',
  host: 'node7',
  state: 'connected',
  waits_for: undefined,
  tasks: 0,
  busy_ms: 0,
  last_error: undefined,
  is_leaving: false,
  is_worn: false,
  is_benched: false,
  is_disconnected: false,
  relaunch_in_ms: undefined,
};
const QUEUE: QueueStory = {
  waiting: 5,
  running: 2,
  urgent_waiting: 0,
  is_run_open: true,
  is_reader_behind: false,
  max_slaves: undefined,
};

/** What is said of the slave. */
function of_slave(story: Partial<SlaveStory>): string {
  return explain(QUEUE, [{ ...SLAVE, ...story }]).split('\n')[1] as string;
}

/** What is said of the queue. */
function of_queue(story: Partial<QueueStory>, slaves: readonly Partial<SlaveStory>[] = [{}]): string {
  const all = slaves.map((slave) => ({ ...SLAVE, ...slave }));
  return explain({ ...QUEUE, ...story }, all).split('\n')[0] as string;
}

const ERROR = new Error('slave job.slave3 did not start: no such thing\n  command: ssh node7');

describe('what is said of a slave', () => {
  it.each([
    [{ state: 'created' }, 'has not been started'],
    [
      { state: 'created', last_error: ERROR },
      'has not been started; before, slave job.slave3 did not start: no such thing',
    ],
    [{ state: 'created', relaunch_in_ms: 1250 }, 'will be started again in 1.3 s: it was lost'],
    [
      { state: 'created', relaunch_in_ms: 500, last_error: ERROR },
      'will be started again in 0.5 s: slave job.slave3 did not start: no such thing',
    ],
    [{ state: 'started' }, 'was started on node7 and has not connected yet'],
    [
      { state: 'started', waits_for: 'waits in the queue of Slurm as job 4711_0 (Priority)' },
      'waits in the queue of Slurm as job 4711_0 (Priority)',
    ],
    [
      { state: 'started', waits_for: 'waits', last_error: ERROR },
      'waits; before, slave job.slave3 did not start: no such thing',
    ],
    [{ state: 'connected' }, 'is idle on node7'],
    [{ state: 'connected', is_disconnected: true }, 'is idle on node7; its connection is broken'],
    [{ state: 'connected', is_leaving: true }, 'is idle on node7, and leaves'],
    [{ state: 'connected', is_worn: true }, 'is idle on node7, and is replaced'],
    [
      { state: 'connected', is_benched: true },
      'is idle on node7: tasks have died on that machine, so it is benched',
    ],
    [{ state: 'running_task', tasks: 3, busy_ms: 61_234 }, 'has 3 tasks on node7, the first for 61.2 s'],
    [
      { state: 'running_task', tasks: 1, is_disconnected: true },
      'on node7, the first for 0.0 s; its connection is broken',
    ],
    [{ state: 'running_cmd' }, 'runs a command on node7'],
    [{ state: 'stopping' }, 'is ending'],
    [{ state: 'stopped' }, 'was stopped'],
    [{ state: 'dead' }, 'was given up: it was lost too often'],
    [{ state: 'dead', last_error: ERROR }, 'was given up: slave job.slave3 did not start: no such thing'],
  ] as [Partial<SlaveStory>, string][])('%j', (story, text) => {
    const line = of_slave(story);
    expect(line.startsWith('job.slave3 ')).toBe(true);
    expect(line).toContain(text);
    if (story.state !== 'running_task') expect(line).toBe(`job.slave3 ${text}`);
  });
});

describe('what is said of the queue', () => {
  const busy = { state: 'running_task' as SlaveState };

  it.each([
    ['nothing waits', { waiting: 0 }, [{}], '0 tasks wait, 2 are on slaves'],
    [
      'those that wait need no run',
      { is_run_open: false, urgent_waiting: 5 },
      [busy],
      'all 1 slaves at work',
    ],
    ['some of them need one', { is_run_open: false, urgent_waiting: 4 }, [busy], 'no run has been asked for'],
    ['there is no run', { is_run_open: false }, [{}], 'no run has been asked for'],
    [
      'the reader is behind',
      { is_reader_behind: true },
      [{}],
      'the reader of results is behind (max_result_bytes)',
    ],
    ['there are no slaves', {}, [], 'the job has no slaves'],
    ['nobody is ready', {}, [{ state: 'started' }, { state: 'dead' }], 'no slave is ready yet'],
    ['all are busy', {}, [busy, busy, { state: 'dead' }], 'all 2 slaves at work are busy'],
    ['the job may grow', { max_slaves: 4 }, [busy], '1 slaves are at work, and the job may have 4'],
    ['the job has grown', { max_slaves: 1 }, [busy], 'all 1 slaves at work are busy'],
    ['the job may grow and has not', { max_slaves: 4 }, [], 'no slave is ready yet'],
  ] as [string, Partial<QueueStory>, Partial<SlaveStory>[], string][])(
    'when %s',
    (_when, queue, slaves, text) => {
      const line = of_queue(queue, slaves);
      expect(line).toMatch(/^\d tasks wait, 2 are on slaves/);
      expect(line).toContain(text);
    },
  );

  it('does not fill the screen', () => {
    const lines = explain(QUEUE, Array(250).fill(SLAVE)).split('\n');
    expect(lines).toHaveLength(102);
    expect(lines.at(-1)).toBe('... and 150 more slaves');
  });
});
