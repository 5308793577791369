/** Where a slave stands. The words are those of events, logs and messages for people. */
export type SlaveState =
  /** Known to the job, not launched, or waiting to be launched again. */
  | 'created'
  /** Launched; has not connected back, or runs its start-up commands. */
  | 'started'
  /** Ready, and has nothing to do. */
  | 'connected'
  /** Has tasks. */
  | 'running_task'
  /** Runs a command of the user's. */
  | 'running_cmd'
  /** Was told to stop. */
  | 'stopping'
  /** Ended as it was told to. */
  | 'stopped'
  /** Lost, or never started, and its budget of launches is used up. */
  | 'dead';

export type SlaveTransition =
  | 'launch'
  | 'ready'
  | 'assign'
  | 'command'
  | 'finish'
  | 'lose'
  | 'give_up'
  | 'stop'
  | 'end';

/** The whole machine. What is not written here cannot happen. */
export const SLAVE_TRANSITIONS = {
  created: { launch: 'started', give_up: 'dead', stop: 'stopped' },
  started: { ready: 'connected', lose: 'created', give_up: 'dead', stop: 'stopping' },
  connected: {
    assign: 'running_task',
    command: 'running_cmd',
    lose: 'created',
    give_up: 'dead',
    stop: 'stopping',
  },
  running_task: {
    finish: 'connected',
    assign: 'running_task',
    command: 'running_cmd',
    lose: 'created',
    give_up: 'dead',
    stop: 'stopping',
  },
  running_cmd: {
    finish: 'connected',
    assign: 'running_task',
    command: 'running_cmd',
    lose: 'created',
    give_up: 'dead',
    stop: 'stopping',
  },
  stopping: { end: 'stopped', lose: 'stopped', give_up: 'stopped', stop: 'stopping' },
  stopped: { launch: 'started', stop: 'stopped' },
  dead: { launch: 'started', stop: 'stopped' },
} as const satisfies Record<SlaveState, Partial<Record<SlaveTransition, SlaveState>>>;

/** The state that follows. @throws Error when the table has no such transition: a bug in the scheduler */
export function next_state(state: SlaveState, transition: SlaveTransition): SlaveState {
  const row: Partial<Record<SlaveTransition, SlaveState>> = SLAVE_TRANSITIONS[state];
  const next = row[transition];
  if (next === undefined) throw new Error(`a slave that is ${state} cannot ${transition}`);
  return next;
}

/** It is ready, and was not told to stop. */
export function is_at_work(state: SlaveState): boolean {
  return state === 'connected' || state === 'running_task' || state === 'running_cmd';
}
